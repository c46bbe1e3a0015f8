"""Live through many fault schedules: `python -m tests.bench.simulate --runs 100000 [--seed N] [--pairs]`.

Prints how often each rule was broken, with the seeds that repeat it, and the runs per second. Its exit status
is 1 when any was.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice

from tests.simulation.exhaustive import all_pairs
from tests.simulation.machine import Machine
from tests.simulation.schedule import draw
from tests.simulation.verdict import RULES, Violation, judge_all

_BATCH = 250


def run_seeds(seeds: Sequence[int]) -> tuple[int, list[Violation]]:
    """Live through the schedules of these seeds."""
    return judge_all(map(draw, seeds))


def run_pairs(part: int, parts: int) -> tuple[int, list[Violation]]:
    """Live through one part of all pairs of disturbances."""
    with Machine() as machine:
        mine = list(islice(all_pairs(machine), part, None, parts))
    return judge_all(mine)


def _batches(seed: int, runs: int) -> list[range]:
    return [range(at, min(at + _BATCH, seed + runs)) for at in range(seed, seed + runs, _BATCH)]


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100_000, help="random schedules")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().getrandbits(40), help="of the first"
    )
    parser.add_argument("--pairs", action="store_true", help="instead: every pair of disturbances, once")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    broken: Counter[str] = Counter()
    start, done = time.perf_counter(), 0
    print("all pairs" if options.pairs else f"{options.runs} runs from seed {options.seed}", flush=True)
    with ProcessPoolExecutor(options.workers) as pool:
        parts = 16 * options.workers
        results = (
            pool.map(run_pairs, range(parts), [parts] * parts)
            if options.pairs
            else pool.map(run_seeds, _batches(options.seed, options.runs))
        )
        for count, found in results:
            done += count
            for violation in found:
                broken[violation.rule] += 1
                if broken[violation.rule] <= 20:
                    print(f"{violation.rule} (seed {violation.seed}): {violation.text}", flush=True)
    seconds = time.perf_counter() - start
    print(f"{done} runs, {seconds:.0f} s, {done / seconds:.0f} runs/s with {options.workers} workers")
    for rule, words in RULES.items():
        print(f"{broken[rule]:8} {rule:13} {words}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
