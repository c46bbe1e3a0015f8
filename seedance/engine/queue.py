"""The engine's queue: recorded tasks go to render workers and come back as videos."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import BrokenExecutor
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from seedance.engine.executor import RenderPool
from seedance.engine.media import Media
from seedance.engine.records import LEASE, Records, TaskRecord
from seedance.engine.worker import Job, Outcome

_LOG: Final = logging.getLogger(__name__)
_ATTEMPTS: Final = 2
_LOOK: Final = 1.0  # seconds between looks for tasks that another process left behind
INVALID_PARAMETER: Final = 1401  # the contract's task codes
EXECUTION_FAILED: Final = 1403
RETRIES_EXHAUSTED: Final = 1406


class Queue:
    """Renders the recorded tasks, oldest first, as many at a time as there are workers."""

    def __init__(self, records: Records, media: Media, pool: RenderPool) -> None:
        self._records = records
        self._media = media
        self._pool = pool
        self._bell = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work, first on what an earlier process left unfinished."""
        self._pool.warm()
        self._loops = [asyncio.create_task(self._work()) for _ in range(self._pool.workers)]
        self._loops.append(asyncio.create_task(self._renew()))

    async def stop(self) -> None:
        """Stop taking tasks; what is being rendered goes back to the queue when the records are closed."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._pool.close()

    def ring(self) -> None:
        """Tell the workers that there is a new task."""
        self._bell.set()

    async def _work(self) -> None:
        while True:
            self._bell.clear()
            try:
                task = await asyncio.to_thread(self._records.claim_task)
                if task is not None:
                    await self._render(task)
                    continue
            except Exception:  # a full disk or a database that is away for a while must not end the work
                _LOG.exception("the queue's records failed; looking again")
            try:
                async with asyncio.timeout(_LOOK):
                    await self._bell.wait()
            except TimeoutError:
                pass

    async def _render(self, task: TaskRecord) -> None:
        if task.attempts > _ATTEMPTS:
            message = f"the render was started {_ATTEMPTS} times and its worker died each time"
            await self._finish(task, status="failed", error=message, code=RETRIES_EXHAUSTED)
            return
        try:
            outcome = await asyncio.wrap_future(self._pool.submit(self._job(task)))
        except BrokenExecutor:
            _LOG.warning("the render worker of task %s died", task.id)
            await self._finish(task, status="created")
        except Exception:
            _LOG.exception("task %s could not be rendered", task.id)
            await self._finish(
                task, status="failed", error="the video could not be rendered", code=EXECUTION_FAILED
            )
        else:
            await self._finish(task, **_result(outcome))

    def _job(self, task: TaskRecord) -> Job:
        return Job(
            images=tuple(self._media.upload(token) for token in task.images),
            prompt=task.input["prompt"],
            duration=task.input["duration"],
            camera_fixed=task.input["camera_fixed"],
            seed=task.input["seed"],
            video=self._media.video(task.output),
            progress=self._media.progress(task.output),
        )

    async def _finish(self, task: TaskRecord, **changes: Any) -> None:
        """Record what came of a task, however long the database refuses."""
        while True:
            try:
                return await asyncio.to_thread(lambda: self._records.finish(task.id, **changes))
            except SQLAlchemyError:
                _LOG.exception("the end of task %s could not be recorded; trying again", task.id)
                await asyncio.sleep(_LOOK)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                await asyncio.to_thread(self._records.renew)
            except Exception:
                _LOG.exception("the leases could not be renewed; trying again")


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.error:
        return {"status": "failed", "error": outcome.error, "code": INVALID_PARAMETER}
    return {"status": "completed", "inference_ms": outcome.inference_ms}
