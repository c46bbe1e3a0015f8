"""One address for several servers on 127.0.0.1: each connection goes to the next one that takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

_HOLD = 3.0  # seconds for which a connection waits for a server; nothing of it was sent to any
_GLANCE = 0.05
_PIECE = 1 << 16


@dataclass
class Balancer:
    """Carries bytes, as a TCP load balancer does. Use it as an async context manager.

    When one side of a connection breaks, the other is broken, too.
    """

    ports: Sequence[int]
    address: str = ""
    _turn: int = 0
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        far: asyncio.StreamWriter | None = None
        try:
            answers, far = await self._reach()
            pipes = [asyncio.create_task(_pipe(*ends)) for ends in ((reader, far), (answers, writer))]
            try:
                await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pipe in pipes:
                    pipe.cancel()
                await asyncio.gather(*pipes, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(connection)
            for end in filter(None, (writer, far)):
                end.close()  # what was already carried still arrives

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the next server that is there.

        Raises:
            TimeoutError: none is, for as long as a connection waits.
        """
        async with asyncio.timeout(_HOLD):
            while True:
                for _ in self.ports:
                    self._turn += 1
                    with suppress(ConnectionError):
                        return await asyncio.open_connection(
                            "127.0.0.1", self.ports[self._turn % len(self.ports)]
                        )
                await asyncio.sleep(_GLANCE)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes until one of the two is broken."""
    with suppress(ConnectionError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
