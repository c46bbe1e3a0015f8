from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from seedance.engine.api import build
from seedance.engine.contract import Parts
from seedance.engine.predictions import tell
from seedance.engine.records import TaskRecord
from seedance.engine.webhooks import Webhooks
from tests.engine.calls import (
    IMAGE,
    OTHER_KEY,
    client,
    finish,
    make_parts,
    query,
    queue_of,
    refusal,
    submitted,
)
from tests.proof.loopback import Asked, Dropped, Loopback, Reply

pytestmark = pytest.mark.anyio
_SOON = 20.0  # seconds


class Receiver:
    """A server on this machine that hears webhooks; `faults` are its answers before it hears well."""

    def __init__(self, *faults: int | None) -> None:
        self.faults = list(faults)
        self.heard: list[Asked] = []

    async def __call__(self, asked: Asked) -> Reply:
        self.heard.append(asked)
        if not self.faults:
            return Reply(204)
        fault = self.faults.pop(0)
        if fault is None:
            raise Dropped
        return Reply(fault)


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[str]:
    server = Loopback(receiver)
    url = await server.start()
    yield f"{url}/hook?task=1"
    await server.stop()


@asynccontextmanager
async def telling(parts: Parts, *backoff: float, local: bool = True) -> AsyncIterator[Webhooks]:
    async def describe(task: TaskRecord, server: str) -> dict[str, Any]:
        return await tell(task, server, parts.media)

    webhooks = Webhooks(parts.records, describe, local=local, backoff=backoff)
    queue_of(parts).on_end = webhooks.ring
    webhooks.start()
    yield webhooks
    await webhooks.stop()


async def told(parts: Parts) -> None:
    """Wait until every ended task is told or given up."""
    async with asyncio.timeout(_SOON):
        while await asyncio.to_thread(parts.records.undelivered):
            await asyncio.sleep(0.01)


@pytest.fixture
def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    parts = make_parts(tmp_path, local=True)
    yield parts
    parts.records.close()


async def test_the_end_of_a_task_is_told_and_signed(http: httpx.AsyncClient, parts: Parts) -> None:
    """The bare prediction with good addresses; the signature is checked as the contract describes it."""
    receiver = Receiver()
    async with receiving(receiver) as url, telling(parts) as webhooks:
        task = (await http.post(IMAGE, params={"webhook": url}, json={"prompt": "a cat"})).json()["data"]
        finish(parts)
        webhooks.ring()
        await told(parts)
        now = await query(http, task)
    (heard,) = receiver.heard
    assert (heard.method, heard.path, heard.query) == ("POST", "/hook", {"task": "1"})
    assert json.loads(heard.body) == now
    assert now["outputs"][0].startswith("http://engine.test/")
    secret = (await http.get("/api/v3/webhook/secret")).json()["data"]["secret"]
    id, timestamp = heard.headers["webhook-id"], heard.headers["webhook-timestamp"]
    content = f"{id}.{timestamp}.".encode() + heard.body
    digest = hmac.new(secret.removeprefix("whsec_").encode(), content, hashlib.sha256).hexdigest()
    assert heard.headers["webhook-signature"] == f"v3,{digest}"
    assert id == task["id"]
    assert abs(time.time() - int(timestamp)) < 60


async def test_each_account_has_its_own_lasting_secret(http: httpx.AsyncClient) -> None:
    """Nobody can sign for another's server."""
    secrets = [
        (await http.get("/api/v3/webhook/secret", headers=headers)).json()["data"]["secret"]
        for headers in ({}, {}, OTHER_KEY)
    ]
    assert secrets[0] == secrets[1] != secrets[2]
    assert secrets[0].startswith("whsec_")


async def test_a_failed_task_is_told_at_once(http: httpx.AsyncClient, parts: Parts) -> None:
    """The body's own field names the webhook as well; moderation is told like every end."""
    receiver = Receiver()
    async with receiving(receiver) as url, telling(parts):
        await submitted(http, IMAGE, prompt="seedance:moderate", webhook_url=url)
        await told(parts)
    assert json.loads(receiver.heard[0].body)["code"] == 1200


async def test_what_is_not_heard_is_told_three_times_more(http: httpx.AsyncClient, parts: Parts) -> None:
    """A server error, a dropped connection and a redirect are none; then it is heard, and never again."""
    receiver = Receiver(500, None, 302)
    async with receiving(receiver) as url, telling(parts, 0.01, 0.01, 0.01):
        await submitted(http, IMAGE, prompt="seedance:moderate", webhook_url=url)
        await told(parts)
    assert len(receiver.heard) == 4
    assert len({heard.headers["webhook-id"] for heard in receiver.heard}) == 1


async def test_in_the_end_it_is_given_up(http: httpx.AsyncClient, parts: Parts) -> None:
    """After the last try the task is told no more."""
    receiver = Receiver(*[500] * 9)
    async with receiving(receiver) as url, telling(parts, 0.01, 0.01, 0.01):
        await submitted(http, IMAGE, prompt="seedance:moderate", webhook_url=url)
        await told(parts)
    assert len(receiver.heard) == 4


async def test_a_restart_loses_no_webhook(http: httpx.AsyncClient, parts: Parts) -> None:
    """What was not heard before the server ended is told by the next one."""
    receiver = Receiver(503)
    async with receiving(receiver) as url:
        async with telling(parts, 3600.0):
            await submitted(http, IMAGE, prompt="seedance:moderate", webhook_url=url)
            async with asyncio.timeout(_SOON):
                while not receiver.heard:
                    await asyncio.sleep(0.01)
        async with telling(parts, 3600.0):
            await told(parts)
    assert len(receiver.heard) == 2


async def test_a_slow_receiver_keeps_nobody_else_waiting(http: httpx.AsyncClient, parts: Parts) -> None:
    """More webhooks that fail than are told at a time do not hold up the one that works."""
    deaf, good = Receiver(*[500] * 99), Receiver()
    async with receiving(deaf) as bad_url, receiving(good) as url, telling(parts, 3600.0):
        for number in range(40):
            await submitted(http, IMAGE, prompt=f"seedance:moderate {number}", webhook_url=bad_url)
        await submitted(http, IMAGE, prompt="seedance:moderate", webhook_url=url)
        async with asyncio.timeout(_SOON):
            while not good.heard:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]/x", "http://10.0.0.1/x"]
)
async def test_a_server_for_others_calls_nothing_inside(tmp_path: Path, url: str) -> None:
    """In reach of others, no webhook leads into its network; a local one reaches its own machine only."""
    told = "Invalid webhook URL: private or local network URLs are not allowed"
    parts = make_parts(tmp_path)
    async with client(build(parts)) as http:
        answer = await http.post(IMAGE, params={"webhook": url}, json={"prompt": "a cat"})
        assert refusal(answer, 400) == told
    assert parts.records.counts()["created"] == 0
    parts.records.close()
    local = make_parts(tmp_path, local=True)
    async with client(build(local)) as http:
        answer = await http.post(IMAGE, params={"webhook": url}, json={"prompt": "a cat"})
        assert answer.status_code == (400 if "10.0.0.1" in url else 200)
    local.records.close()


async def test_a_name_that_leads_inside_is_not_called(
    http: httpx.AsyncClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A public name is looked up before each try, and called only where every address of it is public."""
    receiver = Receiver()
    async with receiving(receiver) as url:
        port = url.split(":")[2].split("/")[0]

        async def lookup(*_: object, **__: object) -> list[Any]:
            return [(0, 0, 0, "", ("127.0.0.1", int(port)))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
        async with telling(parts, local=False):
            await submitted(
                http, IMAGE, prompt="seedance:moderate", webhook_url=f"http://hook.example.com:{port}/"
            )
            await told(parts)
    assert receiver.heard == []


@pytest.mark.parametrize("url", ["", "x", "ftp://a.example.com/", "http://", "http://a.example.com/ b"])
async def test_a_webhook_that_is_no_address_is_refused(http: httpx.AsyncClient, url: str) -> None:
    """No task is made whose end could not be told."""
    answer = await http.post(IMAGE, params={"webhook": url}, json={"prompt": "a cat"})
    assert refusal(answer, 400).startswith("Invalid webhook URL")
