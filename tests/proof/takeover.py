"""How long what a dead page or engine has in work waits for one on another machine, with the real leases."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.conftest import make_photo
from tests.proof.audit import Audit
from tests.proof.restarting import Replica, all_up
from tests.proof.topology import Topology, ask

IDLE: Final = 70.0  # seconds without a task after which an engine looks for others' as rarely as it ever does
_SOON: Final = 60.0
_GLANCE: Final = 0.02


@dataclass
class Takeover:
    """Kills of one page or engine at a time, which is started again once its work is in another's hands."""

    house: Topology
    audit: Audit
    asked: int = 0

    async def of_a_page(self) -> float:
        """Return the seconds from the death of a page to another one's claim of its video."""
        await all_up(self.house.replicas)
        with _frozen(self.house):
            page = self.house.pages[self.asked % len(self.house.pages)]
            id = await self._ask(page)
            page.held = True
            page.kill()
            claims = f"SELECT at FROM audit WHERE id = '{id}' AND fence = 2 AND old_fence = 1"
            waited = (await self._first(claims))["at"] - page.killed[page.life]
        page.held = False
        return float(waited)

    async def of_an_engine(self) -> float:
        """Return the seconds from the death of an engine until the other has its task; both were idle."""
        await all_up(self.house.replicas)
        await asyncio.sleep(IDLE)
        with _frozen(self.house):
            await self._ask(self.house.pages[0])
            task = await self._first("SELECT id, holder FROM engine_tasks WHERE status = 'processing'")
            (engine,) = [it for it in self.house.engines if self._is(it, task["holder"])]
            engine.held = True
            engine.kill()
            others = f"status = 'processing' AND holder <> '{task['holder']}'"
            await self._first(f"SELECT id FROM engine_tasks WHERE id = '{task['id']}' AND {others}")
            waited = time.time() - engine.killed[engine.life]
        engine.held = False
        return waited

    async def _ask(self, page: Replica) -> str:
        self.asked += 1
        photo = make_photo(self.house.folder / f"photo-{self.asked}.jpg", 480, 320, self.asked)
        return await ask(page, f"wish {self.asked}, push in", photo, 2)

    async def _first(self, query: str) -> dict[str, Any]:
        """Return the first row of a query, once it has one."""
        async with asyncio.timeout(_SOON):
            while not (rows := await asyncio.to_thread(self.audit.rows, query)):
                await asyncio.sleep(_GLANCE)
        return rows[0]

    def _is(self, engine: Replica, holder: str) -> bool:
        own = self.house.folder / f"engine-{engine.number}" / "engine" / "engines"
        return (own / f"{holder}.lock").exists()


@contextmanager
def _frozen(house: Topology) -> Iterator[None]:
    """Let no render come to its end meanwhile."""
    workers = [it.pid for it in house.cluster if it.kind == "worker"]
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
