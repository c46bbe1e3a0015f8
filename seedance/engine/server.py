"""The engine's parts, wired into one server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx
from starlette.types import ASGIApp

from seedance.database import sqlite_url
from seedance.engine.api import build
from seedance.engine.contract import Parts, Rules
from seedance.engine.executor import choose
from seedance.engine.health import Metrics
from seedance.engine.media import Media
from seedance.engine.predictions import tell
from seedance.engine.queue import Queue
from seedance.engine.records import Records, TaskRecord
from seedance.engine.retention import Sweeper
from seedance.engine.webhooks import Webhooks
from seedance.shelf import Bucket


class Engine:
    """The server's parts, wired. Use it as an async context manager; `app` is the ASGI application."""

    app: ASGIApp

    def __init__(
        self,
        folder: Path,
        *,
        executor: str = "process",
        database_url: str = "",
        bucket: str = "",
        media: Path | None = None,
        keys: Sequence[str] = (),
        rules: Rules | None = None,
    ) -> None:
        """`folder` is this engine's own; files go to `media`, by default the same, and to the `bucket`."""
        self._folder = folder
        self._database_url = database_url
        self._media = Media(media or folder, Bucket(bucket) if bucket else None)
        self._keys = keys
        self._rules = rules or Rules()
        self._metrics = Metrics()
        self._executor = executor

    async def __aenter__(self) -> Self:
        executor = await asyncio.to_thread(choose, self._executor)
        url = self._database_url or sqlite_url(self._folder / "engine.sqlite")
        self._records = await asyncio.to_thread(Records, url)
        self._webhooks = Webhooks(self._records, self._describe, local=self._rules.local)
        self._webhooks.start()
        self._queue = Queue(self._records, self._media, executor, folder=self._folder)
        self._queue.on_end = self._webhooks.ring
        self._queue.on_render = self._metrics.rendered
        self._queue.start()
        self._sweeping = asyncio.create_task(Sweeper(self._records, self._media).run())
        parts = Parts(self._records, self._queue, self._media, self._keys, self._rules)
        self.app = build(parts, self._metrics)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._sweeping.cancel()
        await asyncio.gather(self._sweeping, return_exceptions=True)
        await self._queue.stop()
        await self._webhooks.stop()
        await asyncio.to_thread(self._records.close)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a way for an httpx client in this event loop to call the engine without a network."""
        return httpx.ASGITransport(self.app, raise_app_exceptions=False)

    async def _describe(self, task: TaskRecord, server: str) -> dict[str, Any]:
        return await tell(task, server, self._media)
