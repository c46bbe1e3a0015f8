"""A database that goes away for a while, under a studio that works for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from seedance import studio
from seedance.engines import Engines
from seedance.journal import Journal
from seedance.models import State
from seedance.settings import Settings
from tests.proof import postgres
from tests.proof.waiting import until

_LONG = 15.0  # seconds
KEY = SecretStr("sk-outage")


@pytest.fixture
def server() -> Iterator[postgres.Postgres]:
    if postgres.programs() is None:
        pytest.skip(postgres.MISSING)
    with postgres.running() as server:
        yield server


@pytest.mark.anyio
async def test_videos_are_taken_over_after_the_database_was_away(
    server: postgres.Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others leave behind is still taken up when the database was away for a while."""
    failures: list[Exception] = []
    look = Journal.holders

    def noting(journal: Journal) -> list[str]:
        try:
            return look(journal)
        except Exception as error:
            failures.append(error)
            raise

    monkeypatch.setattr(studio, "_TAKE_OVER", 0.1)
    monkeypatch.setattr(Journal, "holders", noting)
    settings = Settings(api_key=KEY, data_dir=tmp_path, database_url=server.new_database())
    processing = httpx.MockTransport(
        lambda asked: httpx.Response(200, json={"data": {"id": "t", "status": "processing"}})
    )
    async with studio.Studio(settings, transport=processing) as working:
        await working.resume(for_ever=True)
        await asyncio.to_thread(server.stop)
        await until(lambda: bool(failures), _LONG)
        await asyncio.to_thread(server.start)
        id = await asyncio.to_thread(leave_behind, settings)
        await until(lambda: fence(settings, id) == 2, _LONG)


def leave_behind(settings: Settings) -> str:
    """Leave a running video, as a program does that has ended."""
    journal = Journal(settings.journal_url)
    request: dict[str, Any] = {"owner": "", "engine": "wavespeed", "prompt": "a fox", "images": []}
    request |= {"account": Engines(settings).account("wavespeed", KEY), "duration": 5, "seed": 1}
    record = journal.add(**request, camera_fixed=False)
    journal.write(record, state=State.RUNNING, task_id="t")
    journal.close()
    return record.id


def fence(settings: Settings, id: str) -> int:
    journal = Journal(settings.journal_url)
    try:
        record = journal.get(id)
        return 0 if record is None else record.fence
    finally:
        journal.close()
