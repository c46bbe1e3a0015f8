"""Where renders run: a pool of processes on this machine, behind `concurrent.futures`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from seedance.engine.worker import Job, Outcome, render, warm
from seedance.errors import InvalidRequest

_MAX_WORKERS: Final = 61  # the most that Windows can wait for


class RenderPool:
    """Render processes that are replaced when they die. The setting is `process` or `process:N`."""

    def __init__(self, setting: str = "process") -> None:
        self.workers = _workers(setting)
        self._pool: ProcessPoolExecutor | None = None

    def warm(self) -> None:
        """Start the workers, so that the first render does not wait for them."""
        for _ in range(self.workers):
            self._executor().submit(warm)

    def submit(self, job: Job) -> Future[Outcome]:
        """Queue a render. Its future fails with `BrokenProcessPool` when a worker of the pool dies."""
        try:
            return self._executor().submit(render, job)
        except BrokenProcessPool:
            self._pool = None
            return self._executor().submit(render, job)

    def close(self) -> None:
        """Drop what has not started; a render under way ends by itself."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _executor(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=multiprocessing.get_context("spawn"), initializer=_initialise
            )
        return self._pool


def _workers(setting: str) -> int:
    kind, _, count = setting.partition(":")
    if kind == "process" and not count:
        return min(os.cpu_count() or 1, _MAX_WORKERS)
    if kind == "process" and count.isdecimal() and 1 <= int(count) <= _MAX_WORKERS:
        return int(count)
    raise InvalidRequest(
        "SEEDANCE_EXECUTOR",
        f"SEEDANCE_EXECUTOR: {setting!r} given; process or process:N is allowed, N from 1 to {_MAX_WORKERS}.",
    )


def _initialise() -> None:
    """Set up a worker: Ctrl-C is the parent's to handle, and a worker never outlives its parent."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
