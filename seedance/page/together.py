"""Several videos watched as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Final

from seedance.models import Event
from seedance.studio import Studio

_CALM: Final = 0.25  # seconds between two changes that are shown


async def together(studio: Studio, ids: Sequence[str], every: float) -> AsyncIterator[dict[str, Event]]:
    """Yield the newest event of each video at every change, until all have ended; also after `every` seconds.

    A video that is not there is left out.
    """
    newest: dict[str, Event] = {}
    changed = asyncio.Event()

    async def follow(id: str) -> None:
        with suppress(KeyError):
            async with aclosing(studio.watch(id)) as events:
                async for event in events:
                    newest[id] = event
                    changed.set()

    watching = [asyncio.create_task(follow(id)) for id in ids]
    for task in watching:
        task.add_done_callback(lambda _: changed.set())
    try:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await changed.wait()
            changed.clear()
            # Asked before the word, not after it: more may happen while it is listened to.
            over = all(task.done() for task in watching)
            if newest:
                yield dict(newest)
            if over:
                return
            await asyncio.wait(watching, timeout=_CALM)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
