"""Load the engine: queries at a steady rate beside a render, then submits as fast as they go.

The server and its render worker share one core, the callers another. Each query is timed from the moment at
which it was due, so that a slow answer is not hidden by the queries that it held up.

Usage: python -m tests.bench.engine_load [--rate 500] [--seconds 60] [--stored 1000] [--submits 2000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from PIL import Image

from tests.conftest import address, start

_CALLERS: Final = 32
_KEY: Final = "load"
_MODEL: Final = "bytedance/seedance-v1-lite/reference-to-video"
_PATIENCE: Final = 1800.0  # seconds for all accepted tasks to end


class Caller:
    """One connection to the server, kept open."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def call(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> Any:
        """Make a call; return the status and the JSON of the answer."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAuthorization: Bearer {_KEY}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith("content-length:"))
        return int(lines[0].split()[1]), json.loads(await self._reader.readexactly(length))


async def load(url: str, options: argparse.Namespace, photo: bytes) -> bool:
    host, port = url.removeprefix("http://").split(":")
    callers = [Caller(host, int(port)) for _ in range(_CALLERS)]
    await asyncio.gather(*(caller.open() for caller in callers))
    first = callers[0]
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
    form += b"Content-Type: image/jpeg\r\n\r\n" + photo + b"\r\n--x--\r\n"
    _, told = await first.call("POST", "/api/v3/media/upload/binary", form, "multipart/form-data; boundary=x")
    image = told["data"]["download_url"]

    async def submit(caller: Caller, model: str, **inputs: object) -> tuple[int, Any]:
        body = {"prompt": "a fox", **inputs}
        return await caller.call("POST", f"/api/v3/{model}", json.dumps(body).encode())

    # Tasks that have ended at once fill the table; the moderated ones are the cheapest.
    ids = []
    for _ in range(options.stored):
        _, told = await submit(first, _MODEL, prompt="seedance:moderate", reference_images=[image])
        ids.append(told["data"]["id"])
    for n in range(max(2, round(options.seconds / 2))):  # renders for longer than the queries last
        await submit(first, _MODEL, reference_images=[image], duration=12, seed=n)

    late: list[float] = []
    faults: Counter[int] = Counter()
    begin = time.perf_counter() + 0.5

    async def ask(number: int, caller: Caller) -> None:
        for n in range(number, round(options.rate * options.seconds), _CALLERS):
            due = begin + n / options.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status, _ = await caller.call("GET", f"/api/v3/predictions/{ids[n % len(ids)]}/result")
            late.append(time.perf_counter() - due)
            faults[status] += status != 200

    await asyncio.gather(*(ask(*pair) for pair in enumerate(callers)))
    late.sort()
    p50, p99, worst = (1000 * late[min(int(share * len(late)), len(late) - 1)] for share in (0.5, 0.99, 1.0))
    failed = sum(faults.values())
    print(
        f"{len(late)} queries at {options.rate}/s, {options.stored} tasks stored, rendering: {failed} failed"
    )
    print(f"answered after {p50:.1f} ms (median), {p99:.1f} ms (p99), {worst:.1f} ms (worst)")

    # An image task is the lightest to make; what counts is that each is accepted or refused, and ends.
    answers: list[tuple[int, Any]] = []
    numbers = iter(range(options.submits))

    async def pour(caller: Caller) -> None:
        for n in numbers:
            answers.append(await submit(caller, "some/text-to-image", seed=n))

    began = time.perf_counter()
    await asyncio.gather(*map(pour, callers))
    took = time.perf_counter() - began
    accepted = [told["data"]["id"] for status, told in answers if status == 200]
    refused = sum(status == 429 for status, _ in answers)
    print(f"{options.submits} submits in {took:.1f} s: {len(accepted)} accepted, {refused} refused (429)")
    ended = await _ends(callers, accepted)
    print(f"of the accepted: {dict(ended)}")
    clear = len(accepted) + refused == options.submits
    return not failed and p99 <= 50 and clear and ended == Counter(completed=len(accepted))


async def _ends(callers: list[Caller], ids: list[str]) -> Counter[str]:
    """Wait until all tasks have ended, and count how."""
    ended: Counter[str] = Counter()
    deadline = time.monotonic() + _PATIENCE
    left = ids[::-1]
    while left and time.monotonic() < deadline:
        _, told = await callers[0].call("GET", f"/api/v3/predictions/{left[-1]}")
        status = told["data"]["status"]
        if status in ("completed", "failed"):
            ended[status] += 1
            left.pop()
        else:
            await asyncio.sleep(0.2)
    ended.update({"not ended": len(left)} if left else {})
    return ended


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=500.0, help="queries a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--stored", type=int, default=1000, help="tasks in the database")
    parser.add_argument("--submits", type=int, default=2000)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="seedance-load-") as name:
        folder = Path(name)
        Image.effect_noise((640, 480), 60).convert("RGB").save(folder / "a.jpg")
        os.sched_setaffinity(0, {cores[0]})  # the server and its worker inherit it
        serve = ("-m", "seedance", "serve", "--port", "0", "--executor", "process:1")
        server: subprocess.Popen[bytes] = start(serve, folder / "log", {"SEEDANCE_DATA_DIR": name})
        os.sched_setaffinity(0, {cores[-1]})
        try:
            met = asyncio.run(load(address(server, folder / "log"), options, (folder / "a.jpg").read_bytes()))
        finally:
            server.terminate()
            server.wait(30)
    print("goal met" if met else "goal missed: no error, p99 within 50 ms, every accepted task completed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
