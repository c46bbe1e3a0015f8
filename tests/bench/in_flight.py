"""Measure what tasks in flight cost one process: memory, processor, lateness of polls, time to resume.

Usage: python -m tests.bench.in_flight [--tasks 10000] [--seconds 30]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.proof.crowd import measure


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long they are watched")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seedance-in-flight-") as name:
        seen = asyncio.run(measure(options.tasks, options.seconds, Path(name)))
    print(f"tasks in flight   {seen.tasks}")
    print(f"resumed in        {seen.resumed:.1f} s, from the journal to the first poll of the last one")
    print(f"memory            {seen.memory:.0f} bytes for each")
    print(f"processor         {seen.cores:.2f} cores at {seen.polls:.0f} polls/s")
    print(f"polls are late by {seen.late:.3f} s (99th percentile)")
    met = seen.memory <= 8192 and seen.cores <= 1 and seen.late <= 1
    print("goals met" if met else "goals missed: at most 8192 bytes each, 1 core, 1 s")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
