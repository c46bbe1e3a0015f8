"""The studio: makes videos from request to saved file. Page, API and command line call nothing else.

A video belongs to the studio, not to whoever asked: watchers come and go, its task goes on, and after a
restart `resume` continues from the journal.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from typing import Final, Self, TypeVar

import httpx
from anyio import CancelScope
from pydantic import SecretStr

from seedance import images, limits, prompts
from seedance.client import WaveSpeed
from seedance.engines import Engines
from seedance.errors import MissingKey, NotRecorded, SeedanceError
from seedance.journal import Journal
from seedance.leases import Leases
from seedance.metrics import Metrics
from seedance.models import MAX_IMAGES, RANDOM_SEED, Event, Price, Request
from seedance.record import Record
from seedance.settings import Settings
from seedance.store import Store
from seedance.watching import changes
from seedance.workshop import PRICE_PATIENCE, Workshop

_Told = TypeVar("_Told")

_LOG: Final = logging.getLogger(__name__)
_TAKE_OVER: Final = 1.5  # seconds between looks for videos that another process left behind
_TIDY: Final = 3600.0  # seconds between looks for what is not used any more
_PAUSE: Final = 0.1  # seconds between two pieces of it
_NOT_HERE: Final = "The video is made and stored, but it cannot be fetched just now. Open it again later."
_RESUMED_A_SECOND: Final = 300  # videos, at a restart


class Studio:
    """Makes videos. Use it as an async context manager, within one event loop.

    `transport` (instead of the network), `clock` (seconds since the epoch) and `chance` (0 to 1) can be
    replaced, for tests.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings or Settings()
        self._clock = clock
        self._chance = chance
        self._store = Store.of(self.settings)
        self._metrics = Metrics()
        self._engines = Engines(
            self.settings, transport=transport, clock=clock, chance=chance, metrics=self._metrics
        )
        self._keeping = asyncio.Lock()
        """Held while a video enters or leaves the record with its files, and while limits are counted."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._journal = await asyncio.to_thread(
                lambda: Journal(self.settings.journal_url, clock=self._clock)
            )
            stack.push_async_callback(asyncio.to_thread, self._journal.close)
            self._workshop = Workshop(
                self.settings,
                self._journal,
                self._engines,
                self._store,
                self._metrics,
                self._clock,
                self._chance,
            )
            leases = Leases(self._journal, self.settings.data_dir / "holders", self._workshop.heed)
            self._leases = await stack.enter_async_context(leases)
            await stack.enter_async_context(self._engines)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        with CancelScope(shield=True):  # whoever cancels, what is paid for is put on record first
            await self._workshop.close()
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
        batch: str | None = None,
        visitor: str | None = None,
    ) -> str:
        """Check a request, put it on record and start it; return the video's id for `watch`.

        `names` are what the user calls the image files, for messages. A `key` given here is used for this
        video alone and is not stored; without one, a `visitor` is held to the host's limits. `batch` ties the
        takes of one request together.

        Raises:
            InvalidRequest: something is out of its range; nothing was sent.
            SignInNeeded: the host's key is only for who has signed in.
            LimitReached: the visitor has had as many videos as the host allows.
            MissingKey: the chosen engine needs a key; nothing was sent.
            NotRecorded: the journal cannot be written; nothing was sent.
        """
        chosen = self.settings.choose_engine(engine, own_key=key is not None)
        guest = visitor if chosen == "wavespeed" and key is None else None
        key = key or self.settings.api_key
        if chosen == "wavespeed" and key is None:
            raise MissingKey
        request = Request(prompts.clean(prompt, len(paths)), tuple(paths), duration, camera_fixed, seed)
        await self._engines.client(chosen, key)  # an unusable key or engine shows before anything is recorded
        calls = names or [path.name for path in paths]
        pictures = await asyncio.to_thread(
            lambda: [images.clean(*pair) for pair in zip(request.images, calls, strict=True)]
        )
        account = self._engines.account(chosen, key)
        add = functools.partial(
            self._journal.add,
            owner=owner,
            engine=chosen,
            account=account,
            batch=batch,
            visitor=guest,
            prompt=request.prompt,
            images=[
                {"name": it.name, "sha256": it.sha256, "width": it.width, "height": it.height}
                for it in pictures
            ],
            duration=request.duration,
            camera_fixed=request.camera_fixed,
            seed=request.seed,
        )
        async with self._keeping:
            if guest is not None:
                await asyncio.to_thread(
                    limits.admit, self._journal, self.settings, account, guest, self._clock()
                )
            await asyncio.to_thread(self._store.keep, pictures)
            record = await asyncio.to_thread(add)
        self._workshop.follow(record, key)
        return record.id

    async def watch(
        self, id: str, *, every: float | None = None, patience: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yield a video's newest event, then each change, until it has ended or was stopped; then return.

        With `every`, an unchanged event is yielded again after that many seconds, its `elapsed` grown.

        Raises:
            KeyError: there is no such video.
            StillRunning: the provider has worked on it for more than `patience` seconds; it goes on.
        """
        while live := self._workshop.live.get(id):
            async with aclosing(live.watch(self._clock, every, patience)) as events:
                async for event in events:
                    yield await self._at_hand(event)
            if live.event.state.ended:
                return
        async with aclosing(changes(lambda: self.get(id), every)) as records:
            async for record in records:
                yield await self._at_hand(self._workshop.event(record))

    async def stop(self, id: str) -> None:
        """Stop waiting for a video. The provider has no cancel: what was sent may finish, and is then kept.

        Where another process makes it, that one is left word, and stops within seconds.

        Raises:
            KeyError: no such video is in the making.
            NotRecorded: another process makes it, and the journal cannot be written.
        """
        here = await self._workshop.stop(id)
        if not here and not await asyncio.to_thread(self._journal.ask_to_stop, id):
            raise KeyError(id)

    async def resume(
        self, ids: Sequence[str] | None = None, *, for_ever: bool = False, key: SecretStr | None = None
    ) -> list[str]:
        """Take up unfinished videos (all, or these) that no living process works on; return their ids.

        Among `ids` there may be videos whose outcome is unknown: they are looked for once more. With
        `for_ever`, videos that other processes leave behind later are taken up as well. A `key` given here
        is used instead of the host's.
        """
        if for_ever:
            self._workshop.spawn(self._take_over())
            self._workshop.spawn(self._tidy())
        key = key or self.settings.api_key
        accounts = {self._engines.account(engine, key) for engine in ("local", "wavespeed")}
        records = await self._leases.claim(sorted(accounts), ids)
        for record in records:
            # Many tasks are taken up at once, but not asked for at once.
            self._workshop.follow(record, key, self._chance() * len(records) / _RESUMED_A_SECOND)
        return [record.id for record in records]

    async def _take_over(self) -> None:
        while True:
            await asyncio.sleep(_TAKE_OVER)
            try:
                await self.resume()
            except Exception as error:  # whatever it is, it must not end the watch over others' videos
                _LOG.error("unfinished videos could not be taken over: %s", error)

    async def _tidy(self) -> None:
        """Forget what is not used any more, in small pieces, so that nobody waits for it."""
        while True:
            try:
                await asyncio.to_thread(self._journal.forget_the_gone)
                while await asyncio.to_thread(self._journal.forget_old_uploads):
                    await asyncio.sleep(_PAUSE)
            except NotRecorded as error:
                _LOG.error("%s", error)
            await asyncio.sleep(_TIDY)

    async def fetch(self, *records: Record, most: int = MAX_IMAGES) -> None:
        """Have the first images of videos at hand, in the store's folder, if they are still there."""
        if not self._store.shared:
            return
        paths = {self._store.image(image["sha256"]) for record in records for image in record.images[:most]}
        await asyncio.gather(*(self._bring(path) for path in paths))

    async def video(self, record: Record) -> Path | None:
        """Return a finished video's file, at hand, or None where it is not there."""
        path = self._store.videos / record.video if record.video else None
        return path if path and await self._bring(path) else None

    async def _at_hand(self, event: Event) -> Event:
        """Return an event whose video, if it has one, can be opened."""
        if event.video is None or not self._store.shared or await self._bring(event.video):
            return event
        return replace(event, video=None, message=_NOT_HERE)

    async def _bring(self, path: Path) -> bool:
        try:
            return await asyncio.to_thread(self._store.bring, path)
        except OSError as error:
            _LOG.warning("%s cannot be fetched: %s", path.name, error)
            return False

    async def get(self, id: str) -> Record | None:
        """Return a video's record, or None."""
        return await asyncio.to_thread(self._journal.get, id)

    async def recent(self, *, owner: str | None = None, text: str = "", limit: int = 50) -> list[Record]:
        """Return the newest records first, of one owner or of all, whose prompt holds `text`."""
        return await asyncio.to_thread(lambda: self._journal.recent(owner=owner, text=text, limit=limit))

    async def batch(self, batch: str, owner: str) -> list[Record]:
        """Return the takes of one request of that owner, the first one first."""
        return await asyncio.to_thread(self._journal.batch, batch, owner)

    async def delete(self, id: str, owner: str) -> bool:
        """Delete a finished video of that owner with its files; False where there is none."""
        async with self._keeping:  # an image that a new request needs is on record before this looks
            deleted = await asyncio.to_thread(self._journal.delete, id, owner)
            if deleted is None:
                return False
            record, images = deleted
            await asyncio.to_thread(self._store.remove, images, record.video)
        return True

    async def price(
        self, duration: int, engine: str | None = None, key: SecretStr | None = None
    ) -> Price | None:
        """Return what a video of that many seconds costs: None where it is free, or nobody says.

        Never waits long: the page shows it beside the button.
        """
        request = Request("a video", (Path("image.jpg"),), duration, seed=0)
        return await self._ask(engine, key, lambda it: it.price(request, ["https://example.com/image.jpg"]))

    async def balance(self, engine: str | None = None, key: SecretStr | None = None) -> float | None:
        """Return what is left in the account that would pay, in USD: None where none would, or nobody says.

        Never waits long, as `price` does not.
        """
        return await self._ask(engine, key, lambda it: it.balance())

    async def _ask(
        self, engine: str | None, key: SecretStr | None, question: Callable[[WaveSpeed], Awaitable[_Told]]
    ) -> _Told | None:
        chosen = self.settings.choose_engine(engine, own_key=key is not None)
        key = key or self.settings.api_key
        if chosen == "local" or key is None:
            return None
        try:
            client = await self._engines.client(chosen, key)
            async with asyncio.timeout(PRICE_PATIENCE):
                return await question(client)
        except (SeedanceError, TimeoutError):
            return None

    async def unfinished(self) -> list[Record]:
        """Return the records of videos still to be made, oldest first."""
        return await asyncio.to_thread(self._journal.unfinished)

    async def metrics(self) -> bytes:
        """Return this process's numbers, and the embedded engine's, in Prometheus' format."""
        unfinished = await asyncio.to_thread(self._journal.states)
        return self._metrics.text(unfinished) + await self._engines.told()

    async def warm(self) -> None:
        """Start the embedded engine now if it will make the next video, so that the first one is quick."""
        if self.settings.choose_engine() == "local":
            await self._engines.client("local", None)
