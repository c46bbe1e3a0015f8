"""Kill any process of a house past one machine, many times, and count what was lost, doubled or corrupt.

Usage: python -m tests.bench.topology [--kills 1000] [--tasks 300] [--every 2] [--bucket] [--seed N]
       python -m tests.bench.topology --takeover [--times 3]
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

from tests.proof import bucket, postgres
from tests.proof.topology import Plan, Verdict, play

_DURATIONS = (2, 5, 12)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two kills, on average")
    parser.add_argument("--bucket", action="store_true", help="share files by an S3 server, not by a folder")
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("SEEDANCE_KILL_SEED") or secrets.randbits(32))
    )
    options = parser.parse_args()
    print(f"SEEDANCE_KILL_SEED={options.seed}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seedance-topology-") as name, postgres.running() as server:
        faults = _siege(options, Path(name), server.new_database())
    print(f"{time.monotonic() - start:.0f} s")
    return 1 if faults else 0


def _siege(options: argparse.Namespace, folder: Path, database: str) -> int:
    plan = Plan(options.kills, options.tasks, options.every, _DURATIONS)
    if options.bucket:
        with bucket.running() as storage:
            verdict = asyncio.run(play(options.seed, plan, folder, database, storage))
    else:
        verdict = asyncio.run(play(options.seed, plan, folder, database))
    _tell(verdict)
    return len(verdict.faults)


def _tell(verdict: Verdict) -> None:
    for fault in verdict.faults:
        print(fault, file=sys.stderr)
    print(f"kills        {verdict.kills.total()}: {dict(verdict.kills)}")
    print(f"asked for    {verdict.asked}, accepted {verdict.accepted}")
    print(f"answers lost {verdict.lost_answers.total()}: {dict(verdict.lost_answers)}")
    print(f"ended as     {dict(verdict.states)}")
    print(f"taken over   {verdict.taken_over} videos by another process, {verdict.again} tasks begun again")
    if verdict.waits:
        print(f"waited       {max(verdict.waits):.1f} s at most for a dead process's videos to be taken over")
    for word in ("lost", "doubled", "corrupt"):
        print(f"{word:<12} {sum(word in fault for fault in verdict.faults)}")
    print(f"faults       {len(verdict.faults)}")


if __name__ == "__main__":
    sys.exit(main())
