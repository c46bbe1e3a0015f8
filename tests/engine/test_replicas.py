"""Several engines on one database: SQLite, and a real Postgres."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import create_engine, update

from seedance.engine.media import Media
from seedance.engine.predictions import prediction
from seedance.engine.queue import Queue
from seedance.engine.records import LEASE, QueueFull, Records, TaskRecord
from seedance.engine.schema import TASKS
from seedance.engine.webhooks import Webhooks
from seedance.engine.worker import Job, Outcome, note
from seedance.presence import Presence
from seedance.shelf import Bucket
from tests.proof.loopback import Asked, Loopback, Reply
from tests.proof.postgres import Postgres
from tests.proof.waiting import until

pytestmark = pytest.mark.anyio

_LONG = 120.0  # seconds, on a busy machine

Open = Callable[[], Records]


@pytest.fixture
def open_records(url: str) -> Iterator[Open]:
    """Open the records once more, as another engine has them."""
    opened: list[Records] = []

    def open_one() -> Records:
        opened.append(Records(url))
        return opened[-1]

    yield open_one
    for records in opened:
        records.close()


def later(url: str, seconds: float) -> None:
    """Let time pass for the leases, whichever clock they go by."""
    database = create_engine(url)
    with database.begin() as db:
        db.execute(update(TASKS).values(lease=TASKS.c.lease - seconds))
    database.dispose()


def add(records: Records, **more: Any) -> TaskRecord:
    return records.add_task("acc", "m", {"prompt": "a fox", "seed": 7}, [], **more)


def test_racing_engines_claim_each_task_once(open_records: Open) -> None:
    """However many engines share a database, one of them renders each task, and none is left."""
    first = open_records()
    ids = sorted(add(first).id for _ in range(40))
    engines = [open_records() for _ in range(4)]
    start = threading.Barrier(len(engines))
    claimed: list[str] = []

    def race(mine: Records) -> None:
        start.wait()
        while task := mine.claim_task():
            claimed.append(task.id)

    threads = [threading.Thread(target=race, args=(mine,)) for mine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == ids


def test_a_slow_engine_can_end_nothing_and_owns_no_file(open_records: Open, url: str) -> None:
    """Taken for dead, it wakes up: its end is void, and its files go by a name that is nobody's."""
    slow, other = open_records(), open_records()
    add(slow)
    stale = slow.claim_task()
    later(url, LEASE + 1)
    forgotten: list[str] = []
    taken = other.claim_task(forgotten.append)
    assert stale is not None
    assert taken is not None
    assert (taken.id, taken.attempts) == (stale.id, 2)
    assert taken.output != stale.output
    assert forgotten == [stale.output]
    assert not slow.finish(stale, status="failed", error="too late")
    assert slow.known_outputs([stale.output, taken.output]) == {taken.output}
    assert other.finish(taken, status="completed", inference_ms=9)
    assert not other.finish(taken, status="failed", error="twice")
    now = slow.get_task(taken.id, "acc")
    assert now is not None
    assert (now.status, now.output) == ("completed", taken.output)


def test_an_engine_that_was_away_does_not_meet_itself(open_records: Open, url: str) -> None:
    """What it claims a second time, after another engine, it ends as the second claim alone."""
    mine, other = open_records(), open_records()
    add(mine)
    first = mine.claim_task()
    later(url, LEASE + 1)
    assert mine.claim_task() is None, "its own lease is not taken over from itself"
    assert other.claim_task()
    later(url, LEASE + 1)
    second = mine.claim_task()
    assert first is not None
    assert second is not None
    assert not mine.finish(first, status="failed", error="the first attempt")
    assert mine.finish(second, status="completed")


def test_leases_go_by_the_servers_clock(server: Postgres) -> None:
    """An engine whose own clock is a day ahead takes nothing from the living, and loses nothing to them."""
    url = server.new_database()
    ahead, right = (Records(url, clock=lambda by=by: time.time() + by) for by in (86400.0, 0.0))
    for mine in (ahead, right):
        add(mine)
        assert mine.claim_task()
    assert ahead.claim_task() is None
    assert right.claim_task() is None
    ahead.close()
    right.close()


def test_a_full_queue_takes_no_more(open_records: Open) -> None:
    """Engines count each other's tasks."""
    mine, other = open_records(), open_records()
    add(mine, limit=2)
    add(other, limit=2)
    with pytest.raises(QueueFull):
        add(mine, limit=2)


class Pool:
    """A worker that is done when it is told to."""

    workers = attempts = 1

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.done = asyncio.Event()

    def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def run(self, job: Job) -> Outcome:
        self.jobs.append(job)
        await self.done.wait()
        job.result.parent.mkdir(parents=True, exist_ok=True)
        for path in (job.result, job.thumbnail):
            path.write_text(str(id(self)))
        return Outcome(9)


async def test_a_late_result_takes_no_place(open_records: Open, url: str, tmp_path: Path) -> None:
    """Two engines end one task: the one that holds it is believed, and the other clears its files away."""
    slow, quick = open_records(), open_records()
    media, pools = Media(tmp_path / "media"), (Pool(), Pool())
    task = add(slow)
    late, good = (
        Queue(records, media, pool)  # type: ignore[arg-type]
        for records, pool in zip((slow, quick), pools, strict=True)
    )
    late._renew = asyncio.Event().wait  # type: ignore[method-assign, assignment]  # it sleeps
    late.start()
    await until(lambda: bool(pools[0].jobs), 20)
    await asyncio.to_thread(later, url, LEASE + 1)
    good.start()
    await until(lambda: bool(pools[1].jobs), 20)
    pools[0].done.set()
    late_files = (pools[0].jobs[0].result, pools[0].jobs[0].thumbnail)
    await until(lambda: not any(path.exists() for path in late_files) and not late._renders, 20)
    pools[1].done.set()
    ended = await good.ended(task.id, "acc", 20)
    assert ended is not None
    assert (ended.status, ended.attempts) == ("completed", 2)
    assert media.result(ended).read_text() == str(id(pools[1]))
    assert [path.name for path in (media.root / "videos").iterdir() if path.suffix == ".mp4"] == [
        f"{ended.output}.mp4"
    ]
    await late.stop()
    await good.stop()


async def test_an_idle_engine_looks_at_the_leases_of_others(
    open_records: Open, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another machine's engine has a task, none looks so rarely that its lease could run out unseen."""
    for name, value in {"_LOOK": 0.05, "_IDLE_LOOK": 600.0, "_BUSY": 2}.items():
        monkeypatch.setattr(f"seedance.engine.queue.{name}", value)
    dead, idle = open_records(), open_records()
    there = Presence(tmp_path / "there" / "engines", dead.holder)
    task = add(dead)
    assert dead.claim_task()
    looks = []
    look = idle.holders
    idle.holders = lambda: (looks.append(1), look())[1]  # type: ignore[method-assign, func-returns-value]
    pool = Pool()
    queue = Queue(idle, Media(tmp_path / "media"), pool, folder=tmp_path / "here")  # type: ignore[arg-type]
    queue.start()
    await until(lambda: len(looks) > 4, _LONG)
    assert not pool.jobs, "its lease is good"
    await asyncio.to_thread(later, url, LEASE + 1)
    await until(lambda: bool(pool.jobs), _LONG)
    pool.done.set()
    ended = await queue.ended(task.id, "acc", _LONG)
    assert ended is not None
    assert (ended.status, ended.attempts) == ("completed", 2)
    await queue.stop()
    there.close()


async def test_another_engine_tells_how_far_a_render_is(
    open_records: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where engines share a bucket but no folder, each tells the progress of what the other renders."""
    monkeypatch.setattr("seedance.engine.queue._TELL", 0.05)
    here, there = open_records(), open_records()
    bucket = Mock(Bucket)
    media, elsewhere = (Media(tmp_path / name, bucket) for name in ("here", "there"))
    task, pool = add(here), Pool()

    def told() -> float:
        now = there.get_task(task.id, "acc")
        assert now is not None
        return prediction(now, "", elsewhere).get("progress", -1.0)  # type: ignore[no-any-return]

    queue = Queue(here, media, pool)  # type: ignore[arg-type]
    queue.start()
    await until(lambda: bool(pool.jobs), _LONG)
    assert told() == 0
    note(pool.jobs[0].progress, 0.4)
    await until(lambda: told() == 0.4, _LONG)
    pool.done.set()
    assert await queue.ended(task.id, "acc", _LONG)
    assert told() == -1, "it has ended"
    await queue.stop()


async def test_progress_is_written_nowhere_while_engines_share_a_folder(
    open_records: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They read each other's notes, and a lone engine its own: the database is spared."""
    monkeypatch.setattr("seedance.engine.queue._TELL", 0.0)
    records, pool = open_records(), Pool()
    writes = Mock(wraps=records.note)
    monkeypatch.setattr(records, "note", writes)
    media, task = Media(tmp_path), add(records)
    queue = Queue(records, media, pool)  # type: ignore[arg-type]
    queue.start()
    await until(lambda: bool(pool.jobs), _LONG)
    note(pool.jobs[0].progress, 0.4)
    now = records.get_task(task.id, "acc")
    assert now is not None
    assert prediction(now, "", media)["progress"] == 0.4
    pool.done.set()
    assert await queue.ended(task.id, "acc", _LONG)
    assert not writes.called
    await queue.stop()


def test_progress_goes_with_its_attempt(open_records: Open, url: str) -> None:
    """A render that begins again begins at 0, and a slow engine's word of the former one is void."""
    slow, other = open_records(), open_records()
    add(slow)
    stale = slow.claim_task()
    assert stale is not None
    slow.note(stale, 0.9)
    later(url, LEASE + 1)
    taken = other.claim_task()
    assert taken is not None
    slow.note(stale, 1.0)
    now = other.get_task(taken.id, "acc")
    assert now is not None
    assert (stale.progress, taken.progress, now.progress) == (0, 0, 0)


async def test_the_end_of_a_task_is_told_by_one_engine(open_records: Open) -> None:
    """Two engines look for ends to tell at every moment; the receiver hears of each once."""
    heard: list[Asked] = []

    async def hear(asked: Asked) -> Reply:
        heard.append(asked)
        return Reply(204)

    async def describe(task: TaskRecord, _: str) -> dict[str, Any]:
        return {"id": task.id}

    receiver = Loopback(hear)
    hook = await receiver.start()
    records = [open_records() for _ in range(2)]
    ids = {
        records[0].add_ended("acc", "m", {}, code=1200, error="no", webhook=f"{hook}/ http://x").id
        for _ in range(30)
    }
    tellers = [Webhooks(mine, describe, local=True) for mine in records]
    for teller in tellers:
        teller.start()
    await until(lambda: not records[0].undelivered(), 30)
    for teller in tellers:
        await teller.stop()
    await receiver.stop()
    assert sorted(asked.json()["id"] for asked in heard) == sorted(ids)
