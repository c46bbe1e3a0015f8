"""A seeded random schedule: who asks for what, what goes wrong and when."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from typing import Final

from tests.simulation.faults import FAULTS, Kind
from tests.simulation.ledger import History
from tests.simulation.process import FILE_POINTS, POST_POINTS, RENEW_POINTS, WRITE_POINTS

GRACE: Final = 600.0  # seconds after a submit for which a lost answer is looked for
FOR_EVER: Final = math.inf
PROMPTS: Final = ("A cat walks on the wall", "[Image 1] turns its head", "Rain")
PICTURES: Final = ((0,), (1,), (1, 0))

Faults = dict[tuple[Kind, int], str]


@dataclass(frozen=True, slots=True)
class Wish:
    """One video that a user asks for, once."""

    seed: int
    at: float = 0.0
    prompt: str = PROMPTS[0]
    pictures: tuple[int, ...] = PICTURES[0]
    duration: int = 5
    camera_fixed: bool = False
    stop_after: float | None = None
    """The user stops waiting after these seconds."""
    replica: int = 0
    """Which process is asked."""


@dataclass(frozen=True, slots=True)
class Life:
    """How one life of the program ends, and how long nothing runs after it."""

    crash: tuple[str, int] | None = None
    stop: float | None = None
    """It is stopped in good order after these seconds."""
    pause: float = 0.0
    """`FOR_EVER`: it never comes back."""
    cut_off: tuple[float, float] = (0.0, 0.0)
    """While it cannot reach the database and others can."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One simulation. Times are seconds from its start."""

    seed: int = 0
    """Of everything that is left to chance: waits, durations, ids."""
    wishes: tuple[Wish, ...] = (Wish(1),)
    faults: Faults = field(default_factory=dict)
    replicas: tuple[tuple[Life, ...], ...] = ((),)
    """Who works on the journal: of each process its lives; after them comes one that lasts."""
    full: tuple[tuple[float, float], ...] = ()
    """When the disk is full."""
    history: History = field(default_factory=History)
    failing: float = 0.0
    apart: bool = False
    """Nobody can tell that a process is dead, as if each ran on its own machine: its lease must run out."""
    deaf: tuple[float, float] = (0.0, 0.0)
    """From when to when every look at a task fails."""

    @property
    def calm(self) -> float:
        """When the last disturbance of a known time is over."""
        ends = [wish.at for wish in self.wishes] + [end for _, end in self.full]
        ends += [life.cut_off[1] for lives in self.replicas for life in lives]
        ends += [self.history.lag, self.history.no_inputs_until, self.history.outage[1], self.deaf[1]]
        return max(ends)


def draw(seed: int) -> Schedule:
    """Return the schedule of that seed."""
    chance = random.Random(seed)
    replicas = _replicas(chance)
    return Schedule(
        seed=seed,
        wishes=_wishes(chance, len(replicas)),
        faults=dict(_fault(chance) for _ in range(chance.choice((0, 1, 1, 2, 3, 4)))),
        replicas=replicas,
        full=tuple(_episode(chance) for _ in range(chance.choice((0, 0, 0, 1, 2)))),
        history=_history(chance),
        failing=0.1,
        apart=chance.random() < 0.5,
        deaf=_episode(chance) if chance.random() < 0.1 else (0.0, 0.0),
    )


def _wishes(chance: random.Random, replicas: int) -> tuple[Wish, ...]:
    wishes = [_wish(chance, replicas)]
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        other = _wish(chance, replicas)
        if chance.random() < 0.4:  # the same but for the seed; now and then the very same
            seed = wishes[0].seed if chance.random() < 0.3 else other.seed
            at = chance.choice((wishes[0].at, other.at))
            other = replace(wishes[0], seed=seed, at=at, replica=other.replica)
        wishes.append(other)
    return tuple(wishes)


def _wish(chance: random.Random, replicas: int) -> Wish:
    return Wish(
        seed=chance.getrandbits(31),
        at=chance.choice((0.0, chance.uniform(0, 90))),
        prompt=chance.choice(PROMPTS),
        pictures=chance.choice(PICTURES),
        duration=chance.randint(2, 12),
        camera_fixed=chance.random() < 0.3,
        stop_after=chance.uniform(0, 60) if chance.random() < 0.1 else None,
        replica=chance.randrange(replicas),
    )


def _replicas(chance: random.Random) -> tuple[tuple[Life, ...], ...]:
    if chance.random() < 0.85:
        return (tuple(_life(chance, busy=False) for _ in range(chance.choice((0, 0, 1, 1, 2, 3)))),)
    both = [[_life(chance, busy=True) for _ in range(chance.choice((0, 1, 2)))] for _ in range(2)]
    if chance.random() < 0.4:
        both[1].append(replace(_life(chance, busy=True), pause=FOR_EVER))
    return tuple(map(tuple, both))


def _fault(chance: random.Random) -> tuple[tuple[Kind, int], str]:
    kinds: tuple[Kind, ...] = (
        "submit",
        "submit",
        "submit",
        "read",
        "read",
        "list",
        "download",
        "ticket",
        "put",
    )
    kind = chance.choice(kinds)
    number = 1 if chance.random() < 0.5 else chance.randint(1, 8 if kind in ("read", "list") else 4)
    return (kind, number), chance.choice(list(FAULTS[kind]))


def _life(chance: random.Random, *, busy: bool) -> Life:
    """Draw one life; pauses are short where another process is `busy` meanwhile."""
    pauses = (
        chance.uniform(0, 3),
        chance.uniform(10, 90),
        chance.uniform(60, 900),
        chance.uniform(3600, 86400),
    )
    start = chance.uniform(0, 60)
    cut_off = (start, start + chance.uniform(20, 180)) if chance.random() < 0.2 else (0.0, 0.0)
    stopped = chance.random() < 0.15
    points = chance.choice((POST_POINTS, POST_POINTS, WRITE_POINTS, WRITE_POINTS, FILE_POINTS, RENEW_POINTS))
    point = chance.choice(points), chance.randint(1, 2 if points is POST_POINTS else 7)
    return Life(
        crash=None if stopped else point,
        stop=chance.uniform(0, 90) if stopped else None,
        pause=chance.choice(pauses[:2] if busy else pauses),
        cut_off=cut_off,
    )


def _episode(chance: random.Random) -> tuple[float, float]:
    start = chance.choice((chance.uniform(0, 5), chance.uniform(0, 150)))
    return start, start + chance.choice(
        (chance.uniform(1, 20), chance.uniform(20, 60), chance.uniform(60, 300))
    )


def _history(chance: random.Random) -> History:
    lag = chance.choice((0.0, 1.0, chance.uniform(0, 20), chance.uniform(0, 60), chance.uniform(60, 400)))
    if chance.random() < 0.05:
        lag = chance.uniform(GRACE + 100, 3 * GRACE)
    outage, no_inputs = (0.0, 0.0), 0.0
    if chance.random() < 0.15:
        start = chance.uniform(0, 100)
        outage = (start, start + chance.choice((chance.uniform(30, 400), 2 * GRACE)))
    if chance.random() < 0.05:
        no_inputs = chance.choice((chance.uniform(30, 400), 10 * 86400.0))
    strangers = chance.choice((0, 0, 0, 0, 0, 0, 2, 2, 130))
    return History(lag, no_inputs, outage, strangers)
