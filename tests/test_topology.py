"""`kill -9` of any process of a house past one machine: what a page has accepted ends, once."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from tests.proof.postgres import Postgres
from tests.proof.topology import Plan, play

pytestmark = pytest.mark.anyio

PLAN = Plan(kills=10, tasks=8, every=0.8)


@pytest.mark.long
async def test_a_kill_of_any_process_loses_and_doubles_no_video(server: Postgres, tmp_path: Path) -> None:
    """Whichever page, engine, worker or scheduler is killed, every video ends, and none is made twice."""
    seed = int(os.environ.get("SEEDANCE_KILL_SEED") or secrets.randbits(32))
    print(f"SEEDANCE_KILL_SEED={seed}")
    verdict = await play(seed, PLAN, tmp_path, server.new_database())
    assert not verdict.faults, f"SEEDANCE_KILL_SEED={seed}\n" + "\n".join(verdict.faults)
    assert verdict.kills.total() == PLAN.kills
    assert verdict.states["done"] > 0
