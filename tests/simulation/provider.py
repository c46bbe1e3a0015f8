"""The provider as its contract describes it, with faults on order and a ledger of what it charges."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.simulation import answers
from tests.simulation.faults import FAULTS, Fault, Kind
from tests.simulation.ledger import Charge, History
from tests.simulation.process import point
from tests.simulation.virtual import VirtualLoop

KEY: Final = "sk-canary-5f1c07d2e9"
LIFE: Final = 7 * 86400.0  # seconds an output and a record of a task live


@dataclass
class Provider(httpx.AsyncBaseTransport):
    """Answers calls in virtual time. `faults` maps (kind of call, its number from 1) to a fault's name."""

    loop: VirtualLoop
    chance: random.Random
    faults: dict[tuple[Kind, int], str] = field(default_factory=dict)
    history: History = field(default_factory=History)
    failing: float = 0.1
    """The share of tasks that end badly."""
    deaf: tuple[float, float] = (0.0, 0.0)
    """From when to when every look at a task fails."""
    knows: Callable[[int], bool] = lambda seed: True
    """Tells whether the program has on record that it submits the video with that seed."""
    on_download: Callable[[], None] = lambda: None
    """Called before each download."""
    ledger: list[Charge] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    arriving: int = 0
    """Submits on their way that arrive late."""
    files: dict[str, bytes] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        point("call")
        kind = _kind(request)
        self.calls[kind] += 1
        name = self.faults.get((kind, self.calls[kind]))  # type: ignore[call-overload]
        fault = FAULTS[kind][name] if name else Fault()
        await asyncio.sleep(self.chance.uniform(0.02, 0.3))
        if kind == "submit":
            return await self._submit(request, fault, named=name is not None)
        data = getattr(self, f"_{kind}")(request) if fault.error is None else None
        await self._pass(request, fault)
        return data if isinstance(data, httpx.Response) else self._answer(fault, data)

    def accept(self, body: dict[str, Any], *, foreign: bool = False) -> Charge:
        """Create a task and charge it."""
        charge = Charge(
            id=f"{self.chance.getrandbits(128):032x}",
            body=body,
            time=self.loop.time(),
            takes=self.chance.uniform(10, self.chance.choice((30, 30, 30, 120))),
            fails=self.chance.random() < self.failing and not foreign,
            foreign=foreign,
        )
        charge.recorded = foreign or self.knows(charge.seed)
        self.ledger.append(charge)
        for n in range(0 if foreign else self.history.strangers):
            other = {"seed": n + 1} if n % 2 else {"prompt": "Somebody else's"}
            self.accept(body | other, foreign=True)
        return charge

    async def _submit(self, request: httpx.Request, fault: Fault, *, named: bool) -> httpx.Response:
        point("before post")
        body = json.loads(request.content)
        if not named and (reason := self._unfit(request, body)):
            return self._answer(Fault(status=400, body="refused", said=reason), None)
        charge = None
        if fault.late:
            self.arriving += 1
            self.loop.call_later(fault.late, self._arrive, body)
        elif fault.accepted or not named:
            charge = self.accept(body)
            point("post arrived")
        slow = 30.0 if self.chance.random() < 0.05 else 2.0
        await asyncio.sleep(self.chance.uniform(0.05, slow))
        await self._pass(request, fault)
        point("post answered")
        return self._answer(fault, self._prediction(charge, "created") if charge else None)

    def _arrive(self, body: dict[str, Any]) -> None:
        self.arriving -= 1
        self.accept(body)

    async def _pass(self, request: httpx.Request, fault: Fault) -> None:
        """Raise the fault's error, after the caller's own time limit where that is the fault."""
        if fault.error is not None:
            limits = request.extensions["timeout"]
            await asyncio.sleep((limits.get(fault.patience) or 0.0) if fault.patience else 0.01)
            raise fault.error(fault.said or fault.error.__name__, request=request)

    def _read(self, request: httpx.Request) -> httpx.Response | dict[str, Any]:
        id = request.url.path.removesuffix("/result").rpartition("/")[2]
        charge, now = next((it for it in self.ledger if it.id == id), None), self.loop.time()
        if self.deaf[0] <= now < self.deaf[1]:
            return self._answer(FAULTS["read"]["503"], None)
        if charge is None or now > charge.time + LIFE:
            return self._answer(Fault(status=404, body="refused", said="Prediction not found"), None)
        return self._prediction(charge)

    def _list(self, request: httpx.Request) -> httpx.Response | dict[str, Any]:
        asked = json.loads(request.content)
        now = self.loop.time()
        if self.history.outage[0] <= now < self.history.outage[1]:
            return self._answer(FAULTS["list"]["503"], None)
        found = [
            it for it in self.ledger if now - LIFE < it.time <= now - (not it.foreign) * self.history.lag
        ]
        for name, inside in (("created_after", True), ("created_before", False)):
            if name in asked:
                limit = datetime.fromisoformat(asked[name].replace("Z", "+00:00")).timestamp()
                found = [it for it in found if (self._wall(it) >= limit) is inside]
        found.sort(key=lambda it: (it.foreign, it.time), reverse=True)
        size = min(int(asked.get("page_size", 20)), 100)
        first = (int(asked.get("page", 1)) - 1) * size
        with_inputs = asked.get("include_inputs") and now >= self.history.no_inputs_until
        items = [
            self._prediction(it) | ({"input": it.body} if with_inputs else {})
            for it in found[first : first + size]
        ]
        return {"page": asked.get("page", 1), "total": len(found), "items": items}

    def _ticket(self, request: httpx.Request) -> dict[str, Any]:
        if "multipart" in request.headers.get("Content-Type", ""):
            data = request.content.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]
            url = self._address()
            self.files[url] = data
            return {"type": "image", "download_url": url, "filename": "x.jpg", "size": len(data)}
        asked, url = json.loads(request.content), self._address()
        put = {"method": "PUT", "url": url + "?signed=1", "headers": {"If-None-Match": "*"}, "expires_at": ""}
        return {"type": "image", "download_url": url, "upload": put, **asked}

    def _put(self, request: httpx.Request) -> httpx.Response:
        assert "Authorization" not in request.headers, "the key went to the storage"
        self.files[str(request.url).partition("?")[0]] = request.content
        return httpx.Response(200)

    def _download(self, request: httpx.Request) -> httpx.Response:
        assert "Authorization" not in request.headers, "the key went to the outputs' host"
        self.on_download()
        name = self.faults.get(("download", self.calls["download"]))
        id = urlsplit(str(request.url)).path.strip("/").removesuffix(".mp4")
        charge = next((it for it in self.ledger if it.id == id), None)
        if charge is None or self.loop.time() > charge.ready + LIFE:
            return httpx.Response(404)
        fault = FAULTS["download"][name] if name else Fault()
        if fault.body == "html" or fault.status != 200:
            return self._answer(fault, None)
        return answers.video(charge.video, request, fault.body, self.chance)

    def _prediction(self, charge: Charge, status: str = "") -> dict[str, Any]:
        gone = self.loop.time() - charge.time
        if not status:
            end = "failed" if charge.fails else self.chance.choice(["completed", "succeeded"])
            status = end if gone >= charge.takes else "created" if gone < 5 else "processing"
        done = status in ("completed", "succeeded")
        moment = datetime.fromtimestamp(self._wall(charge), UTC)
        return {
            "id": charge.id,
            "model": "bytedance/seedance-v1-lite/reference-to-video",
            "outputs": [f"https://outputs.sim/{charge.id}.mp4"] if done else [],
            "has_nsfw_contents": None,
            "status": status,
            "created_at": moment.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
            "error": "generation failed" if status == "failed" else "",
            "timings": {"inference": round(charge.takes * 1000) if done else 0},
        }

    def _answer(self, fault: Fault, data: dict[str, Any] | None) -> httpx.Response:
        return answers.build(fault, data, key=KEY, wall=self.loop.wall())

    def _unfit(self, request: httpx.Request, body: dict[str, Any]) -> str:
        """Say what is wrong with a submit, or nothing."""
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return "wrong key"
        unknown = [url for url in body["reference_images"] if url not in self.files]
        return f"Invalid image URL: {unknown[0]}" if unknown else ""

    def _address(self) -> str:
        return f"https://storage.sim/{self.chance.getrandbits(64):016x}.jpg"

    def _wall(self, charge: Charge) -> float:
        return charge.time + self.loop.wall() - self.loop.time()


def _kind(request: httpx.Request) -> Kind:
    host, path = request.headers["Host"], request.url.path
    if host == "storage.sim":
        return "put"
    if host == "outputs.sim":
        return "download"
    if path.startswith("/api/v3/media/"):
        return "ticket"
    if path == "/api/v3/predictions":
        return "list"
    return "read" if path.startswith("/api/v3/predictions/") else "submit"
