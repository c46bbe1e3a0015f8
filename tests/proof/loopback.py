"""A small HTTP/1.1 server on 127.0.0.1 that may also hang, or drop a connection after reading a request.

A web framework answers every request; a proof of what a client does without an answer needs this one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Dropped(Exception):
    """Raised by a handler: close the connection without an answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read whole."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Their names in lower case."""
    body: bytes
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client has closed the connection before it was answered."""

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip()

    def json(self) -> dict[str, Any]:
        content = json.loads(self.body or b"{}")
        return content if isinstance(content, dict) else {}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `pieces` are sent one by one in place of `body`, their lengths summing up to `length`."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    pieces: AsyncIterator[bytes] | None = None
    length: int = 0


Handler = Callable[[Asked], Awaitable[Reply]]


def of_json(content: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(content).encode())


@dataclass
class Loopback:
    """Serves one handler; `open` counts the connections that clients hold."""

    handler: Handler
    open: int = 0
    opened: int = 0
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, port: int = 0) -> str:
        """Listen on a port of 127.0.0.1 (0: any free one) and return the address."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self.server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        self.open += 1
        self.opened += 1
        try:
            while asked := await _read(reader):
                await self._answer(asked, reader, writer)
        except (Dropped, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._connections.discard(connection)
            writer.transport.abort()

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle a request to its end, whether or not its client stays for the answer."""
        hearing = asyncio.create_task(_hear(reader, asked.gone))
        try:
            reply = await self.handler(asked)
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
        await _write(writer, reply)


async def _hear(reader: asyncio.StreamReader, gone: asyncio.Event) -> None:
    """A client says nothing more until it is answered: what can be read is the end of the connection."""
    with suppress(ConnectionError):
        await reader.read(1)
    gone.set()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    first = await reader.readline()
    if not first:
        return None
    method, target, _ = first.decode().split(" ", 2)
    headers = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    address = urlsplit(target)
    return Asked(method, address.path, dict(parse_qsl(address.query)), headers, body)


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    length = len(reply.body) if reply.pieces is None else reply.length
    head = f"HTTP/1.1 {reply.status} .\r\nContent-Type: {reply.kind}\r\nContent-Length: {length}\r\n\r\n"
    writer.write(head.encode() + reply.body)
    await writer.drain()
    if reply.pieces is not None:
        async for piece in reply.pieces:
            writer.write(piece)
            await writer.drain()
