"""A Dask cluster of its own: scheduler and workers as processes on 127.0.0.1, ended by their process ids."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.conftest import ROOT, free_port

ALLOWED_FAILURES: Final = 1  # of a task's workers; one more and it is given up, as by the process pool
VARIABLES: Final = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(ALLOWED_FAILURES),
    "PYTHONWARNINGS": "default",
}
REPORTS: Final = 0.25  # seconds between two of a render's
_END: Final = 30.0


@dataclass
class Cluster:
    """What runs, and how it is started again. `kind` is `tcp` or `tls`."""

    folder: Path
    kind: str = "tcp"
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    started: int = 0

    @property
    def setting(self) -> str:
        """What SEEDANCE_EXECUTOR says to use it."""
        return f"{'dask' if self.kind == 'tcp' else 'dask+tls'}://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        self.scheduler = self._start("dask_scheduler", *scheduler_options(self.port))

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        address = f"{self.kind}://127.0.0.1:{self.port}"
        self.workers.append(self._start("dask_worker", *worker_options(address, self.folder), *options))
        return self.workers[-1]

    def start_sleepers(self, count: int) -> None:
        """Start so many workers in one process: real ones for the scheduler, which only sleep."""
        program = (
            f"from tests.proof.cluster import sleepers; sleepers('tcp://127.0.0.1:{self.port}', {count})"
        )
        self.started += 1
        with (self.folder / f"{self.started}-sleepers.log").open("wb") as log:
            self.workers.append(
                subprocess.Popen(
                    [sys.executable, "-c", program], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
                )
            )

    def kill_scheduler(self) -> None:
        assert self.scheduler is not None
        _kill(self.scheduler)

    def kill_worker(self, worker: subprocess.Popen[bytes]) -> None:
        self.workers.remove(worker)
        _kill(worker)

    def heal(self, workers: int) -> None:
        """Start what a test has ended, and end what it has started beside so many workers."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.start_scheduler()
        for worker in [*self.workers]:
            if worker.poll() is not None or len(self.workers) > workers:
                self.kill_worker(worker)
        while len(self.workers) < workers:
            self.start_worker()

    def stop(self) -> None:
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            _kill(process)
        self.workers.clear()

    def said(self) -> str:
        """Return what all of them have printed."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        self.started += 1
        with (self.folder / f"{self.started}-{program}.log").open("wb") as log:
            return subprocess.Popen(
                [*command(program), *self.options, *arguments],
                cwd=ROOT,
                env=os.environ | VARIABLES,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


def command(program: str) -> list[str]:
    """Return what starts one of Dask's programs."""
    alone = ["--no-nanny"] if program == "dask_worker" else []
    return [sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard", *alone]


def scheduler_options(port: int) -> list[str]:
    return ["--host", "127.0.0.1", "--port", str(port), "--dashboard-address", "127.0.0.1:0"]


def worker_options(address: str, folder: Path) -> list[str]:
    """Return those of a worker of one thread that is ready to render."""
    place = ["--local-directory", str(folder), "--preload", "seedance.engine.parcel"]
    return [address, "--host", "127.0.0.1", "--nthreads", "1", *place]


@contextmanager
def running(
    folder: Path, workers: int, *, kind: str = "tcp", options: tuple[str, ...] = ()
) -> Iterator[Cluster]:
    """Run a scheduler and so many workers of one thread each; they may still be starting."""
    cluster = Cluster(folder, kind, options)
    try:
        cluster.start_scheduler()
        for _ in range(workers):
            cluster.start_worker()
        yield cluster
    finally:
        cluster.stop()


def sleepers(address: str, count: int) -> None:
    """Be so many workers of one thread each."""
    from distributed import Worker

    async def live() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(count):
                worker = Worker(address, nthreads=1, dashboard=False, memory_limit=0)
                await stack.enter_async_context(worker)
            await worker.finished()

    asyncio.run(live())


def doze(images: bytes, topic: str, seconds: float, results: int) -> bytes:
    """Do as a render does for the scheduler: take images, report now and then, give results of a size."""
    from distributed import get_worker

    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        get_worker().log_event(topic, {"id": "", "share": 0.5})
        time.sleep(min(left, REPORTS))
    return bytes(results)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(_END)
