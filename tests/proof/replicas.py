"""Thousands of tasks in flight in several processes on one Postgres, each as on a machine of its own.

Usage, of one of them: python -m tests.proof.replicas DATABASE_URL FOLDER, a line of ids on standard input
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, text

from seedance.settings import Settings
from seedance.studio import Studio
from tests.proof.crowd import KEY, WARM, Crowd, Figures, Flight, fill
from tests.proof.postgres import Postgres
from tests.proof.programs import ROOT, environment, kill
from tests.proof.waiting import until

_LONG: Final = 300.0  # seconds, for a busy machine
_FLUSH: Final = 11.0  # seconds until the last idle connection has told the server's statistics of its work
_TOLD: Final = """
SELECT (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()),
    (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables),
    pg_current_wal_insert_lsn() - '0/0'
"""


@dataclass(frozen=True, slots=True)
class Work:
    """What the database has done, or does in a second."""

    commits: float
    """Transactions, readers included."""
    rows: float
    """Inserted, changed, deleted."""
    log: float
    """Bytes of its write-ahead log."""
    cpu: float
    """Processor seconds."""

    def since(self, before: Work, seconds: float = 1.0) -> Work:
        pairs = zip(asdict(self).values(), asdict(before).values(), strict=True)
        return Work(*((now - then) / seconds for now, then in pairs))


@dataclass(frozen=True, slots=True)
class Fleet:
    """What so many tasks cost several processes and their database."""

    replicas: list[Figures]
    steady: Work
    """Each second while all tasks are followed and none changes."""
    taken_up: Work
    """From the first claim until all have been asked for once, in all."""
    taken_over: float
    """Seconds until the tasks of a process that was killed belong to another."""


async def measure(server: Postgres, tasks: int, replicas: int, seconds: float, folder: Path) -> Fleet:
    """Let processes share running tasks evenly, watch them for some seconds, then kill the first one."""
    settings = Settings(api_key=KEY, data_dir=folder, database_url=server.new_database())
    ids = await asyncio.to_thread(fill, settings, tasks + replicas * WARM)
    account = Account(server, settings.journal_url)
    await account.told()
    async with AsyncExitStack() as stack:
        start = await account.told()
        shares = [ids[n::replicas] for n in range(replicas)]
        fleet = [
            await stack.enter_async_context(_running(settings.journal_url, folder / str(n), share))
            for n, share in enumerate(shares)
        ]
        await _step(fleet, "resume")
        all_taken_up = await account.told()
        await _step(fleet, "settle")
        before, began = await account.told(), time.monotonic()
        figures = [Figures(**json.loads(line)) for line in await _step(fleet, f"watch {seconds}")]
        after, took = await account.told(), time.monotonic() - began
        if account.holders() < replicas:
            raise RuntimeError("a replica could not keep its lease: the machine is too busy to measure")
        await kill(fleet[0])
        killed = time.monotonic()
        await until(lambda: account.holders() == replicas - 1, _LONG)
        taken_over = time.monotonic() - killed
        for process in fleet[1:]:
            await kill(process)
    account.close()
    return Fleet(figures, after.since(before, took), all_taken_up.since(start), taken_over)


class Account:
    """What one database tells of its work."""

    def __init__(self, server: Postgres, url: str) -> None:
        self._server = server
        self._database = create_engine(url, isolation_level="AUTOCOMMIT")

    async def told(self) -> Work:
        """Return all that the server has done so far, once its statistics are up to date."""
        await asyncio.sleep(_FLUSH)
        return await asyncio.to_thread(self._told)

    def holders(self) -> int:
        """Return how many processes have unfinished videos."""
        query = "SELECT count(DISTINCT holder) FROM videos WHERE finished_at IS NULL"
        with self._database.connect() as db:
            return int(db.execute(text(query)).scalar_one())

    def close(self) -> None:
        self._database.dispose()

    def _told(self) -> Work:
        with self._database.connect() as db:
            commits, rows, log = db.execute(text(_TOLD)).one()
        return Work(float(commits), float(rows), float(log), self._server.busy())


@asynccontextmanager
async def _running(url: str, folder: Path, ids: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "tests.proof.replicas", url, str(folder)]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment(), stdin=pipe, stdout=pipe
    )
    try:
        await _say(process, json.dumps(ids))
        yield process
    finally:
        await kill(process)


async def _step(fleet: list[asyncio.subprocess.Process], what: str) -> list[str]:
    """Have all take a step at once; return what they say when it is done."""
    for process in fleet:
        await _say(process, what)
    async with asyncio.timeout(2 * _LONG):
        return await asyncio.gather(*map(_said, fleet))


async def _say(process: asyncio.subprocess.Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")
    await process.stdin.drain()


async def _said(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    if not (line := await process.stdout.readline()):
        raise RuntimeError("a replica ended by itself")
    return line.decode()


async def _replica(url: str, folder: Path) -> None:
    settings, crowd = Settings(api_key=KEY, data_dir=folder, database_url=url), Crowd()
    ids: list[str] = json.loads(sys.stdin.readline())
    resumed = 0.0
    async with Studio(settings, transport=crowd.transport(), chance=crowd.chance) as studio:
        flight = Flight(studio, crowd, ids)
        while words := (await asyncio.to_thread(sys.stdin.readline)).split():
            told: dict[str, Any] = {}
            match words:
                case ["resume"]:
                    resumed = await flight.resume(alone=False)
                case ["settle"]:  # everybody has his share by now
                    await studio.resume(for_ever=True)
                    await flight.settle()
                case ["watch", seconds]:
                    told = asdict(await flight.watch(float(seconds), resumed))
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(_replica(sys.argv[1], Path(sys.argv[2])))
