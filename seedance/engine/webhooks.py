"""Webhooks: an ended task is told to the address that its submit named, signed, until it is heard.

A first try and three more; what is not yet told is in the records, so a restart loses none. A receiver may
be told twice, as by the provider.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import httpx
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from seedance import logs
from seedance.addresses import resolve_public
from seedance.engine.contract import account_of, answer, parts_of
from seedance.engine.records import Records, TaskRecord
from seedance.outside import Barred, Inside, connections, read
from seedance.version import __version__

_LOG: Final = logging.getLogger(__name__)
PREFIX: Final = "whsec_"
BACKOFF: Final = (2.0, 10.0, 60.0)  # seconds before each of the tries after the first
_PATIENCE: Final = 10.0  # seconds that a receiver has for its answer
_AT_ONCE: Final = 16
_LOOK: Final = 1.0  # seconds between looks for what another process left behind


def secret_of(account: str, secret: str) -> str:
    """Return the secret that an account's deliveries are signed with, from that of the database."""
    return PREFIX + hmac.new(secret.encode(), f"webhook {account}".encode(), hashlib.sha256).hexdigest()


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """Return the signature header's value of a delivery."""
    content = f"{id}.{timestamp}.".encode() + body
    return "v3," + hmac.new(secret.removeprefix(PREFIX).encode(), content, hashlib.sha256).hexdigest()


def check_address(url: str, *, local: bool) -> None:
    """Refuse an address that must not be called, by its spelling alone.

    Raises:
        HTTPException: 400, with the reason.
    """
    try:
        if url.split() != [url]:
            raise Barred("holds a space")
        if not (local and _is_here(url)):
            read(url)
    except Inside:
        message = "Invalid webhook URL: private or local network URLs are not allowed"
        raise HTTPException(400, message) from None
    except Barred as error:
        raise HTTPException(400, f"Invalid webhook URL: it {error}") from None


def note(url: str, server: str) -> str:
    """Return what a task's record keeps: the webhook's address, and the server's as the caller saw it."""
    return f"{url} {server}"


async def secret(request: Request) -> Response:
    """Tell the secret of the account's deliveries."""
    account = account_of(request)
    root = await asyncio.to_thread(parts_of(request).records.secret)
    return answer({"secret": secret_of(account, root)})


class Webhooks:
    """Tells ended tasks. `describe` makes the body of a task's record and the server's address."""

    def __init__(
        self,
        records: Records,
        describe: Callable[[TaskRecord, str], Awaitable[dict[str, Any]]],
        *,
        local: bool,
        backoff: Sequence[float] = BACKOFF,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._records = records
        self._describe = describe
        self._local = local
        self._backoff = tuple(backoff)
        self._longest = sum(self._backoff) + (len(self._backoff) + 2) * _PATIENCE
        self._http = http or connections(_AT_ONCE)
        self._bell = asyncio.Event()
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell, first what an earlier process left untold."""
        self._loop = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Stop; what is not told stays in the records."""
        tasks = [*self._telling.values(), *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        untold = [*self._telling]
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(SQLAlchemyError):  # else they are told when the leases have run out
            await asyncio.to_thread(self._records.give_back_undelivered, untold)
        await self._http.aclose()

    def ring(self) -> None:
        """Say that a task has ended."""
        self._bell.set()

    async def _work(self) -> None:
        while True:
            self._bell.clear()
            try:
                found = await asyncio.to_thread(self._records.claim_undelivered, _AT_ONCE, self._longest)
            except Exception:  # a database that is away for a while must not end the work
                _LOG.exception("the webhooks' records failed; looking again")
                found = []
            new = [task for task in found if task.id not in self._telling]
            for task in new:
                with logs.about(task=task.id):
                    self._telling[task.id] = asyncio.create_task(self._tell(task))
            if len(new) < _AT_ONCE:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self._bell.wait()

    async def _tell(self, task: TaskRecord) -> None:
        try:
            for wait in (*self._backoff, None):
                try:
                    async with self._free, asyncio.timeout(_PATIENCE):
                        await self._post(task)
                    break
                except (Barred, OSError, TimeoutError, httpx.HTTPError) as error:
                    reason = f"{type(error).__name__} {error}".strip()
                    _LOG.info("webhook of task %s was not heard: %s", task.id, reason)
                if wait is None:
                    _LOG.warning("webhook of task %s was never heard; it is given up", task.id)
                else:
                    await asyncio.sleep(wait)
            await asyncio.to_thread(self._records.delivered, task.id)
        except Exception:
            _LOG.exception("webhook of task %s failed; it is tried again", task.id)
            await asyncio.sleep(_LOOK)
            with suppress(SQLAlchemyError):
                await asyncio.to_thread(self._records.give_back_undelivered, [task.id])
        finally:
            del self._telling[task.id]

    async def _post(self, task: TaskRecord) -> None:
        """Tell a task once.

        Raises:
            Barred: its address must not be called.
            OSError, httpx.HTTPError: it was not heard.
        """
        url, _, server = task.webhook.partition(" ")
        body = json.dumps(await self._describe(task, server)).encode()
        root = await asyncio.to_thread(self._records.secret)
        now = int(time.time())
        target, host = await self._aim(url)
        headers = {
            "Content-Type": "application/json",
            "Host": host,
            "User-Agent": f"seedance-studio/{__version__}",
            "webhook-id": task.id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(secret_of(task.account, root), task.id, now, body),
        }
        named = {"sni_hostname": httpx.URL(url).raw_host.decode().rstrip(".")}
        async with self._http.stream(
            "POST", target, content=body, headers=headers, extensions=named, follow_redirects=False
        ) as response:  # its body is nobody's business and may be endless
            if not response.is_success:
                raise httpx.HTTPStatusError(
                    f"HTTP {response.status_code}", request=response.request, response=response
                )

    async def _aim(self, url: str) -> tuple[httpx.URL, str]:
        """Return where to connect to, by number, and the host to ask there for."""
        if self._local and _is_here(url):
            target = httpx.URL(url)
            return target, target.netloc.decode()
        target = read(url)
        found = await resolve_public(
            target.raw_host.decode(), target.port or (443 if target.scheme == "https" else 80)
        )
        if not found:
            raise Inside
        return target.copy_with(host=found[0]), target.netloc.decode()


def _is_here(url: str) -> bool:
    """Tell whether an address is on this very machine, by its spelling."""
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return False
    if target.scheme not in ("http", "https"):
        return False
    host = target.raw_host.decode()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
