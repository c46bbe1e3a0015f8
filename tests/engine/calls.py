"""The engine's calls without its queue: what the tests of the routes share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from seedance.engine.contract import Parts, Rules
from seedance.engine.media import Media
from seedance.engine.records import Records, TaskRecord

SUBMIT = "/api/v3/bytedance/seedance-v1-lite/reference-to-video"
IMAGE = "/api/v3/wavespeed-ai/z-image/turbo"
KEY = {"Authorization": "Bearer anna"}
OTHER_KEY = {"Authorization": "Bearer ben"}
TICKET = {"filename": "a.jpg", "size": 6, "content_type": "image/jpeg"}


@dataclass
class Queue:
    """Nobody renders; the bell's rings are counted, and a wait ends as it is told to."""

    records: Records
    capacity: int = 50
    rings: int = 0
    workers: int = 2
    on_end: Callable[[], None] | None = None
    end: Callable[[str], None] = lambda _: None
    waits: list[float] = field(default_factory=list)

    def ring(self) -> None:
        self.rings += 1

    async def ended(self, id: str, account: str, seconds: float) -> TaskRecord | None:
        self.waits.append(seconds)
        self.end(id)
        return self.records.get_task(id, account)


def make_parts(folder: Path, *keys: str, **rules: Any) -> Parts:
    records = Records(f"sqlite:///{folder / 'engine.sqlite'}")
    return Parts(records, Queue(records), Media(folder), keys, Rules(**rules))  # type: ignore[arg-type]


def queue_of(parts: Parts) -> Queue:
    queue = parts.queue
    assert isinstance(queue, Queue)
    return queue


def client(app: Any, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://engine.test", headers=KEY | headers)


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Serve an application on a port of this machine, in this event loop."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, headers=KEY) as http:
        yield http
    server.should_exit = True
    await serving


async def get_ticket(http: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await http.post("/api/v3/media/uploads", json=TICKET | changes)
    assert answer.status_code == 200, answer.text
    ticket: dict[str, Any] = answer.json()["data"]
    return ticket


async def put(
    http: httpx.AsyncClient, target: dict[str, Any], content: bytes, **headers: str
) -> httpx.Response:
    request = http.build_request(
        target["method"], target["url"], headers=target["headers"] | headers, content=content
    )
    if "Authorization" not in headers:
        del request.headers["Authorization"]
    return await http.send(request)


async def upload(http: httpx.AsyncClient, content: bytes = b"pixels") -> str:
    ticket = await get_ticket(http, size=len(content))
    stored = await put(http, ticket["upload"], content)
    assert stored.is_success, stored.text
    url: str = ticket["download_url"]
    return url


async def submit(http: httpx.AsyncClient, path: str = SUBMIT, **changes: Any) -> httpx.Response:
    images = (
        {} if path != SUBMIT or "reference_images" in changes else {"reference_images": [await upload(http)]}
    )
    return await http.post(path, json={"prompt": "a fox", **images, **changes})


async def submitted(http: httpx.AsyncClient, path: str = SUBMIT, **changes: Any) -> dict[str, Any]:
    answer = await submit(http, path, **changes)
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()["data"]
    return task


async def query(http: httpx.AsyncClient, task: dict[str, Any]) -> dict[str, Any]:
    answer = await http.get(task["urls"]["get"])
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["data"]
    return told


def finish(parts: Parts, content: bytes = b"a result") -> TaskRecord:
    """Complete the oldest task that waits, with a result."""
    task = parts.records.claim_task()
    assert task is not None
    path = parts.media.result(task)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    parts.media.thumbnail(task.output).write_bytes(b"small")
    if task.kind == "video":
        parts.media.last_frame(task.output).write_bytes(b"last")
    assert parts.records.finish(task, status="completed", inference_ms=1500)
    return task


def refusal(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert set(response.json()) == {"code", "message"}
    assert response.json()["code"] == status
    message: str = response.json()["message"]
    return message
