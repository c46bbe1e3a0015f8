"""The embedded engine: a server that speaks WaveSpeedAI's v3 API and renders previews on the CPU.

It is reached through HTTP alone: inside this process by `Engine.transport`, or served on a port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import httpx
from fastapi import FastAPI

from seedance.database import sqlite_url
from seedance.engine.api import build
from seedance.engine.contract import Parts
from seedance.engine.executor import RenderPool
from seedance.engine.media import Media
from seedance.engine.queue import Queue
from seedance.engine.records import Records


class Engine:
    """The server's parts, wired. Use it as an async context manager; `app` is the ASGI application."""

    app: FastAPI

    def __init__(
        self, folder: Path, *, executor: str = "process", database_url: str = "", keys: Sequence[str] = ()
    ) -> None:
        self._folder = folder
        self._database_url = database_url
        self._keys = keys
        self._pool = RenderPool(executor)

    async def __aenter__(self) -> Self:
        url = self._database_url or sqlite_url(self._folder / "engine.sqlite")
        self._records = await asyncio.to_thread(Records, url)
        media = Media(self._folder)
        self._queue = Queue(self._records, media, self._pool)
        self._queue.start()
        self.app = build(Parts(self._records, self._queue, media, self._keys))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._queue.stop()
        await asyncio.to_thread(self._records.close)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a way for an httpx client in this event loop to call the engine without a network."""
        return httpx.ASGITransport(self.app, raise_app_exceptions=False)
