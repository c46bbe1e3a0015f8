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

from seedance import journal
from seedance.engine import claims
from seedance.journal import Journal
from tests.proof import bucket, postgres
from tests.proof.audit import Audit
from tests.proof.takeover import Takeover
from tests.proof.topology import Plan, Verdict, play, running

_DURATIONS = (2, 5, 12)
_LATE = 2.0  # seconds beyond a lease that work may wait


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two kills, on average")
    parser.add_argument("--bucket", action="store_true", help="share files by an S3 server, not by a folder")
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("SEEDANCE_KILL_SEED") or secrets.randbits(32))
    )
    parser.add_argument("--takeover", action="store_true", help="measure how long a dead one's work waits")
    parser.add_argument("--times", type=int, default=3, help="that a page and an engine die for it")
    options = parser.parse_args()
    print(f"SEEDANCE_KILL_SEED={options.seed}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seedance-topology-") as name, postgres.running() as server:
        play_it = _takeover if options.takeover else _siege
        faults = play_it(options, Path(name), server.new_database())
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


def _takeover(options: argparse.Namespace, folder: Path, database: str) -> int:
    late = 0
    waits = asyncio.run(_measure(options.times, folder, database))
    for kind, lease in (("page", journal.LEASE), ("engine", claims.LEASE)):
        told = ", ".join(f"{wait:.1f}" for wait in waits[kind])
        print(f"{kind:<8} lease {lease:.0f} s; its work was taken over {told} s after its death")
        late += sum(wait > lease + _LATE for wait in waits[kind])
    return late


async def _measure(times: int, folder: Path, database: str) -> dict[str, list[float]]:
    Journal(database).close()
    audit = Audit(database)
    try:
        async with running(folder, database) as house:
            deaths = Takeover(house, audit)
            return {
                "page": [await deaths.of_a_page() for _ in range(times)],
                "engine": [await deaths.of_an_engine() for _ in range(times)],
            }
    finally:
        audit.close()


if __name__ == "__main__":
    sys.exit(main())
