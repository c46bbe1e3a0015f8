"""One life of the program under test, and the exact points at which it can end."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

POST_POINTS: Final = ("before post", "post arrived", "post answered")
WRITE_POINTS: Final = ("before write", "after write")
RENEW_POINTS: Final = ("before renew", "after renew")
FILE_POINTS: Final = ("before replace", "after replace", "piece")
POINTS: Final = (*POST_POINTS, *WRITE_POINTS, *RENEW_POINTS, *FILE_POINTS)


class Crash(BaseException):
    """The process is gone. Whatever it still tries raises this, and reaches nothing."""


@dataclass(eq=False)
class Process:
    """One life of the program. It ends at the `number`-th passing of the point `crash`, if that is set."""

    crash: tuple[str, int] | None = None
    cut_off: tuple[float, float] = (0.0, 0.0)
    """From when to when it cannot reach the database, though others can; seconds of loop time."""
    alive: bool = True
    passed: Counter[str] = field(default_factory=Counter)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def point(self, name: str) -> None:
        """Pass a point of the program, or die there."""
        if not self.alive:
            raise Crash(name)
        self.passed[name] += 1
        if self.crash == (name, self.passed[name]):
            self.die()
            raise Crash(name)

    def die(self) -> None:
        self.alive = False
        self.gone.set()

    async def bury(self, program: asyncio.Task[Any]) -> None:
        """Take down what is left of it; nothing that its clean-up does gets out."""
        self.die()
        for _ in range(20):
            left = [task for task in self.tasks if not task.done()]
            if not left:
                return
            # The program last: its clean-up gives back what the system would, such as locks.
            for task in [task for task in left if task is not program] or left:
                task.cancel()
            await asyncio.wait(left, timeout=0.001)
        raise AssertionError("a task does not end when it is cancelled")

    def spawn(self, loop: asyncio.AbstractEventLoop, coro: Any, context: Any = None) -> asyncio.Task[Any]:
        """Start a task that belongs to this process."""
        task = asyncio.Task(coro, loop=loop, context=context)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()


CURRENT: Final[ContextVar[Process | None]] = ContextVar("process", default=None)


def point(name: str) -> None:
    """Pass a point of the process that is running, if one is."""
    if process := CURRENT.get():
        process.point(name)


def task_factory(loop: asyncio.AbstractEventLoop, coro: Any, context: Any = None) -> asyncio.Task[Any]:
    """Give every task to the process that starts it."""
    process = context.get(CURRENT) if context else CURRENT.get()
    return process.spawn(loop, coro, context) if process else asyncio.Task(coro, loop=loop, context=context)
