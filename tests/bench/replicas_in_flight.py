"""Measure what tasks in flight cost several processes that share one Postgres, and the database itself.

Each process polls a provider that answers `processing` at once. At the end one of them is killed, and it is
measured when the others have its tasks: nobody can see its death, as if each ran on its own machine.

Usage: python -m tests.bench.replicas_in_flight [--tasks 5000] [--replicas 2] [--seconds 30]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from seedance.journal import LEASE
from tests.proof import postgres
from tests.proof.replicas import Work, measure

_TAKE_OVER: Final = LEASE + 2  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=5000, help="in all")
    parser.add_argument("--replicas", type=int, default=2, help="processes, at least 2")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long they are watched")
    options = parser.parse_args()
    if options.replicas < 2:
        parser.error("at least 2 replicas")
    with tempfile.TemporaryDirectory(prefix="seedance-replicas-") as name, postgres.running() as server:
        seen = asyncio.run(measure(server, options.tasks, options.replicas, options.seconds, Path(name)))
    for number, one in enumerate(seen.replicas, 1):
        print(f"replica {number}: {one.tasks} tasks, all asked for once after {one.resumed:.1f} s")
        print(f"  memory            {one.memory:.0f} bytes for each")
        print(f"  processor         {one.cores:.2f} cores at {one.polls:.0f} polls/s")
        print(f"  polls are late by {one.lag:.3f} s (median), {one.late:.3f} s (99th percentile)")
    print(f"database, nothing changing: {_told(seen.steady, 'a second')}, {seen.steady.cpu:.3f} cores")
    print(f"database, to take all up:   {_told(seen.taken_up, 'in all')}, {seen.taken_up.cpu:.1f} s of CPU")
    print(f"tasks of a killed replica taken over after {seen.taken_over:.1f} s")
    met = seen.taken_over <= _TAKE_OVER and all(one.cores <= 1 and one.late <= 1 for one in seen.replicas)
    print("goals met" if met else f"goals missed: 1 core, 1 s late, {_TAKE_OVER:.0f} s to take over")
    return 0 if met else 1


def _told(work: Work, when: str) -> str:
    rates = f"{work.rows:.1f} rows written, {work.commits:.1f} transactions"
    return f"{rates}, {work.log / 1000:.1f} kB of log {when}"


if __name__ == "__main__":
    sys.exit(main())
