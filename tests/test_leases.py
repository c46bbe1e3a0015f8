"""What a dead process leaves behind on a machine whose lock files nobody else can see."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from seedance import studio
from seedance.engines import Engines
from seedance.journal import Journal
from seedance.settings import Settings
from seedance.studio import Studio
from tests.proof.audit import Audit
from tests.proof.postgres import Postgres
from tests.proof.programs import ROOT, environment
from tests.proof.waiting import until

KEY = "sk-leases"
LEASE = 3.0  # seconds; the real one is longer
LEAVE = """
import os, signal, sys
from seedance import journal
from seedance.models import State
from seedance.presence import Presence
from seedance.settings import Settings
journal.LEASE = float(sys.argv[2])
settings = Settings()
mine = journal.Journal(settings.journal_url)
here = Presence(settings.data_dir / "holders", mine.holder)
video = mine.add(owner="", engine="wavespeed", account=sys.argv[1], prompt="a fox", images=[], duration=5,
                 camera_fixed=False, seed=1)
mine.write(video, state=State.RUNNING, task_id="t")
print(video.id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.anyio
async def test_another_machines_videos_are_taken_over_when_its_lease_has_run_out(
    server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process killed there has its videos followed here: when its lease ends, without a restart."""
    url = server.new_database()
    Journal(url).close()
    audit = Audit(url)
    here = Settings(api_key=SecretStr(KEY), data_dir=tmp_path / "here", database_url=url)
    account = Engines(here).account("wavespeed", here.api_key)
    processing = httpx.MockTransport(
        lambda asked: httpx.Response(200, json={"data": {"id": "t", "status": "processing"}})
    )
    monkeypatch.setattr(studio, "_TAKE_OVER", 0.1)
    there = environment(SEEDANCE_DATA_DIR=str(tmp_path / "there"), SEEDANCE_DATABASE_URL=url)
    async with Studio(here, transport=processing) as living:
        await living.resume(for_ever=True)
        died = await asyncio.to_thread(
            lambda: subprocess.run(
                [sys.executable, "-c", LEAVE, account, str(LEASE)],
                cwd=ROOT,
                env=there,
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        )
        assert died.returncode == -signal.SIGKILL
        assert await asyncio.to_thread(lambda: len(list((tmp_path / "there" / "holders").iterdir()))) == 1
        await until(lambda: bool(audit.rows("SELECT 1 FROM audit WHERE fence = 2")), 300)
    claim, *more = audit.rows("SELECT * FROM audit WHERE fence = 2 AND old_fence = 1")
    audit.close()
    assert claim["id"] == died.stdout.strip()
    assert claim["at"] >= claim["old_lease"]
    assert more == []
