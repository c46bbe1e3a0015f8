"""Kill the program at random moments, many times, and count what was lost and what was charged twice.

Usage: python -m tests.bench.kill [--rounds 2000] [--workers 6] [--seed N] [--postgres]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.proof import postgres
from tests.proof.killing import Verdict, play_all
from tests.proof.programs import provider
from tests.proof.swarm import swarm


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=6, help="processes at a time")
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("SEEDANCE_KILL_SEED") or secrets.randbits(32))
    )
    parser.add_argument("--postgres", action="store_true", help="three processes on one Postgres instead")
    options = parser.parse_args()
    print(f"SEEDANCE_KILL_SEED={options.seed}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seedance-kill-") as name:
        faults = (_swarm if options.postgres else _rounds)(options, Path(name))
    print(f"{time.monotonic() - start:.0f} s")
    return 1 if faults else 0


def _rounds(options: argparse.Namespace, folder: Path) -> int:
    with provider(folder, "--latency", "0.03", "--lag", "1") as address:
        verdicts = asyncio.run(play_all(options.seed, options.rounds, folder, address, options.workers))
    for verdict in verdicts:
        for fault in verdict.faults:
            print(f"{verdict.plan}: {fault}", file=sys.stderr)
    _tell(verdicts)
    return sum(bool(verdict.faults) for verdict in verdicts)


def _tell(verdicts: list[Verdict]) -> None:
    faults = [fault for verdict in verdicts for fault in verdict.faults]
    print(f"rounds {len(verdicts)}, with faults {sum(bool(verdict.faults) for verdict in verdicts)}")
    print(f"killed in    {dict(Counter(verdict.struck for verdict in verdicts))}")
    print(f"ended as     {dict(Counter(verdict.state or 'not on record' for verdict in verdicts))}")
    print(f"charged      {sum(verdict.charges for verdict in verdicts)}")
    print(f"lost         {sum(fault.startswith('lost') for fault in faults)}")
    print(f"doubled      {sum(fault.startswith('doubled') for fault in faults)}")
    print(f"pieces left  {sum(verdict.parts for verdict in verdicts)} (*.part)")


def _swarm(options: argparse.Namespace, folder: Path) -> int:
    with provider(folder, "--latency", "0.25", "--lag", "1") as address, postgres.running() as server:
        outcome = asyncio.run(swarm(server.new_database(), options.seed, options.rounds, folder, address))
    for fault in outcome.faults:
        print(fault, file=sys.stderr)
    print(f"kills {outcome.kills}, videos asked for {outcome.asked}, charged {outcome.charged}")
    print(f"ended as     {dict(outcome.states)}")
    print(f"taken over   {outcome.taken_over} videos by another program")
    print(f"lost         {sum(fault.startswith('lost') for fault in outcome.faults)}")
    print(f"doubled      {sum(fault.startswith('doubled') for fault in outcome.faults)}")
    print(f"other faults {sum(not fault.startswith(('lost', 'doubled')) for fault in outcome.faults)}")
    return len(outcome.faults)


if __name__ == "__main__":
    sys.exit(main())
