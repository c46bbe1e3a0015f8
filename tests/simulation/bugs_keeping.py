"""Planted bugs of finding, saving, taking over and keeping secrets."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import delete

from seedance import client, exchange, history, making, mp4
from seedance.client import WaveSpeed
from seedance.download import Download
from seedance.errors import Refused, TaskFailed, Unavailable
from seedance.exchange import Exchange
from seedance.journal import Journal
from seedance.making import Making
from seedance.models import State, Task
from seedance.record import VIDEOS, Record
from seedance.search import Search
from tests.simulation.bugs import Plant, bug, instead

_LOG: Final = logging.getLogger("seedance.planted")
_DOWNLOAD: Final = WaveSpeed.download
_FIND: Final = WaveSpeed.find
_BODY: Final = client._body
_CANDIDATES: Final = Search.candidates
_SEND: Final = Exchange.send
_WRITE: Final = Journal.write
_CLAIM: Final = Journal.claim
_READ: Final = exchange._read
_BEGIN: Final = Download.__init__


@bug("doubled", "lost", "foreign")
def _neither_fence_nor_lease_is_heeded() -> Plant:
    def write(self: Journal, record: Record, **changes: Any) -> Record | None:
        now = self.get(record.id)
        return now and _WRITE(self, replace(record, fence=now.fence), **changes)

    def claim(self: Journal, accounts: Any, ids: Any = None, *, dead: Any = ()) -> list[Record]:
        others = [holder for holder in self.holders() if holder != self.holder]
        return _CLAIM(self, accounts, ids, dead=others)

    return instead(Journal, write=write, claim=claim)


@bug("torn")
def _the_video_is_written_in_its_place() -> Plant:
    def init(self: Download, http: Any, path: Path, **named: Any) -> None:
        _BEGIN(self, http, path, **named)
        self._part = path

    async def keep(self: Download) -> None:
        return None

    return instead(Download, __init__=init, keep=keep, __exit__=lambda *_: None)


@bug("torn", "lost", "foreign")
def _a_damaged_video_is_kept() -> Plant:
    return instead(mp4, fault=lambda path: "")


@bug("lost")
def _a_full_disk_gives_the_video_up() -> Plant:
    async def download(self: WaveSpeed, url: str, path: Path) -> None:
        try:
            await _DOWNLOAD(self, url, path)
        except OSError as error:
            raise TaskFailed(str(error), task_id="") from error

    return instead(WaveSpeed, download=download)


@bug("foreign", "lost")
def _any_task_in_the_window_is_adopted() -> Plant:
    return instead(history, _same=lambda inputs, wanted: True)


@bug("lost")
def _one_look_into_the_history_is_enough() -> Plant:
    async def once(self: Search) -> AsyncIterator[Task]:
        async for task in _CANDIDATES(replace(self, grace=2.0)):
            yield task

    return instead(Search, candidates=once)


@bug("lost")
def _an_unreadable_history_counts_as_empty() -> Plant:
    async def blind(self: WaveSpeed, *more: Any) -> list[Task]:
        try:
            return await _FIND(self, *more)
        except (Unavailable, Refused):
            return []

    return instead(WaveSpeed, find=blind)


@bug("lost")
def _only_the_first_page_of_the_history_is_read() -> Plant:
    return instead(history, _PAGES=1)


@bug("lost")
def _a_crash_deletes_the_record() -> Plant:
    def claim(self: Journal, *more: Any, **named: Any) -> list[Record]:
        kept = []
        for record in _CLAIM(self, *more, **named):
            if record.state is not State.SUBMITTING:
                kept.append(record)
                continue
            with self._database.begin() as db:
                db.execute(delete(VIDEOS).where(VIDEOS.c.id == record.id))
        return kept

    return instead(Journal, claim=claim)


@bug("stuck")
def _nothing_is_taken_up_after_a_crash() -> Plant:
    return instead(Journal, claim=lambda *_, **__: [])


@bug("lost")
def _stopping_ends_the_record() -> Plant:
    async def stop(self: Making) -> None:
        await self.entry.end(State.STOPPED, "stopped")

    return instead(Making, stop=stop)


@bug("sent_unasked")
def _the_images_lose_their_order() -> Plant:
    return instead(client, _body=lambda request, urls: _BODY(request, sorted(urls)))


@bug("gave_up")
def _a_full_queue_counts_as_refused() -> Plant:
    return instead(making.policy, RATE_ATTEMPTS=1)


@bug("leak")
def _headers_are_logged() -> Plant:
    def spy(self: Exchange, method: str, url: str, patience: float, **content: Any) -> Awaitable[Any]:
        _LOG.info("%s %s %s", method, url, content.get("headers"))
        return _SEND(self, method, url, patience, **content)

    return instead(Exchange, send=spy)


@bug("leak")
def _strange_answers_are_logged() -> Plant:
    def read(response: httpx.Response) -> Any:
        answer = _READ(response)
        if answer is None:
            _LOG.warning("not understood: %s", response.text)
        return answer

    return instead(exchange, _read=read)
