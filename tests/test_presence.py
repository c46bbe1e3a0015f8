from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from pydantic import SecretStr

from seedance.journal import LEASE, Journal
from seedance.models import State
from seedance.presence import Presence
from seedance.settings import Settings
from seedance.studio import Studio
from tests.conftest import ROOT
from tests.providers import KEY, VIDEO, Provider

HOLD = """
import sys
from pathlib import Path
from seedance.presence import Presence
presence = Presence(Path(sys.argv[1]), sys.argv[2])
print("here", flush=True)
sys.stdin.readline()
presence.close()
"""


@contextmanager
def process(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python with these arguments; whatever happens, it is ended by its own id."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def living(folder: Path, holder: str) -> Iterator[subprocess.Popen[str]]:
    with process("-c", HOLD, str(folder), holder) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "here\n"
        yield running


@pytest.fixture
def presence(tmp_path: Path) -> Iterator[Presence]:
    presence = Presence(tmp_path / "holders", "me")
    yield presence
    presence.close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    server.server_close()
    thread.join()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def test_a_living_process_is_not_dead_and_a_killed_one_is(presence: Presence, tmp_path: Path) -> None:
    """The system unlocks the file with the process's end, however it ends, and not before."""
    with living(tmp_path / "holders", "other") as other:
        assert presence.dead(["other"]) == []
        assert presence.dead(["other"]) == [], "a look must not end it"
        other.kill()
        other.wait(30)
        assert presence.dead(["me", "other", "elsewhere"]) == ["other"]
        assert presence.dead(["other"]) == ["other"], "and says the same again"


def test_a_process_that_ended_well_left_nothing(presence: Presence, tmp_path: Path) -> None:
    """Its leases are given back by itself, so there is nothing to prove, and its file is gone."""
    with living(tmp_path / "holders", "other") as other:
        other.communicate("end\n", timeout=30)
        assert presence.dead(["other"]) == []
    assert [path.name for path in (tmp_path / "holders").iterdir()] == ["me.lock"]


def test_of_another_machine_nothing_is_known(presence: Presence) -> None:
    """A holder without a file here may live elsewhere: its lease decides."""
    assert presence.dead(["elsewhere"]) == []
    assert presence.dead([]) == []


def test_a_process_is_never_dead_to_itself(presence: Presence, tmp_path: Path) -> None:
    """Not even when it looks at its own name, nor to a second studio in the same process."""
    assert presence.dead(["me"]) == []
    second = Presence(tmp_path / "holders", "second")
    assert second.dead(["me"]) == []
    second.close()
    assert presence.dead(["me", "second"]) == []


def test_two_who_look_at_once_do_not_mistake_each_other(presence: Presence, tmp_path: Path) -> None:
    """While one looks at the dead, the other may learn nothing, but never a living one's death."""
    with living(tmp_path / "holders", "other") as other:
        other.kill()
        other.wait(30)
        looking = FileLock(tmp_path / "holders" / "other.lock", thread_local=False)
        with looking:
            assert presence.dead(["other"]) == []
        assert presence.dead(["other"]) == ["other"]


@pytest.mark.anyio
async def test_what_a_killed_process_left_is_taken_up_at_once(
    provider: Provider, photo: Path, house: Path
) -> None:
    """After a real kill -9 nobody waits for the lease; the task goes on by its id, with no second POST."""
    provider.may_answer.clear()
    settings = Settings(api_key=SecretStr(KEY), base_url=provider.url)
    remote = {"WAVESPEED_API_KEY": KEY, "WAVESPEED_BASE_URL": provider.url}
    with process("-m", "seedance", "generate", str(photo), "--prompt", "a fox", **remote) as maker:
        await until(lambda: "result" in provider.calls)
        async with Studio(settings) as studio:
            assert await studio.resume() == [], "its maker lives"
            maker.kill()
            maker.wait(30)
            killed = time.time()
            (id,) = await studio.resume()
            provider.may_answer.set()
            async with asyncio.timeout(30):
                end = [event async for event in studio.watch(id)][-1]
            assert time.time() - killed < LEASE
    assert end.state is State.DONE
    assert end.video is not None
    assert end.video.read_bytes() == VIDEO
    assert provider.calls.count("submit") == 1


def test_a_lease_of_another_machine_is_waited_for(presence: Presence, tmp_path: Path) -> None:
    """Without proof of death a video is not claimed before its lease has run out."""
    now = [1_000_000.0]
    url = f"sqlite:///{tmp_path / 'journal.sqlite'}"
    theirs, ours = (Journal(url, clock=lambda: now[0]) for _ in range(2))
    asked = {"owner": "", "engine": "wavespeed", "account": "acc", "prompt": "a fox", "images": []}
    id = theirs.add(**asked, duration=5, camera_fixed=False, seed=7).id
    assert ours.holders() == [theirs.holder]
    assert ours.claim(["acc"], dead=presence.dead(ours.holders())) == []
    now[0] += LEASE + 0.1
    assert [record.id for record in ours.claim(["acc"], dead=presence.dead(ours.holders()))] == [id]
    ours.close()
    theirs.close()
