"""The engine's queue: recorded tasks go to render workers and come back as videos."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy.exc import SQLAlchemyError

from seedance import logs
from seedance.engine import codes
from seedance.engine.executor import Away, Executor, TooMuch, WorkerDied
from seedance.engine.media import Media
from seedance.engine.records import LEASE, Records
from seedance.engine.references import ImageGone, References
from seedance.engine.schema import TaskRecord
from seedance.engine.worker import Job, Outcome
from seedance.models import DEFAULT_DURATION
from seedance.presence import Presence

_LOG: Final = logging.getLogger(__name__)
CAPACITY: Final = 5000
_STARTS: Final = 5  # an engine that dies as well, but more likely it was not
_LOOK: Final = 1.0  # seconds between looks for what another process did
_IDLE_LOOK: Final = 5.0  # while there is nothing to do, for a minute and more
_BUSY: Final = 60  # looks in vain until then
_TELL: Final = 2.0  # seconds between two words to other engines of how far a render is


class Queue:
    """Renders the recorded tasks, oldest first, as many at a time as there are workers."""

    on_end: Callable[[], None] | None = None
    """Called on the event loop whenever a task of this process has ended."""
    on_render: Callable[[float], None] | None = None
    """Called on the event loop with the seconds that each render took."""

    def __init__(
        self,
        records: Records,
        media: Media,
        executor: Executor,
        *,
        http: httpx.AsyncClient | None = None,
        capacity: int = CAPACITY,
        folder: Path | None = None,
    ) -> None:
        """`folder` is for this machine's engines alone; by default it is the media's."""
        self.capacity = capacity
        """The most tasks that may wait: the limit for `Records.add_task`."""
        self._records = records
        self._media = media
        self._folder = folder or media.root
        self._executor = executor
        self._references = References(media, http)
        self._presence: Presence | None = None
        self._bell = asyncio.Event()
        self._room = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._renders: set[asyncio.Task[None]] = set()
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def start(self) -> None:
        """Begin to work, first on what an earlier process left unfinished."""
        self._presence = Presence(self._folder / "engines", self._records.holder)
        self._executor.warm()
        self._loops = [asyncio.create_task(loop) for loop in (self._dispatch(), self._renew())]

    async def stop(self) -> None:
        """Stop taking tasks; what is being rendered goes back to the queue when the records are closed."""
        tasks = [*self._loops, *self._renders]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._executor.close()
        await self._references.aclose()
        if self._presence is not None:
            self._presence.close()

    @property
    def workers(self) -> int:
        """How many renders can run at a time now."""
        return self._executor.workers

    def ring(self) -> None:
        """Tell the queue that there is a new task."""
        self._bell.set()

    async def ended(self, id: str, account: str, seconds: float) -> TaskRecord | None:
        """Wait until a task has ended, for so many seconds at most; return it as it then is, None if gone."""
        deadline = asyncio.get_running_loop().time() + seconds
        bell = asyncio.Event()
        self._watchers[id].add(bell)
        try:
            while True:
                bell.clear()
                task = await asyncio.to_thread(self._records.get_task, id, account)
                left = deadline - asyncio.get_running_loop().time()
                if task is None or task.ended or left <= 0:
                    return task
                await _rung(bell, min(left, _LOOK))
        finally:
            self._watchers[id].discard(bell)
            if not self._watchers[id]:
                del self._watchers[id]

    async def _dispatch(self) -> None:
        while True:
            while len(self._renders) >= self._executor.workers:  # a render ends, or a cluster grows
                self._room.clear()
                await _rung(self._room, _LOOK)
            task = await self._next()
            render = asyncio.create_task(self._make(task))
            self._renders.add(render)
            render.add_done_callback(self._done)

    def _done(self, render: asyncio.Task[None]) -> None:
        self._renders.discard(render)
        self._room.set()

    async def _next(self) -> TaskRecord:
        """Wait for a task to render: a new one rings, and those of other processes are looked for."""
        looks = 0
        while True:
            self._bell.clear()
            try:
                if await asyncio.to_thread(self._take_over):
                    looks = 0
                forget = functools.partial(_forget, self._media)
                if task := await asyncio.to_thread(self._records.claim_task, forget):
                    return task
            except Exception:  # a full disk or a database that is away for a while must not end the work
                _LOG.exception("the queue's records failed; looking again")
            looks += 1
            await _rung(self._bell, _LOOK if looks < _BUSY else _IDLE_LOOK)

    def _take_over(self) -> bool:
        """Free what engines on this folder had in work that live no more: their leases need not run out.

        Return whether another engine has tasks in work: if it dies, they wait for a look at their leases.
        """
        holders = self._records.holders()
        dead = self._presence.dead(holders) if self._presence else []
        for holder in dead:
            self._records.release(holder)
        if self._presence:
            self._presence.forget(dead)
        return any(holder != self._records.holder for holder in holders)

    async def _make(self, task: TaskRecord) -> None:
        """Render a task and record what came of it."""
        with logs.about(task=task.id):
            _LOG.info("task %s is begun", task.id)
            await self._bring_to_its_end(task)

    async def _bring_to_its_end(self, task: TaskRecord) -> None:
        telling = asyncio.create_task(self._tell(task)) if self._media.bucket else None
        try:
            end = await self._render(task)
        except Exception:
            _LOG.exception("task %s could not be rendered", task.id)
            end = _failed(codes.EXECUTION_FAILED, f"the {task.kind} could not be rendered")
        finally:
            if telling is not None:
                telling.cancel()
        if end["status"] == "completed":
            await self._share(task)
        else:  # a worker may have died when its file was there already
            await asyncio.to_thread(_forget, self._media, task.output)
        await self._finish(task, end)
        _LOG.info("task %s is %s", task.id, end["status"])
        for bell in self._watchers.get(task.id, ()):
            bell.set()
        if self.on_end is not None:
            self.on_end()

    async def _tell(self, task: TaskRecord) -> None:
        """Put on record how far a render is: other engines cannot read its note."""
        told = 0.0
        while True:
            await asyncio.sleep(_TELL)
            share = self._media.read_progress(task.output)
            if share is None or share == told:
                continue
            try:
                await asyncio.to_thread(self._records.note, task, share)
                told = share
            except SQLAlchemyError as error:
                _LOG.warning("the progress of task %s could not be recorded: %s", task.id, error)

    async def _render(self, task: TaskRecord) -> dict[str, Any]:
        if task.attempts > _STARTS:
            return _failed(
                codes.RETRIES_EXHAUSTED,
                f"the render was started {_STARTS} times and its engine died each time",
            )
        died = 0
        try:
            async with self._references.of(task) as images:
                for attempt in range(self._executor.attempts):
                    try:
                        outcome = await self._executor.run(self._job(task, images))
                    except WorkerDied as error:
                        _LOG.warning("the render worker of task %s died", task.id)
                        died += error.workers
                    else:
                        if self.on_render is not None and not outcome.error:
                            self.on_render(outcome.inference_ms / 1000)
                        return _result(outcome) | {"attempts": task.attempts + attempt}
        except Away as error:
            _LOG.warning("task %s waits in the queue again: %s", task.id, error)
            return {"status": "created", "attempts": task.attempts - 1}
        except ImageGone as error:
            return _failed(codes.IMAGE_GONE, str(error))
        except TooMuch as error:
            return _failed(codes.EXECUTION_FAILED, str(error))
        return _failed(
            codes.RETRIES_EXHAUSTED,
            f"the render was started {died} times and its worker died each time",
        )

    def _job(self, task: TaskRecord, images: tuple[Path, ...]) -> Job:
        wanted = task.input
        return Job(
            kind=task.kind,
            images=images,
            prompt=str(wanted.get("prompt") or ""),
            duration=wanted.get("duration", DEFAULT_DURATION),
            camera_fixed=wanted.get("camera_fixed", False),
            seed=task.seed,
            result=self._media.result(task),
            thumbnail=self._media.thumbnail(task.output),
            last_frame=self._media.last_frame(task.output),
            progress=self._media.progress(task.output),
        )

    async def _share(self, task: TaskRecord) -> None:
        """Put what a task has made where all engines have it, however long the bucket refuses."""
        while True:
            try:
                return await asyncio.to_thread(self._media.share, task)
            except OSError as error:
                _LOG.warning("the result of task %s could not be stored; trying again: %s", task.id, error)
                await asyncio.sleep(_LOOK)

    async def _finish(self, task: TaskRecord, end: dict[str, Any]) -> None:
        """Record what came of a task, however long the database refuses."""
        while True:
            try:
                await asyncio.to_thread(self._record, task, end)
                return
            except SQLAlchemyError:
                _LOG.exception("the end of task %s could not be recorded; trying again", task.id)
                await asyncio.sleep(_LOOK)

    def _record(self, task: TaskRecord, end: dict[str, Any]) -> None:
        if self._records.finish(task, **end):
            return
        now = self._records.get_task(task.id, task.account)
        if now is None or now.output != task.output:  # deleted while it ran, or another engine's by now
            _forget(self._media, task.output)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                await asyncio.to_thread(self._records.renew)
            except Exception:
                _LOG.exception("the leases could not be renewed; trying again")


def _forget(media: Media, token: str) -> None:
    """Remove what an attempt has left; what is not removed now is swept later."""
    try:
        media.forget(token)
    except OSError as error:
        _LOG.warning("what an earlier attempt left could not be removed: %s", error)


async def _rung(bell: asyncio.Event, seconds: float) -> None:
    """Wait for a bell, or for so long."""
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        pass


def _failed(code: int, error: str) -> dict[str, Any]:
    return {"status": "failed", "code": code, "error": error}


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.error:
        return _failed(codes.INVALID_PARAMETER, outcome.error)
    made = {"inference_ms": outcome.inference_ms, "storyboard": outcome.storyboard}
    return {"status": "completed"} | made
