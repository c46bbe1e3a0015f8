"""What a cluster of so many workers needs, from what one render was measured to cost: pure.

A worker is busy all the time. Images and videos pass through the scheduler, which is one Python process: it
reads and writes each of them once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

LINE: Final = 1250.0  # MB a second in each direction: ten gigabits
WRITES: Final = 2000.0  # a second that one database server commits, without regard to its disks


@dataclass(frozen=True)
class Costs:
    """Of one render. Times in seconds, sizes in MB, processor time in seconds of one core."""

    render: float
    """In the worker."""
    overhead: float
    """From the call to the outcome, beside the render."""
    carried: float
    """Images in and results out, once."""
    messages: float
    """To and from the scheduler, heartbeats not counted."""
    scheduler: float
    """Processor time of the scheduler without what it carries."""
    scheduler_mb: float
    """For each MB that it carries."""
    heartbeat: float
    """Of the scheduler, for one."""
    engine: float
    """Processor time of the engine: files, database, Dask's client."""
    writes: float
    """Statements that write to the engines' database."""


@dataclass(frozen=True)
class Needs:
    """Of a cluster, each second."""

    workers: int
    renders: float
    messages: float
    carried: float
    """MB in each direction through the scheduler."""
    scheduler: float
    """Cores of the scheduler, which can use one."""
    engine: float
    """Cores of all engines together."""
    writes: float


def heartbeats(workers: int) -> float:
    """Return how many heartbeats a second Dask's scheduler asks of that many workers: below 200."""
    interval = 0.5 if workers <= 10 else 1 if workers < 50 else 2 if workers < 200 else workers / 200 + 1
    return workers / interval


def needs(costs: Costs, workers: int) -> Needs:
    """Return what that many busy workers need."""
    rate = workers / (costs.render + costs.overhead)
    each = costs.scheduler + costs.scheduler_mb * costs.carried
    return Needs(
        workers,
        renders=rate,
        messages=rate * costs.messages + heartbeats(workers),
        carried=rate * costs.carried,
        scheduler=rate * each + heartbeats(workers) * costs.heartbeat,
        engine=rate * costs.engine,
        writes=rate * costs.writes,
    )


def limits(costs: Costs) -> dict[str, int]:
    """Return how many workers one of each part can serve, the scarcest first."""
    return dict(sorted(_limits(costs).items(), key=lambda part: part[1]))


def _limits(costs: Costs) -> dict[str, int]:
    one = needs(costs, 10**9)  # so many that heartbeats are at their most, and count for nothing by worker
    steady = 200 * costs.heartbeat
    return {
        "the scheduler's core": math.floor((1 - steady) / ((one.scheduler - steady) / 10**9)),
        "an engine's core": math.floor(1 / (one.engine / 10**9)),
        "the scheduler's ten gigabits": math.floor(LINE / (one.carried / 10**9)),
        "the database": math.floor(WRITES / (one.writes / 10**9)),
    }
