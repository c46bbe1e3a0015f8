"""Renders on a Dask cluster: jobs and videos travel by value, and its machines may come and go meanwhile."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from seedance.engine.connection import Connection, Thread, dask
from seedance.engine.executor import SECONDS, Away, TooMuch, WorkerDied
from seedance.engine.parcel import Delivery, deliver, pack
from seedance.engine.scheduler import Scheduler
from seedance.engine.worker import Job, Outcome, note
from seedance.errors import InvalidRequest

_LOG: Final = logging.getLogger(__name__)
_LOOK: Final = 1.0  # seconds between looks at the cluster, and between tries to reach it
_SPARE: Final = 30.0  # seconds that a worker may be late in saying itself that its render took too long


class RenderCluster:
    """The workers of a Dask cluster, as many as it has threads at the moment.

    A render whose worker dies is run again by the scheduler, as often as that allows
    (`distributed.scheduler.allowed-failures`). Memory is the workers' own limit (`--memory-limit`); `seconds`
    is the render's own, counted from when a worker begins.
    """

    attempts = 1

    def __init__(self, setting: str, *, seconds: float = SECONDS) -> None:
        self._scheduler = Scheduler.read(setting)
        self._dask = dask(setting, tls=self._scheduler.tls)
        with suppress(OSError):  # a name that is not known yet may be so when the scheduler is started
            self._scheduler.find()
        self._seconds = seconds
        self._topic = f"seedance-{uuid.uuid4().hex}"
        self._connection: Connection | None = None
        self._fault = f"{setting} has not been reached yet"
        self._flights: dict[str, _Flight] = {}
        self._noting = threading.Lock()
        self._closed = False

    @property
    def workers(self) -> int:
        """The threads of all workers; 0 while the scheduler is not reached."""
        return self._connection.threads if self._connection else 0

    def warm(self) -> None:
        """Begin to connect, and to connect again for as long as this is open."""
        self._thread = Thread()
        self._bell = asyncio.Event()
        self._keeping = asyncio.create_task(self._keep())

    async def run(self, job: Job) -> Outcome:
        """Render. What was made is written here, where the job wants it.

        Raises:
            WorkerDied: each worker that began it is gone.
            TooMuch: it needed more time or memory than it may have.
            Away: the scheduler is gone.
        """
        id = uuid.uuid4().hex
        try:
            async with asyncio.timeout(None) as limit:
                delivery = await self._send(id, job, limit)
        except TimeoutError as error:
            raise TooMuch(f"the render took longer than the {self._seconds:.0f} s that it may") from error
        except self._dask.KilledWorker as error:
            raise WorkerDied(str(error), error.allowed_failures + 1) from error
        finally:
            with self._noting:
                self._flights.pop(id, None)
            job.progress.unlink(missing_ok=True)
        await asyncio.to_thread(delivery.put, job)
        return delivery.outcome

    async def close(self) -> None:
        """Leave the cluster. What it still renders for us is dropped."""
        self._closed = True
        self._bell.set()
        await self._keeping
        await asyncio.to_thread(self._thread.stop)

    async def _send(self, id: str, job: Job, limit: asyncio.Timeout) -> Delivery:
        """Have a job rendered; the limit runs from when a worker says that it has begun."""
        loop = asyncio.get_running_loop()

        def begin() -> None:
            with suppress(RuntimeError):  # it has come meanwhile
                limit.reschedule(loop.time() + self._seconds + _SPARE)

        parcel = await asyncio.to_thread(pack, job, id=id, topic=self._topic, seconds=self._seconds)
        if (connection := self._connection) is None:
            raise Away(self._fault)
        flight = _Flight(job.progress, lambda: loop.call_soon_threadsafe(begin))
        self._flights[id] = flight
        future: Future[Delivery] = await asyncio.to_thread(connection.executor.submit, deliver, parcel)
        flight.future = future
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            self._bell.set()
            raise Away("the Dask scheduler is gone") from None

    def _hear(self, event: tuple[float, Any]) -> None:
        """Note what a worker reports. Called in Dask's thread."""
        _, told = event
        with self._noting:
            if flight := self._flights.get(told["id"]):
                flight.note(told["share"])

    async def _keep(self) -> None:
        """Be connected until closed, whatever happens to the scheduler."""
        told = ""
        while not self._closed:
            try:
                await self._stay(await self._dial())
                told = ""
            except (OSError, InvalidRequest) as error:
                self._fault = f"no Dask scheduler: {error}"
                if self._fault != told:
                    _LOG.warning("%s; trying again every second", self._fault)
                told = self._fault
            except Exception:
                _LOG.exception("the connection to the Dask scheduler failed; trying again")
            await self._rung()

    async def _dial(self) -> Connection:
        """Connect to the first address that answers.

        Raises:
            OSError: none does.
            InvalidRequest: it has come to be a public one.
        """
        fault = OSError("it has no address")
        for address in await asyncio.to_thread(self._scheduler.find):
            try:
                return await asyncio.to_thread(
                    Connection, address, self._thread.loop, self._topic, self._hear
                )
            except OSError as error:
                fault = error
        raise fault

    async def _stay(self, connection: Connection) -> None:
        """Use a connection until it breaks; what was under way on it then is given back."""
        self._connection = connection
        _LOG.info("the Dask cluster has %d threads", connection.threads)
        try:
            while connection.alive and not await self._rung():
                await asyncio.to_thread(connection.look)
            if not self._closed:
                _LOG.warning("the Dask scheduler is gone; connecting again")
        finally:
            self._connection = None
            self._fault = "the Dask scheduler is gone"
            await asyncio.to_thread(connection.close)
            for flight in list(self._flights.values()):
                if flight.future is not None:
                    flight.future.cancel()

    async def _rung(self) -> bool:
        """Wait a moment, or until somebody has seen that the scheduler is gone, or closes us."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await self._bell.wait()
        rung = self._bell.is_set()
        if not self._closed:
            self._bell.clear()
        return rung


@dataclass(slots=True)
class _Flight:
    """A job that is under way."""

    progress: Path
    begun: Callable[[], object]
    future: Future[Delivery] | None = None

    def note(self, share: float) -> None:
        """Write progress down; at 0 a worker has begun, perhaps not the first."""
        if share == 0:
            self.begun()
        note(self.progress, share)
