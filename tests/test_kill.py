"""`kill -9` at any moment, judged by the provider's ledger: never charged twice, never lost."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from pathlib import Path

import pytest

from tests.proof.killing import MOMENTS, play_all
from tests.proof.programs import provider

pytestmark = pytest.mark.anyio

ROUNDS = 60
WORKERS = 6  # most of the time of each is waiting: for a poll, for its start


@pytest.mark.long
async def test_a_kill_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Whenever the process is killed, resuming brings home what was charged, and charges nothing again."""
    seed = int(os.environ.get("SEEDANCE_KILL_SEED") or secrets.randbits(32))
    print(f"SEEDANCE_KILL_SEED={seed}")
    with provider(tmp_path, "--latency", "0.03", "--lag", "1") as address:
        verdicts = await play_all(seed, ROUNDS, tmp_path, address, WORKERS)
    struck = Counter(verdict.struck for verdict in verdicts)
    faults = [f"{verdict.plan}: {fault}" for verdict in verdicts for fault in verdict.faults]
    assert not faults, f"SEEDANCE_KILL_SEED={seed}\n" + "\n".join(faults)
    assert len(verdicts) == ROUNDS > len(MOMENTS)
    assert {"nothing yet", "submitting", "running"} <= set(struck), struck
