"""Fill a week's database and measure every query that page and engine make on it.

Usage: python -m tests.bench.million [--tasks 1000000] [--times 200] [--sqlite | --postgres]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.proof import postgres
from tests.proof.million import GOAL, fill, measure


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=1_000_000, help="videos, and tasks of the engine")
    parser.add_argument("--times", type=int, default=200, help="how often each query is asked")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite alone")
    parser.add_argument("--postgres", action="store_true", help="on Postgres alone")
    options = parser.parse_args()
    late = 0
    with tempfile.TemporaryDirectory(prefix="seedance-million-") as name:
        if not options.postgres:
            late += _tell("SQLite", f"sqlite:///{Path(name)}/week.sqlite", options)
    if not options.sqlite:
        with postgres.running() as server:
            late += _tell("Postgres", server.new_database(), options)
    print("goal met" if not late else f"{late} queries took longer than {1000 * GOAL:.0f} ms (p99)")
    return 1 if late else 0


def _tell(name: str, url: str, options: argparse.Namespace) -> int:
    start = time.monotonic()
    fill(url, options.tasks)
    print(f"{name}: {options.tasks} videos and tasks, filled in {time.monotonic() - start:.0f} s")
    late = 0
    for figure in measure(url, options.tasks, options.times):
        late += figure.late > GOAL
        mark = "  late" if figure.late > GOAL else ""
        print(
            f"  {figure.query:41} {1000 * figure.median:8.2f} ms, p99 {1000 * figure.late:8.2f} ms{mark}",
            flush=True,
        )
    return late


if __name__ == "__main__":
    sys.exit(main())
