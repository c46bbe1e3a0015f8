"""The workshop: videos in the making in this process. Each goes on by itself, whoever watches it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import SecretStr

from seedance import logs
from seedance.engines import Engines
from seedance.entry import Entry, LeaseLost
from seedance.errors import SeedanceError
from seedance.journal import Journal
from seedance.making import Making
from seedance.metrics import Metrics
from seedance.models import PREVIEW_MODEL, Event, Price, State, Task
from seedance.record import Record
from seedance.settings import Settings
from seedance.store import Store
from seedance.watching import Live

_LOG: Final = logging.getLogger(__name__)
_RECOVERY: Final = 10.0  # seconds before a video goes on after an unforeseen fault
PRICE_PATIENCE: Final = 4.0
"""Seconds that anybody waits for a price, or for what is left in an account."""
_STOP_ASKED: Final = "Stopping: the process that makes it is left word."


@dataclass
class Workshop:
    """Makes the videos that are given to it, within one event loop, until it is closed."""

    settings: Settings
    journal: Journal
    engines: Engines
    store: Store
    metrics: Metrics
    clock: Callable[[], float]
    chance: Callable[[], float]
    live: dict[str, Live] = field(default_factory=dict)
    """By the videos' ids."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def close(self) -> None:
        """End the work; what was sent is put on record first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background for as long as the workshop is open."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def follow(self, record: Record, key: SecretStr | None, after: float = 0.0) -> None:
        """Make a claimed video, after so many seconds."""
        live = self.live[record.id] = Live(record.created_at, self.event(record))
        live.stopped = record.stop_asked
        self.spawn(self._make(record, key, after))

    async def stop(self, id: str) -> bool:
        """Stop waiting for a video; False where it is not made here."""
        live = self.live.get(id)
        if live is None:
            return False
        live.stopped = True
        if live.making is not None:
            await live.making.stop()
        return True

    async def heed(self, id: str) -> None:
        """Stop a video because another process was asked to."""
        live = self.live.get(id)
        if live is not None and not live.stopped:
            await self.stop(id)

    def event(self, record: Record, task: Task | None = None, remark: str = "") -> Event:
        """Return how a video stands, as its row and what the provider says tell."""
        preview = record.engine == "local" or record.made_by == PREVIEW_MODEL
        stopping = record.stop_asked and record.finished_at is None
        return Event(
            id=record.id,
            state=record.state,
            engine="local" if preview else "wavespeed",
            seed=record.seed,
            message=remark or record.error or (_STOP_ASKED if stopping else ""),
            task_id=record.task_id,
            status=task.status if task else None,
            progress=task.progress if task else None,
            elapsed=(record.finished_at or self.clock()) - record.created_at,
            video=self.store.videos / record.video if record.video else None,
            inference_ms=record.inference_ms,
            fault=record.fault,
            storyboard=record.storyboard or "",
            nsfw=bool(record.nsfw),
        )

    async def _make(self, record: Record, key: SecretStr | None, after: float) -> None:
        live = self.live[record.id]
        with logs.about(video=record.id, task=record.task_id):
            await self._bring_home(record, key, after, live)

    async def _bring_home(self, record: Record, key: SecretStr | None, after: float, live: Live) -> None:
        try:
            await asyncio.sleep(after)
            while live.making is None or live.making.record.finished_at is None:
                try:
                    live.making = live.making or await self._making(record, key, live)
                    if live.stopped and not live.making.stopped:  # the stop came before there was a making
                        await live.making.stop()
                    await live.making.run()
                except LeaseLost:
                    _LOG.warning("video %s was taken over by another process", record.id)
                    return
                except Exception:  # a fault of our own must not lose a video that may be paid for
                    _LOG.exception("making video %s failed; going on from its record", record.id)
                    await asyncio.sleep(_RECOVERY)
            self._count(live.making)
        finally:
            if self.live.get(record.id) is live:
                del self.live[record.id]
            live.end()

    def _count(self, making: Making) -> None:
        """Count a video that has ended, and if it was paid for, find out its price."""
        record = making.record
        engine = "local" if record.made_by == PREVIEW_MODEL else record.engine
        self.metrics.ended(record.state, engine, (record.finished_at or 0.0) - record.created_at)
        if record.state is State.DONE and engine == "wavespeed" and self.settings.metrics_token:
            self.spawn(self._count_spend(making))

    async def _count_spend(self, making: Making) -> None:
        price: Price | None = None
        with suppress(SeedanceError, TimeoutError):
            async with asyncio.timeout(PRICE_PATIENCE):
                price = await making.client.price(making.request(), making.record.urls or ())
        self.metrics.spent(price)

    async def _making(self, record: Record, key: SecretStr | None, live: Live) -> Making:
        entry = Entry(
            record=record,
            journal=self.journal,
            publish=lambda *change, **more: live.publish(replace(self.event(*change), **more)),
            sleep=asyncio.sleep,
            now=self.clock,
            chance=self.chance,
        )
        return Making(
            entry=entry,
            client=await self.engines.client(record.engine, key),
            store=self.store,
            gate=self.engines.gate(record.account),
            grace=self.settings.grace,
        )
