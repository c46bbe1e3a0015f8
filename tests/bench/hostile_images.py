"""All directed and many mutated hostile images: `python -m tests.bench.hostile_images --runs 100000`."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile import DIRECTED
from tests.hostile.mutants import mutant
from tests.hostile.trial import Trial


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    options = parser.parse_args()
    start = time.monotonic()
    print(f"{len(DIRECTED)} directed, {options.runs:,} mutated images; seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="seedance-hostile-") as folder:
        directed, mutated = Trial(Path(folder, "directed")), Trial(Path(folder, "mutated"))
        wrong = 0
        for case in DIRECTED:
            reason = directed.clean(case.name, case.make())
            if (reason is None) != (case.told is None) or (case.told or "") not in (reason or ""):
                wrong += 1
                print(f"{case.name}: {reason}, wanted {case.told!r}")
        for number in range(options.runs):
            name, data = mutant(options.seed, number)
            mutated.clean(f"{name} {number}", data)
            if (number + 1) % 10_000 == 0:
                print(f"{number + 1:,} after {time.monotonic() - start:.0f} s", flush=True)
    print(f"DIRECTED ({wrong} with another answer than wanted)\n{directed}\nMUTATED\n{mutated}")
    met = directed.sound and mutated.sound and not wrong
    print("goal met" if met else "goal missed: nothing but InvalidImage, each at most 1 s of CPU and 1 GB")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
