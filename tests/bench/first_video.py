"""Time a preview as its user waits for it: from the submit to the first progress, and to the whole video.

One photo becomes five seconds on a warm engine, over HTTP. What is told are medians and the worst.

Usage: python -m tests.bench.first_video [--runs 10]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.bench.render import photo
from tests.conftest import address, start

SUBMIT = "/api/v3/bytedance/seedance-v1-lite/reference-to-video"
KEY = {"Authorization": "Bearer bench"}
LOOK = 0.01  # seconds between looks


def wait(http: httpx.Client, image: str, seed: int) -> tuple[float, float, int]:
    """Have a video made; return the seconds to its first progress and to its end, and what rendering took."""
    begin = time.perf_counter()
    body = {"prompt": "push in", "reference_images": [image], "duration": 5, "seed": seed}
    task = data(http.post(SUBMIT, json=body))
    first = None
    while task["status"] != "completed":
        if task["status"] == "failed":
            raise SystemExit(task["error"])
        time.sleep(LOOK)
        task = data(http.get(f"/api/v3/predictions/{task['id']}"))
        if first is None and task.get("progress"):
            first = time.perf_counter() - begin
    end = time.perf_counter() - begin
    return end if first is None else first, end, task["timings"]["inference"]


def data(answer: httpx.Response) -> Any:
    return answer.raise_for_status().json()["data"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = photo(folder / "photo.jpg", 0).read_bytes()
        serve = ("-m", "seedance", "serve", "--port", "0")
        server: subprocess.Popen[bytes] = start(serve, folder / "log", {"SEEDANCE_DATA_DIR": name})
        try:
            with httpx.Client(base_url=address(server, folder / "log"), headers=KEY, timeout=60) as http:
                form = {"file": ("photo.jpg", picture, "image/jpeg")}
                image = data(http.post("/api/v3/media/upload/binary", files=form))["download_url"]
                for seed in range(4):  # warms every worker
                    wait(http, image, seed)
                waits = [wait(http, image, 10 + n) for n in range(options.runs)]
        finally:
            server.terminate()
            server.wait(30)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for words, seconds in (
        ("first progress after submit", [first for first, _, _ in waits]),
        ("whole video after submit", [end for _, end, _ in waits]),
        ("of it rendering", [inference / 1000 for _, _, inference in waits]),
    ):
        middle, worst = statistics.median(seconds), max(seconds)
        print(f"{words}: {middle:.2f} s, {min(seconds):.2f} to {worst:.2f}")


if __name__ == "__main__":
    main()
