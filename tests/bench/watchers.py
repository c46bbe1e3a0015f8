"""Many browsers that watch a running task in one page process: lag of the status, errors, memory.

python -m tests.bench.watchers [--watchers 1000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import secrets
import tempfile
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from gradio.state_holder import SessionState

from seedance.page.layout import build
from seedance.studio import Studio
from tests.conftest import address, free_port, make_photo, start
from tests.page.provider import KEY, Provider

PROMPT = "watched by many"
CHANGES = 2
_JOINS = 50  # under way at a time
_SHARE = 25  # watchers of one client: a client looks through all its connections for each request


@dataclass
class Watched:
    """What the watchers saw."""

    lags: list[float]
    """Seconds from the provider's word to each watcher's."""
    errors: list[str]
    grown: int
    """Bytes of memory that the page's process has gained."""


async def watch(url: str, provider: Provider, photo: Path, watchers: int, pid: int | None = None) -> Watched:
    """Let so many sessions of one browser watch its task, which changes `CHANGES` times."""
    prompt = f"{PROMPT} {secrets.token_hex(4)}"
    part = provider.part(prompt, results=[{"status": "processing", "progress": 0.01}])
    async with AsyncExitStack() as stack:
        pages = [await _Page.open(url, stack) for _ in range(-(-watchers // _SHARE))]
        page = pages[0]
        token = secrets.token_urlsafe(24)
        await page.start(photo, prompt, token)
        before = _memory(pid)
        turn, ready = asyncio.Semaphore(_JOINS), asyncio.Event()
        joined: list[int] = []

        async def one(n: int) -> tuple[list[float], list[str]]:
            session, page = secrets.token_hex(6), pages[n // _SHARE]
            async with turn:
                await page.call("arrive", [token], session)
            heard: dict[int, float] = {}
            async for message in page.stream(("show", "watch"), [None], session, turn):
                if message["msg"] == "process_completed" and not message["success"]:
                    return [], [str(message["output"])]
                for share in re.findall(r"Rendering (\d+)%", json.dumps(message)):
                    heard.setdefault(int(share), time.monotonic())
                if 10 * CHANGES in heard:
                    break
                if 1 in heard and n not in joined:
                    joined.append(n)
                    if len(joined) == watchers:
                        ready.set()
            missed = [f"never heard of {it}" for it in part.told if it > 1 and it not in heard]
            return [heard[it] - at for it, at in part.told.items() if it > 1 and it in heard], missed

        watching = [asyncio.create_task(one(n)) for n in range(watchers)]
        for it in watching:
            it.add_done_callback(lambda _: ready.set())  # before its time: it has failed
        await asyncio.wait_for(ready.wait(), 300)
        grown = _memory(pid) - before
        part.results[:] = [{"status": "processing", "progress": n / 10} for n in range(1, CHANGES + 1)]
        seen = await asyncio.gather(*watching)
        part.go.set()
    lags = [lag for some, _ in seen for lag in some]
    return Watched(lags, [error for _, some in seen for error in some], grown)


class _Page:
    """The page's private handlers, called as its own script does."""

    def __init__(self, client: httpx.AsyncClient, ids: dict[str, int]) -> None:
        self._client, self._ids = client, ids

    @classmethod
    async def open(cls, url: str, stack: AsyncExitStack) -> _Page:
        # A connection that idles is closed by the server sooner or later, perhaps as it is used again.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=120, limits=limits))
        config = (await client.get("/config")).json()
        ids: dict[str, int] = {}
        for it in config["dependencies"]:
            ids.setdefault(it["api_name"], it["id"])
        return cls(client, ids)

    async def start(self, photo: Path, prompt: str, token: str) -> None:
        files = {"files": (photo.name, await asyncio.to_thread(photo.read_bytes))}
        (path,) = (await self._client.post("/gradio_api/upload", files=files)).json()
        image = {"image": {"path": path, "meta": {"_type": "gradio.FileData"}}, "caption": None}
        form = [[image], prompt, 5, 1, False, 1, "auto", KEY, token]
        await self.call("start", form, secrets.token_hex(6))

    async def call(self, name: str, values: list[Any], session: str) -> None:
        async for message in self.stream((name,), values, session):
            if message["msg"] == "process_completed" and not message["success"]:
                raise RuntimeError(f"{name}: {message}")

    async def stream(
        self, names: tuple[str, ...], values: list[Any], session: str, turn: Any = None
    ) -> AsyncIterator[dict[str, Any]]:
        for name in names:
            join = {"data": values, "fn_index": self._ids[name], "session_hash": session, "event_data": None}
            async with turn or asyncio.Semaphore():
                (await self._client.post("/gradio_api/queue/join", json=join)).raise_for_status()
        url = "/gradio_api/queue/data"
        async with self._client.stream("GET", url, params={"session_hash": session}) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    message = json.loads(line[6:])
                    if message["msg"] == "close_stream":
                        return
                    yield message


def _memory(pid: int | None) -> int:
    if pid is None:
        return 0
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def session_record(sessions: int = 50) -> float:
    """Return the bytes that Gradio takes for a session of the page before anything happens in it."""
    page, _ = build(Studio())
    kept = [SessionState(page)]
    tracemalloc.start()
    kept += [SessionState(page) for _ in range(sessions)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    kept.clear()
    return taken / sessions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, default=1000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Provider() as provider:
        threading.Thread(target=provider.serve_forever, daemon=True).start()
        photo = make_photo(Path(folder) / "photo.jpg", 640, 480)
        house = {"SEEDANCE_DATA_DIR": f"{folder}/house", "GRADIO_TEMP_DIR": f"{folder}/gradio"}
        house |= {"GRADIO_SERVER_PORT": str(free_port()), "WAVESPEED_BASE_URL": provider.url}
        log = Path(folder) / "log"
        process = start(("app.py",), log, house)
        try:
            url = address(process, log)
            seen = asyncio.run(watch(url, provider, photo, wanted.watchers, process.pid))
        finally:
            process.terminate()
            process.wait(30)
            provider.shutdown()
    record = session_record()
    half, most = np.percentile(seen.lags, [50, 99])
    print(f"{wanted.watchers} watchers, {len(seen.lags)} changes heard, {len(seen.errors)} errors or missed")
    grown = seen.grown / wanted.watchers / 1000
    print(f"lag {half:.2f} s (median), {most:.2f} s (p99)")
    print(f"{grown:.0f} kB each, of which Gradio's record of a session {record / 1000:.0f}")
    for error in sorted(set(seen.errors))[:5]:
        print(error)


if __name__ == "__main__":
    main()
