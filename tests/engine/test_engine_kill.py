"""`kill -9` of the engine's server and of its workers: what was accepted ends, once."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

import pytest

from tests.proof.engine_killing import play

pytestmark = pytest.mark.anyio

ROUNDS = 20


@pytest.mark.long
async def test_a_kill_at_any_moment_loses_and_doubles_no_task(tmp_path: Path, photo: Path) -> None:
    """Whichever process is killed, every accepted task is completed, once, or reported failed."""
    seed = int(os.environ.get("SEEDANCE_KILL_SEED") or secrets.randbits(32))
    print(f"SEEDANCE_KILL_SEED={seed}")
    verdict = await play(seed, ROUNDS, tmp_path, await asyncio.to_thread(photo.read_bytes))
    assert not verdict.faults, f"SEEDANCE_KILL_SEED={seed}\n" + "\n".join(verdict.faults)
    assert verdict.kills.total() == ROUNDS
    assert verdict.ends["completed"] > 0
    assert set(verdict.kills) == {"server", "worker"}
