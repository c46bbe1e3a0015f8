"""The engine under fire: its server or one of its workers is killed again and again while tasks come in.

Afterwards what it had accepted is compared with what it tells and what lies in its folder.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from seedance import mp4
from tests.proof.programs import House, kill
from tests.proof.waiting import until

KEY: Final = "sk-canary-engine"
MODEL: Final = "bytedance/seedance-v1-lite/reference-to-video"
_ENGINES: Final = 2
_MOMENT: Final = 1.0  # seconds after which a kill falls at the latest
_SERVER: Final = 4  # of so many kills one falls on the server, the others on its workers
_START: Final = 60.0  # seconds
_END: Final = 60.0  # seconds in which one task at least must end, on a busy machine
_FAIR: Final = 1406  # the one code with which a killed task may fail


@dataclass(slots=True)
class Verdict:
    """What came of the rounds; no faults is what is promised."""

    kills: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    lost_answers: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


async def play(seed: int, rounds: int, folder: Path, photo: bytes) -> Verdict:
    """Play the rounds on engines side by side, each in a folder of its own, and judge them."""
    verdict = Verdict()
    share = [len(range(number, rounds, _ENGINES)) for number in range(_ENGINES)]
    async with asyncio.TaskGroup() as group:
        for number, some in enumerate(share):
            place = folder / f"engine-{number}"
            siege = _Siege(House(place / "data", place / "said", KEY, ""), photo, verdict)
            group.create_task(_play(siege, random.Random(seed + number), some))
    return verdict


async def _play(siege: _Siege, chance: random.Random, rounds: int) -> None:
    try:
        await siege.start()
        for number in range(rounds):
            sending = asyncio.create_task(siege.send(chance.choice((1, 1, 2))))
            await asyncio.sleep(chance.uniform(0, _MOMENT))
            await siege.strike(chance, server=number % _SERVER == 0)
            await sending
        await siege.judge()
    finally:
        await siege.end()


@dataclass
class _Siege:
    house: House
    photo: bytes
    verdict: Verdict
    accepted: list[str] = field(default_factory=list)
    lost_answers: int = 0
    """Submits whose answer was lost: a task may exist or not."""
    uploads: list[str] = field(default_factory=list)
    """Addresses of the files whose upload was confirmed, without the server's own."""
    address: str = ""
    process: asyncio.subprocess.Process | None = None

    @property
    def engine(self) -> Path:
        return self.house.data / "engine"

    async def start(self) -> None:
        """Start the server and wait for its address."""
        arguments = ("serve", "--port", "0", "--api-key", KEY, "--executor", "process:2")
        self.process = await self.house.start(*arguments)
        said = self.house.said / f"{self.house.runs}.out"
        await until(lambda: bool(re.search(r"http://\S+\n", said.read_text())), _START)
        (self.address,) = re.findall(r"http://127\.0\.0\.1:\d+", said.read_text())

    async def end(self) -> None:
        if self.process is not None:
            await kill(self.process)

    async def strike(self, chance: random.Random, *, server: bool) -> None:
        """Kill the server, which is then started again, or one of its workers."""
        assert self.process is not None
        workers = _workers(self.process.pid)
        if server or not workers:
            await kill(self.process)
            self.verdict.kills["server"] += 1
            await self.start()
        else:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)
            self.verdict.kills["worker"] += 1

    async def send(self, count: int) -> None:
        """Upload an image and submit tasks with it, as long as the server lives."""
        async with self._client() as http:
            for _ in range(count):
                try:
                    url = await self._upload(http)
                except (httpx.HTTPError, ValueError):
                    return
                body = {"prompt": "push in", "reference_images": [url], "duration": 2, "seed": 7}
                try:
                    answer = (await http.post(f"/api/v3/{MODEL}", json=body)).json()
                    self.accepted.append(answer["data"]["id"])
                except (httpx.HTTPError, ValueError):
                    self.lost_answers += 1
                    return

    async def judge(self) -> None:
        """Wait until everything has ended and compare it with what was accepted."""
        fault = self.verdict.faults.append
        self.verdict.accepted += len(self.accepted)
        self.verdict.lost_answers += self.lost_answers
        async with self._client() as http:
            tasks = await self._all_ended(http)
            for task in tasks:
                if not _ended(task):
                    fault(f"lost: {task['id']} is {task['status']}, and nothing has ended for {_END:.0f} s")
                    return
            ids = [task["id"] for task in tasks]
            for id in sorted(set(self.accepted) - set(ids)):
                fault(f"lost: {id} was accepted and is not on record")
            if len(ids) > len(self.accepted) + self.lost_answers:
                fault(f"doubled: {len(ids)} tasks, {len(self.accepted)} accepted")
            for task in tasks:
                await self._judge_task(http, task)
            for url in self.uploads:
                if (await http.get(url)).content != self.photo:
                    fault(f"lost: the upload {url} was confirmed and is not served")
        completed = [task for task in tasks if task["status"] == "completed"]
        videos = {path.name for path in (self.engine / "videos").glob("*.mp4")}
        if videos != {task["outputs"][0].rpartition("/")[2] for task in completed}:
            fault(f"{len(videos)} videos lie in the folder, {len(completed)} are completed")

    async def _all_ended(self, http: httpx.AsyncClient) -> list[dict[str, Any]]:
        """Wait until all tasks have ended, or none ends any more; return them."""
        clock = asyncio.get_running_loop().time
        left, since = -1, clock()
        while True:
            tasks = await self._tasks(http)
            waiting = sum(not _ended(task) for task in tasks)
            if waiting != left:
                left, since = waiting, clock()
            if not waiting or clock() - since > _END:
                return tasks
            await self._look_at_parts(http)
            await asyncio.sleep(0.2)

    async def _judge_task(self, http: httpx.AsyncClient, task: dict[str, Any]) -> None:
        fault = self.verdict.faults.append
        self.verdict.ends[task["status"]] += 1
        if task["status"] == "failed":
            if task.get("code") != _FAIR:
                fault(f"{task['id']} failed with {task.get('code')}: {task['error']}")
            return
        if len(task["outputs"]) != 1:
            fault(f"doubled: {task['id']} has {len(task['outputs'])} outputs")
        answer = await http.get(task["outputs"][0])
        file = self.house.said / "served.mp4"
        file.write_bytes(answer.content)
        if answer.status_code != 200 or (found := mp4.fault(file)):
            fault(f"{task['id']}'s video is not whole: HTTP {answer.status_code}, {found}")

    async def _look_at_parts(self, http: httpx.AsyncClient) -> None:
        """Ask for what is not finished, under its own name."""
        for path in [*self.engine.glob("videos/*.part"), *self.engine.glob("uploads/*.part")]:
            for name in (path.name, path.name.partition(".")[0] + ".mp4"):
                served = await http.get(f"/media/{path.parent.name}/{name}")
                if served.status_code == 200 and name == path.name:
                    self.verdict.faults.append(f"served: {name} is not finished")

    async def _upload(self, http: httpx.AsyncClient) -> str:
        files = {"file": ("photo.jpg", self.photo, "image/jpeg")}
        answer = (await http.post("/api/v3/media/upload/binary", files=files)).json()
        url: str = answer["data"]["download_url"]
        self.uploads.append(httpx.URL(url).path)
        return url

    async def _tasks(self, http: httpx.AsyncClient) -> list[dict[str, Any]]:
        """Return all tasks, page by page."""
        tasks: list[dict[str, Any]] = []
        while True:
            body = {"page": len(tasks) // 100 + 1, "page_size": 100}
            page = (await http.post("/api/v3/predictions", json=body)).json()["data"]["items"]
            tasks += page
            if len(page) < 100:
                return tasks

    def _client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {KEY}"}
        return httpx.AsyncClient(base_url=self.address, headers=headers, timeout=30, trust_env=False)


def _ended(task: dict[str, Any]) -> bool:
    return task["status"] in ("completed", "failed")


def _workers(server: int) -> list[int]:
    """Return the ids of a server's render processes."""
    found = []
    for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split():
        with suppress(OSError):
            if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return found
