"""Three programs at a time on one database, killed at random moments, judged by the provider's books."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from seedance.journal import Journal
from tests.proof.audit import Audit
from tests.proof.ledger import video
from tests.proof.programs import PHOTO, Books, House, kill
from tests.proof.waiting import until

PROGRAMS: Final = 3
_PATIENCE: Final = 120.0  # seconds until everything is brought home after the last kill
_QUIET: Final = 6.0  # seconds that a program may take to its first word
_LONGEST: Final = 3.0  # seconds until a program is killed, from its start or from its first word
_OPEN: Final = "SELECT count(*) AS n FROM videos WHERE finished_at IS NULL"


@dataclass(slots=True)
class Outcome:
    """What the programs and the kills came to."""

    kills: int = 0
    asked: int = 0
    charged: int = 0
    taken_over: int = 0
    """Videos that more than one program had claimed, one after the other."""
    states: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Swarm:
    """Programs that share one database and one data folder."""

    house: House
    audit: Audit
    chance: random.Random
    kills: int
    outcome: Outcome = field(default_factory=Outcome)
    killed: dict[str, float] = field(default_factory=dict)
    """When each program that was killed was killed."""

    async def run(self) -> None:
        await asyncio.gather(*(self._life() for _ in range(PROGRAMS)))
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*(self._bring_home() for _ in range(PROGRAMS)))
        except TimeoutError:
            self.outcome.faults.append(f"not finished after {_PATIENCE:.0f} s: {self.house.errors()}")

    async def _life(self) -> None:
        """Ask for videos and resume others' by turns, killed at random moments."""
        while self.outcome.kills < self.kills:
            name, process = await self._start(resume=self.chance.random() < 1 / 3)
            with suppress(TimeoutError):
                if self.chance.random() < 3 / 4:  # not at its start
                    await until(self._has_spoken(process), _QUIET)
                await asyncio.wait_for(process.wait(), self.chance.uniform(0, _LONGEST))
            when = time.time()
            if await kill(process):
                self.outcome.kills += 1
                self.killed[name] = when

    def _has_spoken(self, process: asyncio.subprocess.Process) -> Callable[[], bool]:
        """Say whether a program just started has told of its first video, or has ended."""
        said = self.house.said / f"{self.house.runs}.err"
        return lambda: process.returncode is not None or said.stat().st_size > 0

    async def _bring_home(self) -> None:
        while self.audit.rows(_OPEN)[0]["n"]:
            _, process = await self._start(resume=True)
            try:
                status = await process.wait()
            finally:
                await kill(process)
            if status not in (0, 3):
                self.outcome.faults.append(f"resume failed: {self.house.errors()}")
                return

    async def _start(self, *, resume: bool) -> tuple[str, asyncio.subprocess.Process]:
        name = f"program {self.house.runs + 1}"
        if resume:
            return name, await self.house.start("tasks", "resume", PGAPPNAME=name)
        self.outcome.asked += 1
        prompt = f"wish {self.outcome.asked}"
        wish = ("generate", str(PHOTO), "--prompt", prompt)
        return name, await self.house.start(*wish, PGAPPNAME=name)

    async def judge(self, told: dict[str, Any]) -> None:
        fault = self.outcome.faults.append
        self.outcome.faults += self.audit.faults(self.killed)
        claims = self.audit.claims()
        self.outcome.taken_over = sum(times > 1 for times in claims.values())
        charged = defaultdict(list)
        for task in told["tasks"]:
            charged[task["body"]["prompt"]].append(task)
        self.outcome.charged = len(told["tasks"])
        rows = {row["prompt"]: row for row in self.audit.rows("SELECT * FROM videos")}
        self.outcome.states = Counter(row["state"] for row in rows.values())
        for prompt, tasks in charged.items():
            row = rows.get(prompt)
            if len(tasks) > 1:
                fault(f"doubled: {prompt} was charged {len(tasks)} times")
            if row is None or row["state"] != "done":
                fault(f"lost: {prompt} was charged, its video is {row['state'] if row else 'not on record'}")
            elif (self.house.data / "videos" / row["video"]).read_bytes() != video(tasks[0]["id"]):
                fault(f"lost: the file of {prompt} is not its video")
            elif tasks[0]["downloads"] > claims[row["id"]]:
                fault(f"{prompt} was fetched {tasks[0]['downloads']} times by {claims[row['id']]} holders")
        for prompt, row in rows.items():
            if prompt not in charged and row["state"] != "unknown":
                fault(f"{prompt} was not charged, yet its video is {row['state']} ({row['error']})")
        for path, content in self.house.texts():
            if self.house.key.encode() in content:
                fault(f"the key is in {path}")


async def swarm(url: str, seed: int, kills: int, folder: Path, address: str) -> Outcome:
    """Let three programs work on an empty database until so many were killed, then judge."""
    Journal(url).close()
    key = f"sk-canary-{secrets.token_hex(12)}"
    variables = {"SEEDANCE_DATABASE_URL": url, "SEEDANCE_GRACE": "3"}
    house = House(folder / "data", folder / "said", key, address, variables)
    audit = Audit(url)
    programs = Swarm(house, audit, random.Random(seed), kills)
    try:
        await programs.run()
        async with Books(address) as books:
            await programs.judge(await books.told(key))
    finally:
        audit.close()
    return programs.outcome
