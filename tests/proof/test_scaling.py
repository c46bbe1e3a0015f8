from __future__ import annotations

import pytest

from tests.proof.scaling import LINE, WRITES, Costs, heartbeats, limits, needs

COSTS = Costs(
    render=2.0,
    overhead=0.05,
    carried=3.0,
    messages=20,
    scheduler=0.001,
    scheduler_mb=0.001,
    heartbeat=0.001,
    engine=0.01,
    writes=7,
)


def test_a_part_at_its_limit_is_just_busy() -> None:
    """The limit of each part is the number of workers that takes all it has, and they come scarcest first."""
    found = limits(COSTS)
    assert list(found.values()) == sorted(found.values())
    assert needs(COSTS, found["an engine's core"]).engine == pytest.approx(1, rel=0.01)
    assert needs(COSTS, found["the scheduler's core"]).scheduler == pytest.approx(1, rel=0.15)
    assert needs(COSTS, found["the scheduler's ten gigabits"]).carried == pytest.approx(LINE, rel=0.01)
    assert needs(COSTS, found["the database"]).writes == pytest.approx(WRITES, rel=0.01)


@pytest.mark.parametrize(("workers", "each_second"), [(1, 2), (40, 40), (100, 50), (10_000, 196)])
def test_heartbeats_never_flood_the_scheduler(workers: int, each_second: int) -> None:
    """Dask asks for fewer from each worker the more there are."""
    assert heartbeats(workers) == pytest.approx(each_second, rel=0.01)
