"""Which client serves which engine and key, opened at its first use."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Self

import httpx
from pydantic import SecretStr

from seedance import policy
from seedance.client import WaveSpeed
from seedance.gate import Gate
from seedance.metrics import Metrics
from seedance.settings import Settings

if TYPE_CHECKING:
    from seedance.engine import Engine

_LOCAL_URL: Final = "http://engine.internal"  # never resolved: the calls stay in this process
_LOCAL_ACCOUNT: Final = "local"


class Engines:
    """The clients of one studio. Use it as an async context manager."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._chance = chance
        self._metrics = metrics or Metrics()
        self._engine: Engine | None = None
        self._gates: defaultdict[str, Gate] = defaultdict(Gate)
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._clients: dict[str, WaveSpeed] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def account(self, engine: str, key: SecretStr | None) -> str:
        """Return a fingerprint that tells servers and keys apart and gives no key away."""
        if engine == "local" or key is None:
            return _LOCAL_ACCOUNT
        secret = f"{self._settings.base_url}\0{key.get_secret_value()}"
        return hashlib.sha256(secret.encode()).hexdigest()[:32]

    async def client(self, engine: str, key: SecretStr | None) -> WaveSpeed:
        """Return the client of an engine and key. The first for `local` starts the embedded engine."""
        account = self.account(engine, key)
        async with self._opening:
            if account not in self._clients:
                client = await self._local() if account == _LOCAL_ACCOUNT else self._provider(key)
                self._clients[account] = await self._stack.enter_async_context(client)
            return self._clients[account]

    def gate(self, account: str) -> Gate:
        """Return where the submits of an account wait."""
        return self._gates[account]

    async def told(self) -> bytes:
        """Return the numbers of the embedded engine, nothing where it has not been started."""
        if self._engine is None:
            return b""
        async with httpx.AsyncClient(transport=self._engine.transport(), base_url=_LOCAL_URL) as http:
            return (await http.get("/metrics")).content

    def _provider(self, key: SecretStr | None) -> WaveSpeed:
        return WaveSpeed(
            key,
            base_url=self._settings.base_url,
            model=self._settings.model,
            transport=self._transport,
            clock=self._clock,
            wall=self._clock,
            chance=self._chance,
            metrics=self._metrics,
        )

    async def _local(self) -> WaveSpeed:
        from seedance.engine import Engine  # its server is loaded only where it is used

        engine = Engine(
            self._settings.data_dir / "engine",
            executor=self._settings.executor,
            database_url=self._settings.database_url,
            bucket=self._settings.bucket,
            media=self._settings.engine_media,
        )
        self._engine = await self._stack.enter_async_context(engine)
        return WaveSpeed(
            SecretStr("local"),
            base_url=_LOCAL_URL,
            pace=policy.LOCAL_PACE,
            transport=engine.transport(),
            metrics=self._metrics,
        )
