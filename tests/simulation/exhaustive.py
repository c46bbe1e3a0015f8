"""Every crash point with every fault: the schedules that chance might miss."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

from tests.simulation.faults import FAULTS, NEVER_ARRIVED, RATE_LIMITED, Kind
from tests.simulation.ledger import History
from tests.simulation.machine import Machine
from tests.simulation.process import POINTS
from tests.simulation.schedule import GRACE, Faults, Life, Schedule, Wish
from tests.simulation.world import live

Point = tuple[str, int]
Call = tuple[Kind, int, str]

PAUSES: Final = (1.0, 20.0, GRACE + 100)
"""Shorter than a lease, longer, and longer than the grace: each pair gets one of them, in turn."""
_WISH: Final = Wish(7, pictures=(1, 0))
_MOST: Final = {"before renew": 2, "after renew": 2}
_ALIKE: Final = {*NEVER_ARRIVED, *RATE_LIMITED, "dropped", "reset", "500", "502", "503", "408"} - {
    "connect timeout",
    "429, seconds",
}
_NUMBERS: Final[dict[Kind, tuple[int, ...]]] = {"read": (1, 3), "list": (1, 2)}


def points(machine: Machine) -> list[Point]:
    """Return every point at which one undisturbed life can end, each passing of it counted."""
    world = live(machine, Schedule(wishes=(_WISH,)))
    passed = world.processes[0].passed
    return [
        (name, number) for name in POINTS for number in range(1, min(passed[name], _MOST.get(name, 99)) + 1)
    ]


def calls(*, alike: bool = True) -> list[Call]:
    """Return every fault, at the first call of its kind and where it matters at a later one.

    Without those that are `alike`, a read fails once in each way that the program can tell apart.
    """
    return [
        (kind, number, name)
        for kind, faults in FAULTS.items()
        for name in faults
        for number in _NUMBERS.get(kind, (1,))
        if alike or kind == "submit" or name not in _ALIKE
    ]


def crash_and_fault(machine: Machine, *, alike: bool = True) -> Iterator[Schedule]:
    """Yield each crash point with each fault, once."""
    for n, (point, call) in enumerate(product(points(machine), calls(alike=alike))):
        yield _schedule(n, (point,), (call,))


def all_pairs(machine: Machine) -> Iterator[Schedule]:
    """Yield every pair of disturbances, crash or fault, in both orders where the order matters."""
    yield from crash_and_fault(machine)
    ends = points(machine)
    for n, pair in enumerate(product(ends, ends)):
        yield _schedule(n, pair, ())
    for n, (one, other) in enumerate(product(calls(), calls())):
        later = (other[0], other[1] + 1, other[2]) if one[:2] == other[:2] else other
        yield _schedule(n, (), (one, later))


def _schedule(n: int, crashes: tuple[Point, ...], faults: tuple[Call, ...]) -> Schedule:
    pause = PAUSES[n % len(PAUSES)]
    at: Faults = {(kind, number): name for kind, number, name in faults}
    lives = tuple(Life(crash, pause=pause) for crash in crashes)
    history = History(lag=(0.0, 30.0)[n % 2])
    return Schedule(seed=n, wishes=(_WISH,), faults=at, replicas=(lives,), history=history, apart=n % 4 > 1)
