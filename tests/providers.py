"""Providers for tests: scripted for one client, watched for one video, and a real server on this machine."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from seedance.client import WaveSpeed
from seedance.entry import Entry
from seedance.gate import Gate
from seedance.journal import Journal
from seedance.making import Making
from seedance.models import State, Task
from seedance.record import Record
from seedance.store import Store

KEY = "wsk-very-secret"
SHA = "a" * 64
IMAGE = {"name": "a.jpg", "sha256": SHA, "width": 400, "height": 300}
BOX = b"\x00\x00\x00\x08"
VIDEO = BOX + b"ftyp" + BOX + b"moov" + BOX + b"mdat"
DONE = {"id": "t1", "model": "m", "status": "completed", "outputs": ["https://cdn/v.mp4"], "executionTime": 9}
NOW = 1_000_000.0
Fault = httpx.Response | Exception


def told(status: str = "created", **fields: Any) -> httpx.Response:
    data = {"id": "t1", "model": "m", "status": status, "outputs": [], "error": "", **fields}
    return httpx.Response(200, json={"code": 200, "message": "success", "data": data})


class Script:
    """A provider that gives the scripted answers in order, the last one again and again."""

    def __init__(self, *replies: Fault | Callable[[], Fault]) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        reply = reply() if callable(reply) else reply
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        assert len(self.waits) < 1000

    def client(self, key: str = KEY) -> WaveSpeed:
        return WaveSpeed(
            SecretStr(key),
            transport=httpx.MockTransport(self),
            sleep=self.sleep,
            clock=lambda: sum(self.waits),
            chance=lambda: 0.5,
        )


def data(value: object) -> httpx.Response:
    return httpx.Response(200, json={"code": 200, "message": "success", "data": value})


@dataclass
class Workshop:
    """A provider whose faults are scripted, and a journal that is read at each call it sees."""

    tmp_path: Path
    journal: Journal
    calls: list[tuple[str, State]] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    told: list[tuple[State, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    on_wait: Callable[[], object] = lambda: None
    history: list[dict[str, Any]] = field(default_factory=list)
    """What the provider's list tells: by itself nothing."""
    accepted: int = 0

    def accept(self, body: str) -> dict[str, Any]:
        """Create a task, as a submit does."""
        self.accepted += 1
        inputs = json.loads(body)
        return {"id": f"t{self.accepted}", "model": "m", "status": "created", "input": inputs}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        body = request.content.decode(errors="replace")
        name = {"GET": "look" if "predictions" in path else "video", "PUT": "put"}.get(
            request.method, "submit"
        )
        name = "ticket" if path.endswith("uploads") else "list" if path.endswith("/predictions") else name
        self.calls.append((name, self.now_recorded.state))
        self.before.get(name, lambda: None)()
        if faults := self.faults.get(name):
            fault = faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        upload = {"url": "https://storage/slot", "headers": {}}
        answers: dict[str, Callable[[], httpx.Response]] = {
            "ticket": lambda: data({"download_url": "https://u/1.jpg", "upload": upload}),
            "put": lambda: httpx.Response(200),
            "submit": lambda: data(self.accept(body)),
            "list": lambda: data({"page": 1, "items": self.history}),
            "look": lambda: data(DONE | {"id": path.split("/")[-2]}),
            "video": lambda: httpx.Response(200, content=VIDEO),
        }
        return answers[name]()

    @property
    def now_recorded(self) -> Record:
        (record,) = self.journal.recent(limit=1)
        return record

    def count(self, name: str) -> int:
        return sum(call == name for call, _ in self.calls)

    def add(self, **changes: Any) -> Record:
        record = self.journal.add(
            owner="", engine="wavespeed", account="acc", prompt="a fox", duration=5,
            camera_fixed=False, seed=7, images=[IMAGE],
        )  # fmt: skip
        written = self.journal.write(record, **changes) if changes else record
        assert written is not None
        return written

    async def run(self, record: Record) -> Record:
        client = WaveSpeed(SecretStr("k"), transport=httpx.MockTransport(self), sleep=self.sleep)

        def publish(record: Record, _: Task | None, remark: str, **__: object) -> None:
            self.told.append((record.state, remark or record.error or ""))

        folders = self.tmp_path / "images", self.tmp_path / "videos"
        async with client:
            await self.making(record, client, *folders, publish).run()
        found = self.journal.get(record.id)
        assert found is not None
        assert self.told[-1][0] is found.state
        return found

    def making(self, record: Record, client: WaveSpeed, images: Path, videos: Path, publish: Any) -> Making:
        entry = Entry(record, self.journal, publish, self.sleep, self.now, random.random)
        return Making(entry, client, Store(images, videos), Gate(self.sleep))

    def now(self) -> float:
        return NOW + sum(self.waits)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        assert len(self.waits) < 100
        self.on_wait()


class Provider(ThreadingHTTPServer):
    """A provider on this machine: its task is done at the first look, which can be held back."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.calls: list[str] = []
        self.submitted: list[dict[str, Any]] = []
        self.drops_submits = False
        self.may_answer = threading.Event()
        self.may_answer.set()


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = {"uploads": "ticket", "predictions": "list"}.get(self.path.split("/")[-1], "submit")
        if self.command in ("PUT", "GET"):
            kind = "put" if self.command == "PUT" else self.path.split("/")[-1]
        self.server.calls.append(kind)
        url = self.server.url
        id = self.path.split("/")[-2] if kind == "result" else f"t{len(self.server.submitted) + 1}"
        task: Any = {"id": id, "model": "m", "status": "completed", "outputs": [f"{url}/v.mp4"]}
        if kind == "submit":
            self.server.submitted.append(json.loads(body))
            if self.server.drops_submits:
                self.connection.close()
                return
            task = {"id": id, "model": "m", "status": "created"}
        elif kind == "list":
            task = {"items": []}
        elif kind == "ticket":
            task = {"download_url": f"{url}/{len(self.server.calls)}.jpg", "upload": {"url": f"{url}/slot"}}
        elif kind == "result":
            self.server.may_answer.wait(30)
        content = VIDEO if kind == "v.mp4" else json.dumps({"code": 200, "data": task}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass
