"""The whole house past one machine, killed at random: pages, engines, Dask, on one Postgres.

Each page and each engine has a data folder of its own, as on machines of their own; the database and the
files are what they share. Afterwards the journal, the engine's records and the files are compared.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx

from seedance import mp4
from seedance.journal import Journal
from tests.conftest import make_photo
from tests.proof import cluster as dask
from tests.proof.audit import Audit
from tests.proof.balancer import Balancer
from tests.proof.bucket import Storage
from tests.proof.restarting import START, Replica, all_up, lasting_port
from tests.proof.waiting import until

PAGES: Final = 3
ENGINES: Final = 2
WORKERS: Final = 3
KEY: Final = "sk-canary-topology"
_GRACE: Final = 6  # seconds; more than the balancer holds a connection
_FIRST: Final = 3  # videos that are accepted before the first kill
_PATIENCE: Final = 90.0  # seconds in which one video at least must end, once nothing is killed any more
_EXHAUSTED: Final = 1406  # the code with which a killed task may fail
_OPEN: Final = "SELECT count(*) AS n FROM videos WHERE finished_at IS NULL"


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to the house."""

    kills: int
    tasks: int
    every: float = 2.0
    """Seconds between two kills, on average."""
    durations: Sequence[int] = (2,)
    """Of the videos, in seconds."""


@dataclass(slots=True)
class Verdict:
    """What came of it; no faults is what is promised."""

    kills: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    accepted: int = 0
    lost_answers: Counter[str] = field(default_factory=Counter)
    """Requests that may be on record or not, by what has happened."""
    states: Counter[str] = field(default_factory=Counter)
    """How the videos on record ended."""
    faults: list[str] = field(default_factory=list)
    again: int = 0
    """Tasks whose render was begun more than once."""
    taken_over: int = 0
    """Videos that more than one process had claimed, one after the other."""
    waits: list[float] = field(default_factory=list)
    """Seconds from the death of a process to each take-over of a video of its own."""


@dataclass
class Topology:
    """The parts of one house. `bucket` has its files, or where there is none a folder."""

    folder: Path
    database: str
    balancer: Balancer
    storage: Storage | None = None

    @cached_property
    def media(self) -> str:
        """What SEEDANCE_MEDIA_URL says."""
        return self.storage.new_bucket() if self.storage else str(self.folder / "media")

    @cached_property
    def pages(self) -> list[Replica]:
        return [self._page(number) for number in range(PAGES)]

    @cached_property
    def engines(self) -> list[Replica]:
        return [self._engine(number, port) for number, port in enumerate(self.balancer.ports)]

    @cached_property
    def cluster(self) -> list[Replica]:
        """The scheduler and its workers."""
        options = dask.scheduler_options(self._scheduler)
        scheduler = self._replica("scheduler", 0, [*dask.command("dask_scheduler"), *options], "at:  *tcp:")
        work = dask.worker_options(f"tcp://127.0.0.1:{self._scheduler}", self.folder)
        return [scheduler] + [
            self._replica("worker", number, [*dask.command("dask_worker"), *work], "Registered to:")
            for number in range(WORKERS)
        ]

    @property
    def replicas(self) -> list[Replica]:
        return [*self.cluster, *self.engines, *self.pages]

    @cached_property
    def _scheduler(self) -> int:
        return lasting_port()

    def _page(self, number: int) -> Replica:
        house = self._house(f"page-{number}") | {
            "GRADIO_SERVER_PORT": str(lasting_port()),
            "GRADIO_TEMP_DIR": str(self.folder / f"page-{number}" / "gradio"),
            "WAVESPEED_API_KEY": KEY,
            "WAVESPEED_BASE_URL": self.balancer.address,
            "SEEDANCE_GRACE": str(_GRACE),
        }
        return self._replica("page", number, [sys.executable, "app.py"], "http://127", house)

    def _engine(self, number: int, port: int) -> Replica:
        serve = [sys.executable, "-m", "seedance", "serve", "--port", str(port), "--api-key", KEY]
        house = self._house(f"engine-{number}")
        house["SEEDANCE_EXECUTOR"] = f"dask://127.0.0.1:{self._scheduler}"
        return self._replica("engine", number, serve, "http://127", house)

    def _house(self, name: str) -> dict[str, str]:
        shared = {"SEEDANCE_DATABASE_URL": self.database, "SEEDANCE_MEDIA_URL": self.media}
        shared |= self.storage.variables if self.storage else {}
        return shared | {"SEEDANCE_DATA_DIR": str(self.folder / name)}

    def _replica(
        self,
        kind: str,
        number: int,
        command: Sequence[str],
        word: str,
        variables: dict[str, str] = dask.VARIABLES,
    ) -> Replica:
        return Replica(kind, number, command, variables, self.folder / "said", word, leaves=kind == "worker")

    def videos(self, of: str) -> dict[str, Path]:
        """Return the MP4 files that the `page`s or the `engine`s have kept, by their names."""
        root, place = Path(self.media), {"page": "videos", "engine": "engine/videos"}[of]
        if self.storage:
            root, place = self.folder / "fetched", f"{of}/videos"
            for name, content in self.storage.contents(f"{self.media}/{place}").items():
                (root / place).mkdir(parents=True, exist_ok=True)
                (root / place / name).write_bytes(content)
        return {path.name: path for path in (root / place).glob("*.mp4")}


@asynccontextmanager
async def running(folder: Path, database: str, storage: Storage | None = None) -> AsyncIterator[Topology]:
    """Run all of it on an empty database until the block ends."""
    async with Balancer([lasting_port() for _ in range(ENGINES)]) as balancer:
        house = Topology(folder, database, balancer, storage)
        try:
            for replica in house.replicas:
                replica.start()
            await all_up(house.replicas)
            yield house
        finally:
            await asyncio.gather(*(replica.end() for replica in house.replicas))


async def play(seed: int, plan: Plan, folder: Path, database: str, storage: Storage | None = None) -> Verdict:
    """Ask for the videos, kill as often as planned, wait until everything has ended, and judge."""
    Journal(database).close()
    siege = _Siege(plan, random.Random(seed), Audit(database))
    try:
        async with running(folder, database, storage) as house:
            await siege.run(house)
        await asyncio.to_thread(siege.judge, house)
    finally:
        siege.audit.close()
    return siege.verdict


async def ask(page: Replica, prompt: str, photo: Path, duration: int) -> str:
    """Ask a page for a video, over its public endpoint; return the video's id once it is on record.

    Raises:
        httpx.HTTPError: the answer was lost.
        RuntimeError: the page has refused.
    """
    address = f"http://127.0.0.1:{page.variables['GRADIO_SERVER_PORT']}/gradio_api"
    async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as http:
        content = await asyncio.to_thread(photo.read_bytes)
        uploaded = await http.post("/upload", files={"files": (photo.name, content)})
        (path,) = uploaded.raise_for_status().json()
        image = {"path": path, "meta": {"_type": "gradio.FileData"}}
        form = {"data": [image, prompt, duration, False, 1, None, None, None]}
        called = await http.post("/call/generate_video", json=form)
        event = called.raise_for_status().json()["event_id"]
        async with http.stream("GET", f"/call/generate_video/{event}") as answer:
            kind = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind in ("generating", "complete"):
                    return str(json.loads(value)[1]["id"])
                elif name == "data" and kind == "error":
                    raise RuntimeError(value)
    raise httpx.RemoteProtocolError("the answer ended before it began")


@dataclass
class _Siege:
    plan: Plan
    chance: random.Random
    audit: Audit
    verdict: Verdict = field(default_factory=Verdict)
    accepted: dict[str, str] = field(default_factory=dict)
    """The ids of the videos that were accepted, by their prompts."""
    killed: dict[str, float] = field(default_factory=dict)

    async def run(self, house: Topology) -> None:
        plan = self.plan
        asking = [asyncio.create_task(self._ask(house)) for _ in range(min(_FIRST, plan.tasks))]
        await asyncio.gather(*asking)
        for number in range(plan.kills):
            while len(asking) * plan.kills < plan.tasks * (number + 1):
                asking.append(asyncio.create_task(self._ask(house)))
            await asyncio.sleep(self.chance.uniform(0.5, 1.5) * plan.every)
            await self._strike(house)
        await asyncio.gather(*asking)
        await self._all_ended()
        for replica in house.replicas:
            self.verdict.faults += replica.faults
            self.killed |= replica.killed

    async def _ask(self, house: Topology) -> None:
        """Ask any page that is there; an answer that is lost is nobody's fault."""
        self.verdict.asked += 1
        number = self.verdict.asked
        photo = house.folder / f"photo-{number}.jpg"
        await asyncio.to_thread(make_photo, photo, 480, 320, number)
        await until(lambda: any(page.up for page in house.pages), START)
        page = self.chance.choice([page for page in house.pages if page.up])
        prompt = f"wish {number}, push in"
        try:
            self.accepted[prompt] = await ask(page, prompt, photo, self.chance.choice(self.plan.durations))
        except (httpx.HTTPError, ValueError) as error:
            self.verdict.lost_answers[type(error).__name__] += 1
        except RuntimeError as error:
            self.verdict.faults.append(f"{page.life} refused {prompt}: {error}")

    async def _strike(self, house: Topology) -> None:
        await until(lambda: any(replica.up for replica in house.replicas), START)
        victim = self.chance.choice([replica for replica in house.replicas if replica.up])
        victim.kill()
        self.verdict.kills[victim.kind] += 1

    async def _all_ended(self) -> None:
        """Wait until all videos have ended, or none ends any more."""
        left, since = -1, time.monotonic()
        while left and time.monotonic() - since < _PATIENCE:
            now = (await asyncio.to_thread(self.audit.rows, _OPEN))[0]["n"]
            if now != left:
                left, since = now, time.monotonic()
            await asyncio.sleep(0.2)

    def judge(self, house: Topology) -> None:
        """Compare what was accepted, the journal, the engine's records and the files."""
        verdict, fault = self.verdict, self.verdict.faults.append
        verdict.accepted = len(self.accepted)
        rows = self.audit.rows("SELECT * FROM videos")
        tasks = {task["id"]: task for task in self.audit.rows("SELECT * FROM engine_tasks")}
        by_prompt = defaultdict(list)
        for task in tasks.values():
            by_prompt[task["input"]["prompt"]].append(task["id"])
        verdict.states = Counter(row["state"] for row in rows)
        verdict.again = sum(task["attempts"] > 1 for task in tasks.values())

        if len({row["prompt"] for row in rows}) < len(rows):
            fault("doubled: one request is on record more than once")
        on_record = {row["prompt"]: row["id"] for row in rows}
        for prompt, id in self.accepted.items():
            if on_record.get(prompt) != id:
                fault(f"lost: {prompt} was accepted as {id}, on record is {on_record.get(prompt)}")
        for prompt, ids in by_prompt.items():
            if len(ids) > 1:
                fault(f"doubled: {prompt} is the engine's {ids}")
        for id in sorted(tasks.keys() - {row["task_id"] for row in rows}):
            fault(f"lost: the engine's {id} ({tasks[id]['input']['prompt']}) is no video's")

        kept, made = house.videos("page"), house.videos("engine")
        for row in rows:
            if wrong := self._wrong(row, by_prompt, tasks.get(row["task_id"]), kept, made):
                fault(f"{row['prompt']}, {row['state']}: {wrong}")
        _same(fault, "the pages", kept, [row["video"] for row in rows if row["video"]])
        done = [task for task in tasks.values() if task["status"] == "completed"]
        _same(fault, "the engines", made, [f"{task['output']}.mp4" for task in done])
        self._judge_claims()

    def _wrong(
        self,
        row: dict[str, Any],
        by_prompt: dict[str, list[str]],
        task: dict[str, Any] | None,
        kept: dict[str, Path],
        made: dict[str, Path],
    ) -> str:
        """Return what is wrong with a video and its task, or an empty text."""
        if row["finished_at"] is None:
            return f"lost: nothing has ended for {_PATIENCE:.0f} s"
        if row["state"] == "unknown" or (row["state"], row["fault"]) == ("failed", "NotDelivered"):
            return "lost: the engine has its task" if by_prompt.get(row["prompt"]) else ""
        if task is None:
            return f"lost: the engine does not know its task {row['task_id']} ({row['error']})"
        if row["state"] == "failed":
            fair = (task["status"], task["code"]) == ("failed", _EXHAUSTED)
            return "" if fair else f"its task is {task['status']} with {task['code']}: {row['error']}"
        if (row["state"], task["status"]) != ("done", "completed"):
            return f"its task is {task['status']}"
        video, result = kept.get(row["video"]), made.get(f"{task['output']}.mp4")
        if video is None or result is None:
            return f"lost: its file is {video}, that of its task {result}"
        if broken := mp4.fault(video):
            return f"corrupt: {broken}"
        return "" if video.read_bytes() == result.read_bytes() else "corrupt: it is not what the engine made"

    def _judge_claims(self) -> None:
        """Look at who has worked on which video, and how long a dead process's videos have waited."""
        found = self.audit.faults(self.killed)
        # A request that surely did not arrive is sent again: the engine's records tell whether it was right.
        self.verdict.faults += [it for it in found if not re.search(r" became (new|submitting) \d", it)]
        self.verdict.taken_over = sum(times > 1 for times in self.audit.claims().values())
        holders: dict[str, str] = {}
        claims = "SELECT id, program, at FROM audit WHERE fence IS DISTINCT FROM old_fence ORDER BY n"
        for note in self.audit.rows(claims):
            former = holders.get(note["id"])
            if former in self.killed:
                self.verdict.waits.append(note["at"] - self.killed[former])
            holders[note["id"]] = note["program"]


def _same(fault: Any, whose: str, files: dict[str, Path], wanted: Sequence[str]) -> None:
    for name in sorted(files.keys() ^ set(wanted)):
        fault(f"of {whose}: {name} is {'no video that is on record' if name in files else 'lost'}")
