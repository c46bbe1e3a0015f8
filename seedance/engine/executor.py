"""Where renders run: processes of this machine, or a Dask cluster. The queue knows no more than this."""

from __future__ import annotations

from typing import Final, Protocol

from seedance.engine.worker import Job, Outcome
from seedance.errors import InvalidRequest

SECONDS: Final = 300.0
"""For one render; the longest takes some ten on a laptop."""
MAX_PROCESSES: Final = 60  # Windows cannot wait for many more


class WorkerDied(Exception):
    """What rendered is gone: killed, crashed or out of memory. So many workers died of this job."""

    def __init__(self, message: str, workers: int = 1) -> None:
        super().__init__(message)
        self.workers = workers


class TooMuch(Exception):
    """The render needed more time or memory than one may have, as the text says. It was ended."""


class Away(Exception):
    """Nothing is there that renders, as the text says. The job may be run again when something is."""


class Executor(Protocol):
    """Workers that render."""

    attempts: int
    """How often a job may be run whose worker died."""

    @property
    def workers(self) -> int:
        """How many renders run at a time now; it may change at any moment."""

    def warm(self) -> None:
        """Start the workers, so that the first render does not wait for them. In an event loop."""

    async def run(self, job: Job) -> Outcome:
        """Render.

        Raises:
            WorkerDied: its worker is gone.
            TooMuch: it needed more time or memory than it may have.
            Away: there are no workers any more.
        """

    async def close(self) -> None:
        """End what still runs. A video that was half rendered leaves no file under its name."""


def choose(setting: str) -> Executor:
    """Return the workers that `SEEDANCE_EXECUTOR` names, not started yet. Blocking: a name is looked up.

    Raises:
        InvalidRequest: it names none, or none that would be safe.
    """
    if setting.startswith("dask"):
        from seedance.engine.cluster import RenderCluster

        return RenderCluster(setting)
    from seedance.engine.pool import RenderPool

    return RenderPool(setting)


def refused(setting: str, why: str = "") -> InvalidRequest:
    """Return the error of a setting that cannot be used."""
    allowed = (
        f"process, process:N with N from 1 to {MAX_PROCESSES}, dask://HOST:PORT or dask+tls://HOST:PORT is "
        "allowed."
    )
    return InvalidRequest("SEEDANCE_EXECUTOR", f"SEEDANCE_EXECUTOR: {setting!r} given; {why or allowed}")
