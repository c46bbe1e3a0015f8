"""Where renders run: a pool of processes on this machine, behind `concurrent.futures`."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Final

from loky import ProcessPoolExecutor

from seedance.engine.worker import Job, Outcome, render, warm
from seedance.errors import InvalidRequest

_MAX_WORKERS: Final = 60  # Windows cannot wait for many more
_LOOK: Final = 1.0  # seconds between a worker's looks for its parent


class RenderPool:
    """Render processes that are replaced when they die. The setting is `process` or `process:N`."""

    def __init__(self, setting: str = "process") -> None:
        self.workers = _workers(setting)
        self._pool: Executor | None = None

    def warm(self) -> None:
        """Start the workers, so that the first render does not wait for them."""
        for _ in range(self.workers):
            self._executor().submit(warm)

    def submit(self, job: Job) -> Future[Outcome]:
        """Queue a render. Its future fails with a `BrokenExecutor` when a worker of the pool dies."""
        try:
            return self._executor().submit(render, job)
        except BrokenExecutor:
            self._pool = None
            return self._executor().submit(render, job)

    def close(self) -> None:
        """End the workers at once; a video that was half rendered leaves no file under its name."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, kill_workers=True)  # type: ignore[call-arg]  # loky's own

    def _executor(self) -> Executor:
        if self._pool is None:
            # Unlike the standard library's pool, loky's never runs the caller's script again in its workers.
            self._pool = ProcessPoolExecutor(self.workers, initializer=_initialise, initargs=(os.getpid(),))
        return self._pool


def _workers(setting: str) -> int:
    kind, _, count = setting.partition(":")
    if kind == "process" and not count:
        return min(os.cpu_count() or 1, _MAX_WORKERS)
    if kind == "process" and count.isdecimal() and 1 <= int(count) <= _MAX_WORKERS:
        return int(count)
    raise InvalidRequest(
        "SEEDANCE_EXECUTOR",
        f"SEEDANCE_EXECUTOR: {setting!r} given; process, or process:N with N from 1 to {_MAX_WORKERS}, "
        "is allowed.",
    )


def _initialise(parent: int) -> None:
    """Set up a worker: Ctrl-C is the parent's to handle, and a worker does not outlive its parent."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
