"""Let schemathesis compare the engine with its own /openapi.json, by all of its checks.

    python -m tests.bench.schemas --cases 10000

The engine runs on a port of this machine. Nothing is rendered and no webhook is told, so that none of the
invented addresses is ever looked up.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from seedance.engine.api import build
from seedance.engine.openapi import document
from tests.engine.calls import make_parts

ROOT = Path(__file__).parents[2]
KEY = "sk-schemas"
PHASES = "fuzzing,stateful"
ALL_PHASES = f"examples,coverage,{PHASES}"
_SETTINGS = f"""
[auth.openapi.key]
bearer = "{KEY}"
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    cases: int
    operations: int
    failures: list[str]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve an engine that renders nothing."""
    parts = make_parts(folder, KEY, sync_wait=0.0)
    parts.queue.capacity = 10**9
    config = uvicorn.Config(build(parts), port=0, log_level="critical", lifespan="off")
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        parts.records.close()


def examine(folder: Path, *, cases: int, phases: str = PHASES, seed: int = 1) -> Report:
    """Send about that many requests, evenly over all calls, and return what was found."""
    operations = sum(len(path) for path in document()["paths"].values())
    settings, told = folder / "schemathesis.toml", folder / "report.json"
    settings.write_text(_SETTINGS)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"]
    command += ["--checks", "all", "--phases", phases, "--max-examples", str(max(1, cases // operations))]
    command += ["--seed", str(seed), "--continue-on-failure", "--suppress-health-check", "all"]
    command += ["--report", "json", "--report-json-path", str(told), "--no-color"]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.bench.addresses", "PYTHONPATH": str(ROOT)}
    with served(folder) as url:
        run = subprocess.run(
            [*command, f"{url}/openapi.json"], cwd=folder, env=environment, capture_output=True, text=True
        )
    if not told.exists():
        raise RuntimeError(f"schemathesis did not run: {run.stdout}\n{run.stderr}")
    found: dict[str, Any] = json.loads(told.read_text())
    faults = [json.dumps(fault, indent=2) for fault in (*found["failures"], *found["errors"])]
    if run.returncode and not faults:
        faults = [f"exit status {run.returncode}: {run.stdout}"]
    return Report(found["test_cases"]["generated"], found["operations"]["tested"], faults)


def main() -> int:
    parser = argparse.ArgumentParser(description="The engine against its own document.")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--phases", default=ALL_PHASES)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = examine(Path(folder), cases=options.cases, phases=options.phases, seed=options.seed)
    for fault in report.failures:
        print(fault)
    seconds = time.monotonic() - start
    print(
        f"{report.cases} cases over {report.operations} calls in {seconds:.0f} s: "
        f"{len(report.failures)} violations"
    )
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
