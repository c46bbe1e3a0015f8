"""Where the submits of one key wait, and are turned away together when the key is refused."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine
from typing import Any, Final

from seedance.errors import InsufficientCredit, Unauthorized

_AT_ONCE: Final = 4  # submits under way for one account; as many connections are kept for them


class Gate:
    """The waiting room of one account's submits."""

    def __init__(self, sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self.turn = asyncio.Semaphore(_AT_ONCE)
        """Held while a submit is sent: what waits for it is not yet on record as sent."""
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def wait(self, who: str, seconds: float) -> None:
        """Wait that long, or until `who` is released.

        Raises:
            Unauthorized, InsufficientCredit: what `turn_away` was given meanwhile.
        """
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[who] = waiting
        sleeping = asyncio.create_task(self._sleep(seconds))
        try:
            await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
        finally:
            sleeping.cancel()
            if self._waiting.get(who) is waiting:
                del self._waiting[who]

    def release(self, who: str) -> None:
        """End one wait now."""
        waiting = self._waiting.get(who)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def turn_away(self, error: Unauthorized | InsufficientCredit) -> None:
        """End every wait with this error: none of these submits would fare better."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(copy.copy(error))
