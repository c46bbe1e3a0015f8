"""One video's row in the journal, in the hands of the process that works on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from seedance import logs, policy
from seedance.errors import NotRecorded
from seedance.journal import Journal
from seedance.models import State, Task
from seedance.record import Record

_LOG: Final = logging.getLogger(__name__)
_UNWRITABLE: Final = "The journal cannot be written. Trying again; check the disk and SEEDANCE_DATA_DIR."


class LeaseLost(Exception):
    """Another process has claimed the video; this one must not touch it any more."""


@dataclass(slots=True)
class Entry:
    """The row as it was last written. Each change is committed before anybody hears of it."""

    record: Record
    journal: Journal
    publish: Callable[..., None]
    """Called at each change: the record, the provider's view where there is one, a remark for the user; and
    by their names other fields of `Event` that the record does not hold."""
    sleep: Callable[[float], Awaitable[None]]
    now: Callable[[], float]
    chance: Callable[[], float]
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def tell(self, remark: str = "", task: Task | None = None, **more: Any) -> None:
        """Publish the row as it stands."""
        self.publish(self.record, task, remark, **more)

    async def write(self, **changes: Any) -> None:
        """Commit a change.

        Raises:
            NotRecorded: the journal cannot be written.
            LeaseLost: another process has the video now.
            TaskTaken: the task id among the changes belongs to another video.
        """
        async with self._writing:
            if changes.get("state") is State.STOPPED and self.record.finished_at is not None:
                return  # it came home while we were about to stop waiting
            record = await asyncio.to_thread(lambda: self.journal.write(self.record, **changes))
            if record is None:
                raise LeaseLost
            if record.state != self.record.state:
                _LOG.info("video %s is %s", record.id, record.state)
            self.record = record

    async def keep(self, **changes: Any) -> None:
        """Commit what has already happened, however long the disk refuses."""
        failures = 0
        while True:
            try:
                return await self.write(**changes)
            except NotRecorded as error:
                failures += 1
                _LOG.error("video %s cannot be recorded: %s", self.record.id, error)
                self.tell(_UNWRITABLE)
                await self.sleep(policy.backoff(failures, self.chance()))

    async def adopt(self, task: Task, **changes: Any) -> None:
        """Commit the id of the video's task; to whoever has taken the video over meanwhile it is told."""
        logs.also(task=task.id)
        try:
            await self.keep(task_id=task.id, made_by=task.model or None, finished_at=None, **changes)
        except LeaseLost:
            with suppress(NotRecorded):
                await asyncio.to_thread(self.journal.leave_word, self.record.id, task.id)
            raise

    async def end(self, state: State, error: Exception | str | None, **changes: Any) -> None:
        """Commit and publish that nothing is left to do."""
        fault = type(error).__name__ if isinstance(error, Exception) else None
        words = str(error) if error else None
        await self.keep(state=state, error=words, fault=fault, finished_at=self.now(), holder=None, **changes)
        self.tell(words or "")
