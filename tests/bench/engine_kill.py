"""Kill the engine's server and workers at random moments, many times, and count what was lost or doubled.

Usage: python -m tests.bench.engine_kill [--rounds 100] [--seed N]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import make_photo
from tests.proof.engine_killing import play


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("SEEDANCE_KILL_SEED") or secrets.randbits(32))
    )
    options = parser.parse_args()
    print(f"SEEDANCE_KILL_SEED={options.seed}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seedance-kill-") as name:
        photo = make_photo(Path(name) / "photo.jpg", 640, 480).read_bytes()
        verdict = asyncio.run(play(options.seed, options.rounds, Path(name), photo))
    for fault in verdict.faults:
        print(fault, file=sys.stderr)
    print(f"kills        {dict(verdict.kills)}")
    print(f"accepted     {verdict.accepted}, answers lost {verdict.lost_answers}")
    print(f"ended as     {dict(verdict.ends)}")
    print(f"lost         {sum(fault.startswith('lost') for fault in verdict.faults)}")
    print(f"doubled      {sum(fault.startswith('doubled') for fault in verdict.faults)}")
    print(f"other faults {sum(not fault.startswith(('lost', 'doubled')) for fault in verdict.faults)}")
    print(f"{time.monotonic() - start:.0f} s")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
