"""An asyncio event loop whose clock jumps from timer to timer: a week takes milliseconds."""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

EPOCH: Final = 1_900_000_000.0  # the wall clock when every simulation starts, seconds

T = TypeVar("T")


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set: the program would wait forever."""


class _Clock(selectors.BaseSelector):
    """A selector that never waits: it moves the clock on to the next timer instead."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Deadlock("nothing is ready and no timer is set")
        self.now += max(timeout, 0.0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self._keys[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return self._keys[fileobj]

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def get_map(self) -> dict[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time. A function for another thread runs at once, in this one."""

    def __init__(self) -> None:
        self._virtual = _Clock()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._virtual.now

    def wall(self) -> float:
        """Return the virtual seconds since 1970."""
        return EPOCH + self._virtual.now

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> list[Any]:
        """Find every name at one public address: there is no network here."""
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))]

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> Any:
        """Run it now; its result comes one turn later, so that other tasks run in between."""
        future = self.create_future()
        try:
            self.call_soon(_settle, future, func(*args), None)
        except BaseException as error:
            self.call_soon(_settle, future, None, error)
        return future


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def run(coro_factory: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a virtual loop of its own, from time 0, and return its result."""
    loop = VirtualLoop()
    loop.set_exception_handler(lambda *_: None)  # what a killed process leaves behind
    try:
        return loop.run_until_complete(coro_factory(loop))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
