"""A provider of the WaveSpeed contract that keeps books, to be lied to, hung up on and killed beside.

Usage: python -m tests.proof.provider --port 0 --ledger ledger.jsonl [--submit MODE]
       [--delay 0.3] [--latency 0] [--lag 0]

Each key is a world of its own: `POST /rules {"key", "submit"?, "delay"?, …}` sets how its submits fare,
`GET /reached?key=&step=` answers when its client has come to that step, `GET /ledger[?key=]` opens the books.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

from tests.proof.ledger import Ledger, Sold, video
from tests.proof.loopback import Asked, Dropped, Loopback, Reply, of_json
from tests.proof.steps import Step, Submit

_PIECES: Final = 8
_QUERY: Final = re.compile(r"/api/v3/predictions/([^/]+)(?:/result)?")


@dataclass(frozen=True, slots=True)
class Rules:
    """How a key's submits fare, how long its tasks run, and how slow every step is, in seconds."""

    submit: Submit = "ok"
    delay: float = 0.3
    latency: float = 0.0
    lag: float = 0.0
    """How old a task is before the list shows it."""


@dataclass
class Provider:
    """The contract of one provider, and its books."""

    ledger: Ledger
    rules: Rules
    address: str = ""
    uploads: dict[str, str] = field(default_factory=dict)
    """Which key asked for each place."""
    own_rules: dict[str, Rules] = field(default_factory=dict)
    steps: defaultdict[tuple[str, str], asyncio.Event] = field(
        default_factory=lambda: defaultdict(asyncio.Event)
    )
    counts: Counter[str] = field(default_factory=Counter)

    async def serve(self, port: int) -> None:
        self.server = Loopback(self.handle)
        self.address = await self.server.start(port)
        print(f"provider on {self.address}", flush=True)
        await self.server.server.serve_forever()

    async def handle(self, asked: Asked) -> Reply:
        match asked.method, asked.path:
            case "GET", "/ledger":
                books = self.ledger.told(asked.query.get("key"))
                return of_json(books | {"connections": self.server.open - 1, "steps": self.counts})
            case "GET", "/reached":
                await self.steps[asked.query["key"], asked.query["step"]].wait()
                return of_json({})
            case "POST", "/rules":
                changes = asked.json()
                key = changes.pop("key")
                self.own_rules[key] = replace(self.rules, **changes)
                return of_json({})
            case "POST", "/api/v3/media/uploads":
                await self._reach("ticket", asked.key)
                return self._ticket(asked)
            case "PUT", path if path.startswith("/put/"):
                await self._reach("put", self.uploads[path.removeprefix("/put/")])
                return of_json({})
            case "POST", "/api/v3/predictions":
                await self._reach("list", asked.key)
                return self._list(asked)
            case "POST", path if path.startswith("/api/v3/"):
                return await self._submit(asked)
            case "GET", path if path.startswith("/outputs/"):
                return await self._output(path.removeprefix("/outputs/").removesuffix(".mp4"))
            case "GET", path if found := _QUERY.fullmatch(path):
                await self._reach("poll", asked.key)
                return self._query(asked, found[1])
        return of_json({"code": 404, "message": f"no such page: {asked.path}"}, 404)

    async def _reach(self, step: Step, key: str) -> None:
        """Let whoever waits know that this client has come so far, and be slow."""
        self.counts[step] += 1
        self.steps[key, step].set()
        await self._linger(key)

    async def _linger(self, key: str) -> None:
        latency = self.own_rules.get(key, self.rules).latency
        if latency:
            await asyncio.sleep(random.uniform(0, latency))

    def _ticket(self, asked: Asked) -> Reply:
        wanted = asked.json()
        place = random.randbytes(8).hex()
        self.uploads[place] = asked.key
        put = {"method": "PUT", "url": f"{self.address}/put/{place}", "headers": {"If-None-Match": "*"}}
        ticket = {"type": "image", "download_url": f"https://media.invalid/{place}/{wanted['filename']}"}
        return _envelope(ticket | {"filename": wanted["filename"], "size": wanted["size"], "upload": put})

    async def _submit(self, asked: Asked) -> Reply:
        """Count the submit before anything else; charge for it only where the mode accepts it."""
        key = asked.key
        rules = self.own_rules.get(key, self.rules)
        self.ledger.posts[key] += 1
        await self._reach("submit", key)
        match rules.submit:
            case "hang":
                await asked.gone.wait()
                raise Dropped
            case "drop":
                raise Dropped
            case "500" | "504" as status:
                return of_json({"code": int(status), "message": "Internal error"}, int(status))
        task = self.ledger.charge(key, asked.path.removeprefix("/api/v3/"), asked.json(), rules.delay)
        self.steps[key, "charge"].set()
        await self._linger(key)
        if rules.submit == "drop-after-accept":
            raise Dropped
        return _envelope(self._prediction(task))

    def _query(self, asked: Asked, id: str) -> Reply:
        task = self.ledger.sold.get(id)
        if task is None or task.key != asked.key:
            return of_json({"code": 404, "message": "Prediction not found"}, 404)
        task.polls += 1
        prediction = self._prediction(task)
        if prediction["status"] == "completed" and task.known_at is None:
            task.known_at = time.time()
        return _envelope(prediction)

    def _list(self, asked: Asked) -> Reply:
        wanted = asked.json()
        visible = time.time() - self.own_rules.get(asked.key, self.rules).lag
        since, until = (_seconds(wanted.get(name)) for name in ("created_after", "created_before"))
        found = [
            self._prediction(task) | ({"input": task.body} if wanted.get("include_inputs") else {})
            for task in sorted(self.ledger.sold.values(), key=lambda task: -task.time)
            if task.key == asked.key
            and task.time <= visible
            and wanted.get("model") in (None, "", task.model)
            and (since is None or task.time >= since)
            and (until is None or task.time <= until)
        ]
        found = [item for item in found if wanted.get("status") in (None, "", item["status"])]
        page, size = max(wanted.get("page", 1), 1), min(wanted.get("page_size", 20), 100)
        items = found[(page - 1) * size : page * size]
        return _envelope({"page": page, "total": len(found), "items": items})

    async def _output(self, id: str) -> Reply:
        task = self.ledger.sold[id]
        await self._reach("output", task.key)
        content = video(id)

        async def pieces() -> AsyncIterator[bytes]:
            step = -(-len(content) // _PIECES)
            for at in range(0, len(content), step):
                await self._linger(task.key)
                yield content[at : at + step]
            task.downloads += 1

        return Reply(kind="video/mp4", pieces=pieces(), length=len(content))

    def _prediction(self, task: Sold) -> dict[str, Any]:
        done = time.time() >= task.done_at
        created = datetime.fromtimestamp(task.time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
        return {
            "id": task.id,
            "model": task.model,
            "outputs": [f"{self.address}/outputs/{task.id}.mp4"] if done else [],
            "urls": {"get": f"{self.address}/api/v3/predictions/{task.id}/result"},
            "has_nsfw_contents": [],
            "status": "completed" if done else "processing",
            "created_at": created,
            "error": "",
            "timings": {"inference": round(1000 * (task.done_at - task.time)) if done else 0},
        }


def _envelope(data: dict[str, Any]) -> Reply:
    return of_json({"code": 200, "message": "success", "data": data})


def _seconds(moment: str | None) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0: any free one")
    parser.add_argument("--ledger", type=Path, required=True, help="a file of JSON lines")
    parser.add_argument("--submit", choices=get_args(Submit), default="ok")
    parser.add_argument("--delay", type=float, default=0.3, help="seconds until a task is completed")
    parser.add_argument("--latency", type=float, default=0.0, help="each step takes up to so many seconds")
    parser.add_argument("--lag", type=float, default=0.0, help="seconds until the list shows a task")
    options = parser.parse_args()
    rules = Rules(options.submit, options.delay, options.latency, options.lag)
    asyncio.run(Provider(Ledger(options.ledger), rules).serve(options.port))


if __name__ == "__main__":
    main()
