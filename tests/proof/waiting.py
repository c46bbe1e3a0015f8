"""Wait for a condition that rings no bell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_GLANCE = 0.05  # seconds


async def until(true: Callable[[], bool], seconds: float) -> None:
    """Return once it is true.

    Raises:
        TimeoutError: it is not, after so many seconds.
    """
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(_GLANCE)
