"""A small internet on this machine: names, public addresses, hosts that misbehave, a canary to let alone."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import anyio
import pytest

from seedance.addresses import _literal

PUBLIC: Final = "93.184.215.14"
OTHER: Final = "2606:4700::6810:84e5"

Serve = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Canary:
    """Listeners inside, on both loopback addresses where the machine has two, that count who comes."""

    def __init__(self) -> None:
        first = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = first.getsockname()[1]
        self._listening = [first]
        with suppress(OSError):
            self._listening.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for one in self._listening:
            one.setblocking(False)

    def visits(self) -> int:
        """Return how many connections came since the last look."""
        return sum(1 for one in self._listening for _ in self._come(one))

    def close(self) -> None:
        for one in self._listening:
            one.close()

    @staticmethod
    def _come(listening: socket.socket) -> Iterator[None]:
        while True:
            try:
                listening.accept()[0].close()
            except BlockingIOError:
                return
            yield


@contextmanager
def canary() -> Iterator[Canary]:
    bird = Canary()
    try:
        yield bird
    finally:
        bird.close()


class Internet:
    """What names stand for and where public addresses lead; nothing leaves this machine.

    Names answer with their lists of addresses in turn, the last one ever after; a name that is not in
    `names` stands for the addresses `otherwise`. Numbers are read by the system. Public addresses lead to
    the loopback ports that `routes` names, private ones where they lead.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, otherwise: Sequence[str] = ()) -> None:
        self._otherwise = otherwise
        self.names: dict[str, list[list[str]]] = {}
        self.routes: dict[str, int] = {}
        self.asked: list[str] = []
        """The names that were looked up."""
        self.reached: list[str] = []
        """The addresses, or names, that were connected to."""
        self._loop = asyncio.get_running_loop()
        self._look_up, self._connect = self._loop.getaddrinfo, anyio.connect_tcp
        monkeypatch.setattr(self._loop, "getaddrinfo", self.getaddrinfo)
        monkeypatch.setattr(anyio, "connect_tcp", self.connect_tcp)

    async def getaddrinfo(self, host: str, port: int, **more: Any) -> list[Any]:
        if _literal(host) is not None or "%" in host:
            return await self._look_up(host, port, **more)
        host.encode("idna")  # as the real one does
        self.asked.append(host)
        answers = self.names.get(host, [self._otherwise])
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_UNSPEC, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    async def connect_tcp(self, remote_host: str, remote_port: int, **_: Any) -> Any:
        self.reached.append(remote_host)
        if remote_host in self.routes:
            return await self._connect("127.0.0.1", self.routes[remote_host])
        found = await self.getaddrinfo(remote_host, remote_port)
        address = _literal(str(found[0][4][0]))
        if address is None or not address.is_loopback:
            raise ConnectionRefusedError(f"{remote_host} is not of this machine")
        return await self._connect(str(address), remote_port)


@asynccontextmanager
async def host(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve requests on a loopback port, which is given, each on a connection of its own."""
    running: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serve(await reader.readuntil(b"\r\n\r\n"), writer)
            await writer.drain()
        writer.close()
        running.discard(task)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running)


def says(status: str, body: bytes = b"", *headers: str) -> Serve:
    """Return a host that answers so to every request."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]

    async def serve(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(lines).encode() + body)

    return serve
