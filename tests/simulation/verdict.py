"""What must hold at the end of every schedule, each rule a kind of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.simulation.faults import NEVER_ARRIVED, RATE_LIMITED
from tests.simulation.ledger import Charge
from tests.simulation.machine import Machine
from tests.simulation.provider import KEY, LIFE
from tests.simulation.schedule import GRACE, Schedule
from tests.simulation.world import World, live

Rule = Literal[
    "doubled",
    "lost",
    "stuck",
    "unrecorded",
    "sent_unasked",
    "leak",
    "torn",
    "foreign",
    "gave_up",
    "misled",
    "error",
]
RULES: Final[dict[Rule, str]] = {
    "doubled": "one request was charged more than once",
    "lost": "a paid video did not come home, whole, though it could have been found",
    "stuck": "a row of the journal did not end",
    "unrecorded": "a charge was made of which the journal did not know at that moment",
    "sent_unasked": "something was sent that nobody asked for, or other than it was asked for",
    "leak": "the key stands in a log, the database, a message or a file",
    "torn": "a video stood under its own name and was not whole",
    "foreign": "a row is done with a video that is not its own",
    "gave_up": "a request failed after nothing worse than lost connections and full queues",
    "misled": "somebody was told that nothing was sent, about a video on record",
    "error": "something was raised that is none of our errors",
}
_ENDED: Final = ("done", "failed", "unknown", "stopped")
_STEP: Final = 5.0
_SLACK: Final = 60.0  # seconds for which the history must have shown a task to somebody who looks


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken, and how."""

    rule: Rule
    seed: int
    text: str


def judge_all(schedules: Iterable[Schedule]) -> tuple[int, list[Violation]]:
    """Live through schedules on one machine; return how many they were and what was broken."""
    with Machine() as machine:
        found = [judge(machine, schedule) for schedule in schedules]
        if machine.holds(KEY):
            found.append([Violation("leak", 0, "a file of the database")])
    return len(found), [violation for each in found for violation in each]


def judge(machine: Machine, schedule: Schedule) -> list[Violation]:
    """Live through a schedule and return the rules that it broke."""
    world = live(machine, schedule)
    return [Violation(rule, schedule.seed, text) for rule, text in _broken(world)]


def _broken(world: World) -> Iterator[tuple[Rule, str]]:
    rows, charges = world.machine.rows(), [it for it in world.provider.ledger if not it.foreign]
    for charge in charges:
        if not charge.recorded:
            yield "unrecorded", f"{charge.seed} at {charge.time:.1f}"
        if reason := _unasked(world, charge):
            yield "sent_unasked", reason
    for seed in {wish.seed for wish in world.schedule.wishes}:
        mine = [row for row in rows if row["seed"] == seed]
        paid = [charge for charge in charges if charge.seed == seed]
        if len(paid) > len(mine):
            yield "doubled", f"{seed} charged {len(paid)} times for {len(mine)} requests"
        for row in mine:
            yield from _row(world, row, paid)
        for charge in paid:
            yield from _charge(world, charge, mine)
    for name in world.torn:
        yield "torn", name
    for text in world.misled[:1]:
        yield "misled", text
    for text in dict.fromkeys(world.errors):
        yield "error", text
    yield from _leaks(world)


def _unasked(world: World, charge: Charge) -> str:
    asked = [wish for wish in world.asked if wish.seed == charge.seed and wish not in world.refused]
    if not asked:
        return f"{charge.seed} was never asked for, or turned down"
    wish, files = asked[0], world.provider.files
    sent = [hashlib.sha256(files[url]).hexdigest() for url in charge.body["reference_images"]]
    right = {
        "prompt": wish.prompt,
        "duration": wish.duration,
        "camera_fixed": wish.camera_fixed,
        "seed": wish.seed,
    }
    body = {name: value for name, value in charge.body.items() if name != "reference_images"}
    same = body == right and sent == [_sha256(world.machine, n) for n in wish.pictures]
    return "" if same else f"{body} instead of {right}"


def _sha256(machine: Machine, n: int) -> str:
    path = machine.picture(n)
    return machine.clean_once(path, path.name).sha256


def _row(world: World, row: dict[str, Any], paid: list[Charge]) -> Iterator[tuple[Rule, str]]:
    """Judge how a row of the journal ended; `paid` are the charges that can be its own."""
    state, seed = row["state"], row["seed"]
    if state not in _ENDED or row["finished_at"] is None:
        yield "stuck", f"{seed} is {state}"
    if state == "done" and _saved(world, row) not in [it.video for it in paid if not it.fails]:
        yield "foreign", f"{seed} is done, but its file is no video that was made for it"
    if state == "failed" and not paid and _only_waits(world):
        yield "gave_up", f"{seed} failed: {row['error']}"


def _charge(world: World, charge: Charge, rows: list[dict[str, Any]]) -> Iterator[tuple[Rule, str]]:
    """Judge what became of a charge; `rows` are those that can be its own."""
    row = next((row for row in rows if row["task_id"] == charge.id), None)
    if row is None:
        lost = [row for row in rows if row["task_id"] is None and row["state"] == "unknown"]
        if not any(_excused(world, row, charge) for row in lost):
            yield (
                "lost",
                f"no row has the task of {charge.seed}: {[(it['state'], it['error']) for it in rows]}",
            )
    elif charge.fails:
        if row["state"] != "failed":
            yield "lost", f"{charge.seed} ended {row['state']}, though its task failed"
    elif row["state"] != "done" or _saved(world, row) != charge.video:
        yield "lost", f"{charge.seed} ended {row['state']} ({row['error']}), its video is not here"


def _saved(world: World, row: dict[str, Any]) -> bytes:
    saved = world.machine.data / "videos" / (row["video"] or "none")
    return saved.read_bytes() if saved.exists() else b""


def _excused(world: World, row: dict[str, Any], charge: Charge) -> bool:
    """Return whether the history did not show the task to anybody alive, long enough and readably."""
    wall = world.loop.wall() - world.loop.time()
    finished = (row["finished_at"] or 0) - wall
    start = max((born for born, _ in world.lived if born <= finished), default=0.0)
    history, shown, at = world.provider.history, 0.0, charge.time
    readable = history.outage[1] + _SLACK  # a history that cannot be read is no answer: it must be waited for
    until = max(finished, charge.time + GRACE - _SLACK, start + _SLACK, readable)
    while at < min(until, charge.time + LIFE) and shown < _SLACK - _STEP:
        shown += _STEP if history.shows(at, charge.time) and _alive(world, at, finished) else 0.0
        at += _STEP
    return shown < _SLACK - _STEP


def _alive(world: World, at: float, finished: float) -> bool:
    """Return whether a process was alive then, or would have been, had it not ended the row before."""
    return at >= finished or any(born <= at <= died for born, died in world.lived)


def _only_waits(world: World) -> bool:
    """Return whether nothing happened but what is to be waited out."""
    schedule = world.schedule
    met = [name for (kind, number), name in schedule.faults.items() if world.provider.calls[kind] >= number]
    harmless = all(name in NEVER_ARRIVED or name in RATE_LIMITED for name in met)
    return harmless and len(met) <= 4 and schedule.replicas == ((),) and not schedule.full


def _leaks(world: World) -> Iterator[tuple[Rule, str]]:
    places = {"the log": world.machine.log.lines, "a message": world.texts}
    for place, lines in places.items():
        for line in lines:
            if KEY in line:
                yield "leak", f"{place}: {line[:300]}"
                break
    if KEY in world.machine.dump():
        yield "leak", "the database"
    for path in world.machine.data.rglob("*"):
        if path.is_file() and (KEY in path.name or KEY.encode() in path.read_bytes()):
            yield "leak", f"the file {path.name}"
