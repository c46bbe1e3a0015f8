"""The studio: makes videos from request to saved file. Page, API and command line call nothing else.

A video belongs to the studio, not to whoever asked: watchers come and go, its task goes on, and after a
restart `resume` continues from the journal.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from pydantic import SecretStr

from seedance import images, prompts
from seedance.engines import Engines
from seedance.errors import MissingKey, NotRecorded
from seedance.files import write_whole
from seedance.images import CleanImage
from seedance.journal import LEASE, Journal, Record
from seedance.making import LeaseLost, Making
from seedance.models import PREVIEW_MODEL, RANDOM_SEED, Event, Request, Task
from seedance.settings import Settings

_LOG: Final = logging.getLogger(__name__)
_RECOVERY: Final = 10.0  # seconds before a video goes on after an unforeseen fault
_GLANCE: Final = 1.0  # seconds between two looks at a video that another process makes


class _Live:
    """The newest event of a video in the making, and the bell that rings at the next."""

    def __init__(self, since: float, event: Event) -> None:
        self.since = since
        self.event = event
        self.changed = asyncio.Event()

    def publish(self, event: Event) -> None:
        self.event = event
        bell, self.changed = self.changed, asyncio.Event()
        bell.set()


class Studio:
    """Makes videos. Use it as an async context manager, within one event loop."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._stack = AsyncExitStack()
        self._engines = Engines(self.settings)
        self._live: dict[str, _Live] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._journal = await asyncio.to_thread(Journal, self.settings.journal_url)
        self._stack.push_async_callback(asyncio.to_thread, self._journal.close)
        await self._stack.enter_async_context(self._engines)
        self._spawn(self._renew_leases())
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def start(
        self,
        prompt: str,
        paths: Sequence[Path],
        *,
        duration: int = 5,
        camera_fixed: bool = False,
        seed: int = RANDOM_SEED,
        engine: str | None = None,
        key: SecretStr | None = None,
        owner: str = "",
        names: Sequence[str] = (),
    ) -> str:
        """Check a request, put it on record and start it; return the video's id for `watch`.

        `names` are what the user calls the image files, for messages. A `key` given here is used for this
        video alone and is not stored.

        Raises:
            InvalidRequest: something is out of its range; nothing was sent.
            MissingKey: the chosen engine needs a key; nothing was sent.
            NotRecorded: the journal cannot be written; nothing was sent.
        """
        chosen = self.settings.choose_engine(engine, own_key=key is not None)
        key = key or self.settings.api_key
        if chosen == "wavespeed" and key is None:
            raise MissingKey
        request = Request(prompts.clean(prompt, len(paths)), tuple(paths), duration, camera_fixed, seed)
        await self._engines.client(chosen, key)  # an unusable key or engine shows before anything is recorded
        calls = names or [path.name for path in paths]
        pictures = await asyncio.to_thread(
            lambda: [images.clean(*pair) for pair in zip(request.images, calls, strict=True)]
        )
        await asyncio.to_thread(self._keep_images, pictures)
        record = await asyncio.to_thread(
            self._journal.add,
            owner=owner,
            engine=chosen,
            account=self._engines.account(chosen, key),
            prompt=request.prompt,
            images=[
                {"name": it.name, "sha256": it.sha256, "width": it.width, "height": it.height}
                for it in pictures
            ],
            duration=request.duration,
            camera_fixed=request.camera_fixed,
            seed=request.seed,
        )
        self._follow(record, key)
        return record.id

    async def watch(self, id: str, *, every: float | None = None) -> AsyncIterator[Event]:
        """Yield a video's newest event, then each change, until it has ended; then return.

        With `every`, an unchanged event is yielded again after that many seconds, its `elapsed` grown.

        Raises:
            KeyError: there is no such video.
        """
        while live := self._live.get(id):
            changed, event = live.changed, live.event
            yield replace(event, elapsed=time.time() - live.since)
            try:
                async with asyncio.timeout(every):
                    await changed.wait()
            except TimeoutError:
                pass
        while True:
            record = await asyncio.to_thread(self._journal.get, id)
            if record is None:
                raise KeyError(id)
            yield self._event(record)
            if record.state.ended:
                return
            await asyncio.sleep(_GLANCE)

    async def resume(self, ids: Sequence[str] | None = None) -> list[str]:
        """Take up unfinished videos (all, or these) that no living process works on; return their ids."""
        accounts = {self._engines.account(engine, self.settings.api_key) for engine in ("local", "wavespeed")}
        records = await asyncio.to_thread(self._journal.claim, sorted(accounts), ids)
        for record in records:
            self._follow(record, self.settings.api_key)
        return [record.id for record in records]

    async def get(self, id: str) -> Record | None:
        """Return a video's record, or None."""
        return await asyncio.to_thread(self._journal.get, id)

    async def recent(self, *, owner: str | None = None, limit: int = 50) -> list[Record]:
        """Return the newest records first, of one owner or of all."""
        return await asyncio.to_thread(lambda: self._journal.recent(owner=owner, limit=limit))

    async def unfinished(self) -> list[Record]:
        """Return the records of videos still to be made, oldest first."""
        return await asyncio.to_thread(self._journal.unfinished)

    async def warm(self) -> None:
        """Start the embedded engine now if it will make the next video, so that the first one is quick."""
        if self.settings.choose_engine() == "local":
            await self._engines.client("local", None)

    def _follow(self, record: Record, key: SecretStr | None) -> None:
        self._live[record.id] = _Live(record.created_at, self._event(record))
        self._spawn(self._make(record, key))

    async def _make(self, record: Record, key: SecretStr | None) -> None:
        live = self._live[record.id]
        making: Making | None = None
        try:
            while making is None or not making.record.state.ended:
                try:
                    making = making or Making(
                        record=record,
                        client=await self._engines.client(record.engine, key),
                        journal=self._journal,
                        images=self.settings.images,
                        videos=self.settings.videos,
                        publish=lambda *change: live.publish(self._event(*change)),
                    )
                    await making.run()
                except LeaseLost:
                    _LOG.warning("video %s was taken over by another process", record.id)
                    return
                except Exception:  # a fault of our own must not lose a video that may be paid for
                    _LOG.exception("making video %s failed; going on from its record", record.id)
                    await asyncio.sleep(_RECOVERY)
        finally:
            if self._live.get(record.id) is live:
                del self._live[record.id]
            live.changed.set()

    def _event(self, record: Record, task: Task | None = None, remark: str = "") -> Event:
        preview = record.engine == "local" or record.made_by == PREVIEW_MODEL
        return Event(
            id=record.id,
            state=record.state,
            engine="local" if preview else "wavespeed",
            seed=record.seed,
            message=remark or record.error or "",
            task_id=record.task_id,
            status=task.status if task else None,
            progress=task.progress if task else None,
            elapsed=(record.finished_at or time.time()) - record.created_at,
            video=self.settings.videos / record.video if record.video else None,
            inference_ms=record.inference_ms,
        )

    def _keep_images(self, pictures: Sequence[CleanImage]) -> None:
        """Keep the images until they are sent and for the history, whatever happens to the originals."""
        try:
            for picture in pictures:
                path = self.settings.images / f"{picture.sha256}.jpg"
                if not path.exists():
                    write_whole(path, picture.data)
        except OSError as error:
            raise NotRecorded(
                f"The images cannot be kept in {self.settings.data_dir} ({error.strerror}), so nothing is "
                "sent. Check the disk and SEEDANCE_DATA_DIR."
            ) from error

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                await asyncio.to_thread(self._journal.renew)
            except NotRecorded as error:
                _LOG.error("%s", error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
