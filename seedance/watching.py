"""Watching a video: one that is made here by its bell, one that another process makes by its row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Final

from seedance.errors import StillRunning, Unavailable
from seedance.making import Making
from seedance.models import Event
from seedance.record import Record

_GLANCE: Final = 1.0  # seconds between two looks at a video that another process makes


class Live:
    """A video in the making here: its newest event, and the bell that rings at the next."""

    __slots__ = ("_bell", "event", "making", "over", "since", "stopped")

    def __init__(self, since: float, event: Event) -> None:
        self.since = since
        self.event = event
        self.making: Making | None = None
        self.stopped = False
        self.over = False
        """It is not made here any more."""
        self._bell: asyncio.Event | None = None

    def publish(self, event: Event) -> None:
        """Tell the watchers."""
        self.event = event
        self._ring()

    def end(self) -> None:
        """Send the watchers away."""
        self.over = True
        self._ring()

    async def watch(
        self, clock: Callable[[], float], every: float | None, patience: float | None
    ) -> AsyncGenerator[Event, None]:
        """Yield the newest event, then each change, until it has ended or is made here no more.

        Raises:
            StillRunning: the provider has worked on it for more than `patience` seconds.
        """
        deadline: float | None = None
        seen: Event | None = None
        while not (self.over and self.event is seen):
            event, bell = self.event, self._bell or asyncio.Event()
            self._bell = bell
            if deadline is not None and clock() >= deadline and event.task_id:
                minutes = (patience or 0) / 60
                raise StillRunning(
                    f"Task {event.task_id} is still being worked on after {minutes:.0f} minutes. "
                    "It goes on, and its video can be brought home later.",
                    task_id=event.task_id,
                )
            seen = event
            yield replace(event, elapsed=clock() - self.since)
            if event.state.ended:
                return
            if self.over:
                continue
            if patience is not None and deadline is None and event.stage == "running":
                deadline = clock() + patience
            waits = [every, None if deadline is None else max(0.0, deadline - clock())]
            try:
                async with asyncio.timeout(min((wait for wait in waits if wait is not None), default=None)):
                    await bell.wait()
            except TimeoutError:
                pass

    def _ring(self) -> None:
        """Wake the watchers. Most of many videos have none, so the bell is made by the first."""
        if self._bell is not None:
            self._bell.set()
            self._bell = None


async def changes(
    look: Callable[[], Awaitable[Record | None]], every: float | None
) -> AsyncGenerator[Record, None]:
    """Yield the row of a video that another process makes, then each change, until it has ended.

    With `every`, an unchanged row is yielded again at each look.

    Raises:
        KeyError: there is no such row.
    """
    seen: Record | None = None
    while seen is None or not seen.state.ended:
        try:
            record = await look()
        except Unavailable:
            await asyncio.sleep(_GLANCE)
            continue
        if record is None:
            raise KeyError("no such video")
        if record != seen or every is not None:
            yield record
        seen = record
        if not record.state.ended:
            await asyncio.sleep(_GLANCE)
