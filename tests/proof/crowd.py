"""Thousands of tasks in flight in one process, at a provider that answers `processing` at once."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr
from sqlalchemy import create_engine, delete, insert, select

from seedance import policy
from seedance.engines import Engines
from seedance.journal import Journal
from seedance.models import State
from seedance.record import VIDEOS
from seedance.settings import Settings
from seedance.studio import Studio
from tests.proof.waiting import until

WARM: Final = 20  # tasks before the first measure, so that what all share is there
_POLLS: Final = 5  # until the interval between polls has grown to its longest
_LONG: Final = 300.0  # seconds, for a busy machine
KEY: Final = SecretStr("sk-crowd")


@dataclass(slots=True)
class Crowd:
    """A provider's transport that notes how late each poll comes.

    The client draws a chance between 0 and 1 for each wait, in the same asyncio task that then polls: so
    the moment of the next poll is known as soon as the chance is drawn.
    """

    polls: dict[Any, int] = field(default_factory=dict)
    planned: dict[Any, float] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)
    noting: bool = False

    def transport(self) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._answer)

    def chance(self) -> float:
        drawn = random.random()
        me = asyncio.current_task()
        if me in self.polls:
            wait = policy.PROVIDER_PACE.delay(self.polls[me] - 1, 0.0, drawn)
            self.planned[me] = time.monotonic() + wait
        return drawn

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        me = asyncio.current_task()
        if self.noting and me in self.planned:
            self.lags.append(time.monotonic() - self.planned[me])
        self.polls[me] = self.polls.get(me, 0) + 1
        id = request.url.path.split("/")[-2]
        body = b'{"code": 200, "data": {"id": "%b", "status": "processing"}}' % id.encode()
        return httpx.Response(200, content=body)

    def all_have_polled(self, tasks: int, times: int) -> bool:
        return len(self.polls) >= tasks and min(self.polls.values()) >= times


@dataclass(frozen=True, slots=True)
class Figures:
    """What so many tasks cost."""

    tasks: int
    resumed: float
    """Seconds until all had been claimed and asked for once."""
    memory: float
    """Bytes of resident memory that each task adds."""
    cores: float
    """Processor seconds per second."""
    polls: float
    """Polls per second."""
    lag: float
    """Seconds by which polls are late, the median."""
    late: float
    """The 99th percentile."""


@dataclass(slots=True)
class Flight:
    """Running tasks in the hands of one studio."""

    studio: Studio
    crowd: Crowd
    ids: list[str]
    before: int = 0

    async def resume(self, *, alone: bool) -> float:
        """Take the tasks up, `alone` all that there are; return the seconds until each was asked for once.

        Those in which other programs held the cores do not count.
        """
        await self.studio.resume(self.ids[:WARM])
        await until(lambda: self.crowd.all_have_polled(WARM, 2), _LONG)
        self.before, start, held = _resident(), time.monotonic(), _held_up()
        await self.studio.resume(None if alone else self.ids[WARM:])
        await until(lambda: self.crowd.all_have_polled(len(self.ids), 1), _LONG)
        return time.monotonic() - start - (_held_up() - held)

    async def settle(self) -> None:
        """Wait until the polls are as far apart as they become."""
        await until(lambda: self.crowd.all_have_polled(len(self.ids), _POLLS), _LONG)

    async def watch(self, seconds: float, resumed: float) -> Figures:
        """Watch the tasks for some seconds."""
        self.crowd.noting, cpu, wall = True, time.process_time(), time.monotonic()
        await until(lambda: time.monotonic() - wall >= seconds, seconds + _LONG)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        tasks = len(self.ids) - WARM
        memory = (_resident() - self.before) / tasks
        lags = sorted(self.crowd.lags)
        median, late = lags[len(lags) // 2], lags[int(0.99 * len(lags))]
        return Figures(tasks, resumed, memory, cpu / wall, len(lags) / wall, median, late)


async def measure(tasks: int, seconds: float, folder: Path) -> Figures:
    """Resume that many running tasks from a journal in this folder and watch them for some seconds."""
    settings = Settings(api_key=KEY, data_dir=folder, database_url="")
    ids = await asyncio.to_thread(fill, settings, tasks + WARM)
    crowd = Crowd()
    async with Studio(settings, transport=crowd.transport(), chance=crowd.chance) as studio:
        flight = Flight(studio, crowd, ids)
        resumed = await flight.resume(alone=True)
        await flight.settle()
        return await flight.watch(seconds, resumed)


def fill(settings: Settings, tasks: int) -> list[str]:
    """Put running tasks on record, as a process that is gone has left them; return their ids."""
    journal = Journal(settings.journal_url)
    one = journal.add(
        owner="",
        engine="wavespeed",
        account=Engines(settings).account("wavespeed", KEY),
        prompt="a fox looks up while the wind goes through the grass",
        images=[{"name": "fox.jpg", "sha256": "0" * 64, "width": 1024, "height": 768}],
        duration=5,
        camera_fixed=False,
        seed=1,
    )
    journal.write(one, state=State.RUNNING, task_id="task", submitted_at=time.time())
    journal.close()
    ids = [uuid.uuid4().hex for _ in range(tasks)]
    database = create_engine(settings.journal_url)
    with database.begin() as db:
        row = db.execute(select(VIDEOS)).one()._asdict()
        db.execute(delete(VIDEOS))
        db.execute(insert(VIDEOS), [row | {"id": id, "task_id": id} for id in ids])
    database.dispose()
    return ids


def _held_up() -> float:
    """Return the seconds for which this thread could have run but had no core; 0 where nobody tells."""
    told = Path("/proc/thread-self/schedstat")
    return int(told.read_text().split()[1]) / 1e9 if told.is_file() else 0.0


def _resident() -> int:
    gc.collect()
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
