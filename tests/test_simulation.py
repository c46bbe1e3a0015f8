"""The promise of the product, under faults and crashes without number, in virtual time.

A submit that is charged is never repeated and a paid video is never lost. SEEDANCE_SIM_SEED and
SEEDANCE_SIM_RUNS repeat a run; `python -m tests.bench.simulate` is the full size.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.simulation.exhaustive import crash_and_fault
from tests.simulation.ledger import History
from tests.simulation.machine import Machine
from tests.simulation.planted import BUGS
from tests.simulation.provider import KEY
from tests.simulation.schedule import FOR_EVER, GRACE, Life, Schedule, Wish, draw
from tests.simulation.verdict import Violation, judge
from tests.simulation.virtual import Deadlock, run
from tests.simulation.world import live

RUNS = int(os.environ.get("SEEDANCE_SIM_RUNS") or 3000)
SEED = int(os.environ.get("SEEDANCE_SIM_SEED") or random.SystemRandom().getrandbits(40))
_ENOUGH = 600  # schedules in which every planted bug shows

_LOST_ANSWER = {("submit", 1): "read timeout, accepted"}

HARD = {
    "a download does not go on with the bytes of another file": Schedule(
        faults={("download", 1): "dropped midway", ("download", 2): "damaged"}
    ),
    "a stop that cannot be recorded does not undo the finished video": Schedule(
        seed=19, wishes=(Wish(1, stop_after=25.0),), full=((24.0, 600.0),)
    ),
    "one empty page after a long break does not end the search": Schedule(
        replicas=((Life(("post arrived", 1), pause=GRACE + 100),),), faults={("list", 1): "no items"}
    ),
    "one page without inputs after a long break does not end the search": Schedule(
        replicas=((Life(("post arrived", 1), pause=GRACE + 100),),), faults={("list", 1): "no inputs"}
    ),
    "a look counts from when it was made, not from when its finding could be recorded": Schedule(
        wishes=(Wish(1), Wish(1, at=20.0)),  # the second finds the first one's task, before its own shows
        faults={("submit", 2): "dropped, accepted"},
        history=History(lag=266.0),
        full=((270.0, 700.0),),
    ),
    "a database out of reach while the task is looked for does not end the search": Schedule(
        faults=_LOST_ANSWER,
        replicas=((Life(("piece", 99), cut_off=(61.0, 90.0)),),),
        history=History(lag=60.0),
    ),
    "a database out of reach for a while does not end the take-over": Schedule(
        wishes=(Wish(1, at=100.0, replica=1),),
        replicas=(
            (Life(("piece", 99), cut_off=(10.0, 90.0)),),
            (Life(("post answered", 1), pause=FOR_EVER),),
        ),
    ),
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as machine:
        yield machine


def told(violations: list[Violation]) -> str:
    """Return what was broken, as text that repeats it."""
    return "\n".join(f"{it.rule} (SEEDANCE_SIM_SEED={it.seed}): {it.text}" for it in violations[:20])


@pytest.mark.long
def test_no_fault_schedule_charges_twice_or_loses_a_paid_video(machine: Machine) -> None:
    """Whatever fails and whenever the program dies, each request is charged once and its video comes home."""
    print(f"SEEDANCE_SIM_SEED={SEED} SEEDANCE_SIM_RUNS={RUNS}")
    broken = [it for seed in range(SEED, SEED + RUNS) for it in judge(machine, draw(seed))]
    assert not broken, told(broken)
    assert not machine.holds(KEY), "the key stands in a file of the database"


@pytest.mark.long
def test_no_pair_of_crash_and_fault_charges_twice_or_loses_a_paid_video(machine: Machine) -> None:
    """A crash at each write and around the submit, with each fault of each call, breaks no rule."""
    broken = [
        it for schedule in list(crash_and_fault(machine, alike=False)) for it in judge(machine, schedule)
    ]
    assert not broken, told(broken)


@pytest.mark.parametrize("name", HARD)
def test_hard_schedules_break_no_rule(machine: Machine, name: str) -> None:
    """What once went wrong stays right."""
    broken = judge(machine, HARD[name])
    assert not broken, told(broken)


def test_a_history_that_lags_longer_than_the_grace_ends_unknown(machine: Machine) -> None:
    """The documented limit: such a task is not found; the user is asked, and nothing is sent again."""
    schedule = Schedule(faults=_LOST_ANSWER, history=History(lag=3 * GRACE))
    assert not judge(machine, schedule)
    (row,) = machine.rows()
    world = live(machine, schedule)
    assert (row["state"], row["task_id"]) == ("unknown", None)
    assert len(world.provider.ledger) == world.provider.calls["submit"] == 1


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(machine: Machine, name: str) -> None:
    """The harness sees every bug of the kinds that it is there for."""
    bug = BUGS[name]
    with bug.plant():
        caught = any(it.rule in bug.breaks for seed in range(_ENOUGH) for it in judge(machine, draw(seed)))
    assert caught


def test_a_seed_repeats_its_run(machine: Machine) -> None:
    """What a seed showed once it shows again: the same calls, charges and rows at the same moments."""

    def whole(seed: int) -> tuple[object, ...]:
        world = live(machine, draw(seed))
        return world.loop.time(), world.provider.calls, world.provider.ledger, machine.rows()

    for seed in range(20):
        assert whole(seed) == whole(seed)


def test_waiting_for_nothing_is_noticed() -> None:
    """A program that would wait for ever raises instead of hanging the tests."""
    with pytest.raises(Deadlock):
        run(lambda loop: loop.create_future())
