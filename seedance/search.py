"""The search for a task whose submit was not answered: in the provider's history, and in our own record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from seedance import policy
from seedance.client import WaveSpeed
from seedance.errors import Refused, Unavailable
from seedance.journal import Journal
from seedance.models import Request, Status, Task
from seedance.record import Record

_ENOUGH: Final = 3  # looks that worked; one alone may have met a replica that lags behind
_LOOKING: Final = "The answer to the request was lost. Looking for the video in the provider's history."


@dataclass(frozen=True, slots=True)
class Search:
    """What it takes to look for the task of one video."""

    record: Record
    request: Request
    client: WaveSpeed
    journal: Journal
    grace: float
    """Seconds that the provider's history may lag behind the submit."""
    remark: Callable[[str], None]
    """Told what is going on, in words for the user."""
    sleep: Callable[[float], Awaitable[None]]
    now: Callable[[], float]

    async def candidates(self) -> AsyncGenerator[Task, None]:
        """Yield tasks that were made of the request, until there is no hope for more.

        Hope ends when a few looks have worked, the last of them after the grace: a history that cannot be
        read is no answer. It ends in any case when the provider has forgotten the task.
        """
        worked = 0
        self.remark(_LOOKING)
        start, submitted = self.now(), self.record.submitted_at or self.record.created_at
        looks = policy.looks(self.grace)
        while self.now() - submitted < policy.RETENTION:
            at = start + next(looks, self.now() - start + min(policy.LOOK, self.grace))
            await self.sleep(max(0.0, at - self.now()))
            looked = self.now()
            if known := await self._known():
                yield known
            try:
                tasks = await self.client.find(self.request, self.record.urls or [], submitted)
            except (Unavailable, Refused) as error:
                self.remark(f"{_LOOKING} It cannot be read now: {error}")
                continue
            for task in tasks:
                yield task
            worked += 1
            if worked >= _ENOUGH and looked - submitted >= self.grace:
                return

    async def _known(self) -> Task | None:
        """Return the task that the process which sent the request has put on record since."""
        try:
            record = await asyncio.to_thread(self.journal.get, self.record.id)
        except Unavailable:
            return None
        return Task(record.task_id, Status.QUEUED) if record is not None and record.task_id else None
