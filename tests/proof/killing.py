"""One round: a video is asked for, its process is killed at a random moment, others bring it home.

Afterwards the provider's ledger and the house are compared: what was charged must be there, once.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.proof.ledger import video
from tests.proof.programs import PHOTO, Books, House, kill

GRACE: Final = "3"  # seconds for which a lost submit is looked for
MOMENTS: Final = {
    "start": 1.0,
    "ticket": 0.1,
    "put": 0.1,
    "submit": 0.1,
    "charge": 0.1,
    "poll": 2.5,
    "output": 0.25,
}
"""The steps after which a kill falls, and within how many seconds."""
_PATIENCE: Final = 150.0  # seconds for a round on a busy machine


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen to one round."""

    number: int
    step: str
    after: float
    answer_lost: bool
    """Whether the provider accepts the submit and drops the connection."""
    resume_killed_after: float | None
    """Whether, and when, the process that resumes is killed as well."""


def plans(seed: int, rounds: int) -> Iterator[Plan]:
    """Draw the rounds: every step in turn, each moment by chance."""
    chance = random.Random(seed)
    for number in range(rounds):
        step = list(MOMENTS)[number % len(MOMENTS)]
        after = chance.uniform(0, MOMENTS[step])
        lost, again = chance.random() < 1 / 6, chance.random() < 1 / 4
        yield Plan(number, step, after, lost, chance.uniform(0.3, 3.0) if again else None)


@dataclass(slots=True)
class Verdict:
    """What a round came to; no faults is what is promised."""

    plan: Plan
    struck: str = ""
    """The journal's state when the kill fell; `ended` where the program was quicker."""
    state: str = ""
    charges: int = 0
    parts: int = 0
    """Pieces of videos left under names that say so."""
    faults: list[str] = field(default_factory=list)


async def play(plan: Plan, folder: Path, books: Books) -> Verdict:
    """Play one round in a folder of its own and judge it."""
    place = folder / f"round-{plan.number}"
    key = f"sk-canary-{random.randbytes(12).hex()}"
    house = House(place / "data", place / "said", key, books.address, {"SEEDANCE_GRACE": GRACE})
    verdict = Verdict(plan)
    if plan.answer_lost:
        await books.rule(key, submit="drop-after-accept")
    process = await house.start("generate", str(PHOTO), "--prompt", f"round {plan.number}", "--json")
    killed = await _strike(process, plan, books, key)
    verdict.struck = (_states(house) or ["nothing yet"])[0] if killed else "ended"
    try:
        async with asyncio.timeout(_PATIENCE):
            await _bring_home(house, plan, verdict)
    except TimeoutError:
        verdict.faults.append(f"not finished after {_PATIENCE:.0f} s: {house.errors()}")
    else:
        _judge(house, await books.told(key), verdict)
    return verdict


async def _strike(process: asyncio.subprocess.Process, plan: Plan, books: Books, key: str) -> bool:
    """Kill the process at the planned moment; return whether it was still alive then."""
    ended = asyncio.create_task(process.wait())
    if plan.step != "start":
        there = asyncio.create_task(books.reached(key, plan.step))
        await asyncio.wait({ended, there}, return_when=asyncio.FIRST_COMPLETED)
        there.cancel()
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(ended), plan.after)
    killed = await kill(process)
    await ended
    return killed


async def _bring_home(house: House, plan: Plan, verdict: Verdict) -> None:
    """Resume as often as it takes."""
    again = plan.resume_killed_after
    while True:
        process = await house.start("tasks", "resume")
        try:
            status = await asyncio.wait_for(process.wait(), again)
        except TimeoutError:
            continue
        finally:
            await kill(process)
            again = None
        if status not in (0, 3):
            verdict.faults.append(f"resume ended with {status}: {house.errors()}")
            return
        if status == 0 and not _rows(house, "SELECT id FROM videos WHERE finished_at IS NULL"):
            return


def _judge(house: House, told: dict[str, Any], verdict: Verdict) -> None:
    """Compare what was charged with what is there."""
    charged = [task["id"] for task in told["tasks"]]
    rows = _rows(house, "SELECT state, task_id, video, error FROM videos")
    state, task_id, name, error = rows[0] if rows else ("", None, None, None)
    verdict.charges, verdict.state = len(charged), state
    fault = verdict.faults.append
    if len(charged) > 1 or told["posts"] > 1:
        fault(f"doubled: {len(charged)} charges, {told['posts']} submits")
    if charged and state != "done":
        fault(f"lost: task {charged[0]} is charged and completed, its video is {state or 'not on record'}")
    if not charged and state not in ("", "unknown"):
        fault(f"nothing was charged, yet the video is {state} ({error})")
    if state == "done" and (task_id not in charged or not name):
        fault(f"done with task {task_id} and file {name}, charged was {charged}")
    if rows and (checked := _rows(house, "PRAGMA integrity_check")) != [("ok",)]:
        fault(f"the database is damaged: {checked}")
    _judge_files(house, f"{name}", video(task_id) if task_id else b"", verdict)


def _judge_files(house: House, name: str, content: bytes, verdict: Verdict) -> None:
    videos = house.data / "videos"
    if verdict.state == "done" and not (videos / name).is_file():
        verdict.faults.append(f"lost: {name} is missing")
    for path, text in house.texts():
        if path.name.endswith(".part"):
            verdict.parts += 1
        elif path.parent == videos and text != content:
            verdict.faults.append(f"{path.name} is not the video that was made: {len(text)} bytes")
        if house.key.encode() in text:
            verdict.faults.append(f"the key is in {path}")


def _states(house: House) -> list[str]:
    return [state for (state,) in _rows(house, "SELECT state FROM videos")]


def _rows(house: House, query: str) -> list[tuple[Any, ...]]:
    """Ask the journal; a journal that was never made has no rows."""
    file = house.data / "journal.sqlite"
    if not file.exists():
        return []
    with closing(sqlite3.connect(file, timeout=30)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'videos'").fetchall():
            return []
        return database.execute(query).fetchall()


async def play_all(seed: int, rounds: int, folder: Path, address: str, workers: int) -> list[Verdict]:
    """Play many rounds, so many at a time."""
    at_once = asyncio.Semaphore(workers)
    async with Books(address) as books:

        async def one(plan: Plan) -> Verdict:
            async with at_once:
                return await play(plan, folder, books)

        return await asyncio.gather(*map(one, plans(seed, rounds)))
