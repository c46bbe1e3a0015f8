"""Render processes on this machine, behind `concurrent.futures`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, Future
from typing import Any, Final

from loky import ProcessPoolExecutor

from seedance.engine.executor import MAX_PROCESSES, SECONDS, TooMuch, WorkerDied, refused
from seedance.engine.worker import Job, Outcome, render, warm

MEMORY: Final = 3 << 30
"""Bytes of address space for one render; the largest (four images of 48 megapixels, 12 s) takes 1.4 GB."""
_NICE: Final = 10  # renders give way to the server that answers beside them
_LOOK: Final = 1.0  # seconds between a worker's looks for its parent


class RenderPool:
    """Render processes that are replaced when they die. The setting is `process` or `process:N`.

    `seconds` and `memory` (bytes, where the system knows such a limit) bound each render.
    """

    attempts = 2  # a worker that dies may have been killed by its task

    def __init__(self, setting: str = "process", *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.workers = _workers(setting)
        self._seconds = seconds
        self._seats = [_Seat(memory) for _ in range(self.workers)]
        self._free = list(self._seats)

    def warm(self) -> None:
        """Start the workers, so that the first render does not wait for them."""
        for seat in self._seats:
            seat.submit(warm)

    async def run(self, job: Job) -> Outcome:
        """Render. At most `workers` calls at a time. A process that dies takes no other's render with it.

        Raises:
            WorkerDied: its process is gone.
            TooMuch: it needed more than `seconds` or `memory`.
        """
        seat = self._free.pop()
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(seat.submit(render, job))
        except BrokenExecutor as error:
            raise WorkerDied(str(error)) from error
        except TimeoutError as error:
            seat.end()
            raise TooMuch(f"the render took longer than the {self._seconds:.0f} s that it may") from error
        except MemoryError as error:
            seat.end()  # not all that it had is given back
            raise TooMuch("the render needed more memory than it may have") from error
        finally:
            self._free.append(seat)

    async def close(self) -> None:
        """End the workers at once; a video that was half rendered leaves no file under its name."""
        for seat in self._seats:
            seat.end()


class _Seat:
    """A place for one process: a pool of its own, because a process that dies breaks its whole pool."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        future: Future[Any]
        try:
            future = self._executor().submit(function, *arguments)
        except BrokenExecutor:  # the process died while it had nothing to do
            self._pool = None
            future = self._executor().submit(function, *arguments)
        return future

    def end(self) -> None:
        """End the process at once; the next `submit` starts another."""
        if self._pool is not None:
            processes = list(self._pool._processes.values())
            self._pool.shutdown(wait=False, kill_workers=True)
            for process in processes:  # loky leaves one that is only just starting
                with contextlib.suppress(OSError):
                    process.terminate()
            self._pool = None

    def _executor(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Unlike the standard library's pool, loky's never runs the caller's script again in its workers.
            settings = os.getpid(), self._memory
            self._pool = ProcessPoolExecutor(1, initializer=_initialise, initargs=settings)
        return self._pool


def _workers(setting: str) -> int:
    kind, _, count = setting.partition(":")
    if kind == "process" and not count:
        return min(os.cpu_count() or 1, MAX_PROCESSES)
    if kind == "process" and count.isdecimal() and 1 <= int(count) <= MAX_PROCESSES:
        return int(count)
    raise refused(setting)


def _initialise(parent: int, memory: int) -> None:
    """Set up a worker: Ctrl-C is the parent's to handle, and a worker does not outlive its parent."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    cv2.setNumThreads(1)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    warm()
    _limit_memory(memory)


def _limit_memory(more: int) -> None:
    """Let this process have so many bytes of address space more than it has. Linux alone tells how many."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        with open("/proc/self/statm") as told:  # noqa: PTH123
            pages = int(told.read().split()[0])
        limit = pages * resource.getpagesize() + more
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _die_with(parent: int) -> None:
    """End this process as soon as its parent has: what it would still make is nobody's."""
    with contextlib.suppress(AttributeError, OSError):  # Linux alone wakes whom it concerns
        select.select([os.pidfd_open(parent)], [], [])
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
