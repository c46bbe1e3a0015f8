"""What this process works on: its lease is renewed, and the work of processes that are gone is taken over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from seedance.errors import NotRecorded, Unavailable
from seedance.journal import LEASE, Journal
from seedance.presence import Presence
from seedance.record import Record

_LOG: Final = logging.getLogger(__name__)


class Leases:
    """The lease of one process on videos of a journal. Use it as an async context manager."""

    def __init__(
        self, journal: Journal, folder: Path, stop: Callable[[str], Awaitable[object]] | None = None
    ) -> None:
        """`folder` holds the presence files of all processes on this machine.

        `stop` is called for each video of this process that another one was asked to stop.
        """
        self._stop = stop
        self._journal = journal
        self._folder = folder

    async def __aenter__(self) -> Self:
        self._presence = await asyncio.to_thread(Presence, self._folder, self._journal.holder)
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._renewing.cancel()
        await asyncio.gather(self._renewing, return_exceptions=True)
        await asyncio.to_thread(self._presence.close)

    async def claim(self, accounts: Sequence[str], ids: Sequence[str] | None) -> list[Record]:
        """Take over unfinished videos as `Journal.claim` does; those of dead processes at once."""
        return await asyncio.to_thread(self._claim, accounts, ids)

    def _claim(self, accounts: Sequence[str], ids: Sequence[str] | None) -> list[Record]:
        dead: list[str] = []
        with suppress(Unavailable):
            dead = self._presence.dead(self._journal.holders())
        claimed = self._journal.claim(accounts, ids, dead=dead)
        with suppress(Unavailable):
            self._presence.forget(set(dead) - set(self._journal.holders()))
        return claimed

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                await asyncio.to_thread(self._journal.renew)
                await self._heed()
            except (NotRecorded, Unavailable) as error:
                _LOG.error("%s", error)

    async def _heed(self) -> None:
        if self._stop is not None:
            for id in await asyncio.to_thread(self._journal.stops_asked):
                await self._stop(id)
