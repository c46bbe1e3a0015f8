from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seedance.engine.records import LEASE, QueueFull, Records, TaskRecord
from seedance.files import put_in_place

INPUT = {"prompt": "a fox", "duration": 5, "camera_fixed": False, "seed": 7}
FIRST = """
CREATE TABLE engine_tasks (
    id VARCHAR(32) NOT NULL, account VARCHAR(64) NOT NULL, model VARCHAR(255) NOT NULL, input JSON NOT NULL,
    images JSON NOT NULL, output VARCHAR(64) NOT NULL, status VARCHAR(16) NOT NULL, error TEXT NOT NULL,
    code INTEGER, inference_ms INTEGER, created_at FLOAT NOT NULL, attempts INTEGER NOT NULL,
    holder VARCHAR(32), lease FLOAT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX engine_tasks_by_status ON engine_tasks (status, created_at);
CREATE TABLE engine_uploads (
    token VARCHAR(64) NOT NULL, account VARCHAR(64) NOT NULL, filename VARCHAR(255) NOT NULL,
    content_type VARCHAR(255) NOT NULL, size INTEGER NOT NULL, expires_at FLOAT NOT NULL,
    stored BOOLEAN NOT NULL,
    PRIMARY KEY (token)
);
CREATE TABLE engine_version (version INTEGER NOT NULL);
INSERT INTO engine_version VALUES (1);
INSERT INTO engine_tasks VALUES
    ('done', 'acc', 'm', '{"prompt": "a fox"}', '["token"]', 'o1', 'completed', '',
     NULL, 900, 1000.5, 1, NULL, 0),
    ('new', 'acc', 'm', '{"prompt": "a box"}', '["token"]', 'o2', 'created', '',
     NULL, NULL, 1001.5, 0, NULL, 0);
INSERT INTO engine_uploads VALUES ('token', 'acc', 'a.jpg', 'image/jpeg', 6, 2000.5, 1);
"""


class Clock:
    """Time that passes when it is told to."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'engine.sqlite'}"


@pytest.fixture
def records(url: str, clock: Clock) -> Iterator[Records]:
    records = Records(url, clock=clock)
    yield records
    records.close()


@pytest.fixture
def other(url: str, clock: Clock) -> Iterator[Records]:
    """The records as another engine process has them open."""
    other = Records(url, clock=clock)
    yield other
    other.close()


def add(records: Records, account: str = "acc") -> TaskRecord:
    return records.add_task(account, "m/reference-to-video", dict(INPUT), ["token"])


@pytest.mark.parametrize("seed", [{}, {"seed": -1}])
def test_a_drawn_seed_is_each_tasks_own(records: Records, seed: dict[str, int]) -> None:
    """It is drawn by the task's id: a render that is begun again makes the same video."""
    tasks = [records.add_task("acc", "m", {"prompt": "a fox"} | seed, []) for _ in range(20)]
    drawn = {task.id: task.seed for task in tasks}
    assert len(set(drawn.values())) > 1
    assert all(0 <= seed < 2**31 for seed in drawn.values())
    again = records.claim_task()
    assert again is not None
    assert again.seed == drawn[again.id]
    assert records.add_task("acc", "m", INPUT, []).seed == 7


def test_an_accepted_task_is_on_record(records: Records, other: Records) -> None:
    """Every process reads the same task, waiting, under an id and an output token of its own."""
    task = add(records)
    assert other.get_task(task.id, "acc") == task
    assert (task.status, task.attempts, task.input) == ("created", 0, INPUT)
    assert len({task.id, task.output, add(records).id, add(records).output}) == 4


def test_a_task_is_invisible_to_another_key(records: Records) -> None:
    """Who asks with another key learns nothing, not even that the id exists."""
    assert records.get_task(add(records).id, "another") is None


def test_the_oldest_task_is_claimed_first(records: Records, clock: Clock) -> None:
    """The queue is first come, first served, and a claimed task is not given out twice."""
    ids = []
    for _ in range(3):
        ids.append(add(records).id)
        clock.now += 1
    claimed = [records.claim_task() for _ in range(4)]
    assert [task and task.id for task in claimed] == [*ids, None]
    assert {task.status for task in claimed if task} == {"processing"}
    assert {task.attempts for task in claimed if task} == {1}


def test_the_task_of_a_dead_engine_is_taken_up(records: Records, other: Records, clock: Clock) -> None:
    """A task left processing is free when its lease has run out, and not before."""
    task = add(records)
    assert records.claim_task()
    clock.now += LEASE
    assert other.claim_task() is None
    records.renew()
    clock.now += LEASE
    assert other.claim_task() is None
    clock.now += 0.1
    taken = other.claim_task()
    assert taken is not None
    assert (taken.id, taken.attempts) == (task.id, 2)


def test_a_stale_engine_cannot_finish_a_task(records: Records, other: Records, clock: Clock) -> None:
    """Only the engine that holds a task ends it."""
    task = add(records)
    stale = records.claim_task()
    clock.now += LEASE + 1
    taken = other.claim_task()
    assert stale is not None
    assert taken is not None
    assert not records.finish(stale, status="failed", error="too late")
    current = other.get_task(task.id, "acc")
    assert current is not None
    assert (current.status, current.error) == ("processing", "")
    assert other.finish(taken, status="completed", inference_ms=9)
    current = other.get_task(task.id, "acc")
    assert current is not None
    assert (current.status, current.inference_ms) == ("completed", 9)
    assert other.claim_task() is None


def test_closing_gives_unfinished_tasks_back(url: str, other: Records, clock: Clock) -> None:
    """A clean end does not count as an attempt, and nobody waits for the lease; ended tasks stay ended."""
    records = Records(url, clock=clock)
    finished = add(records)
    clock.now += 1
    unfinished = add(records)
    claimed = [records.claim_task() for _ in range(2)]
    assert claimed[0] is not None
    assert claimed[0].id == finished.id
    assert records.finish(claimed[0], status="completed", inference_ms=9)
    records.close()
    taken = other.claim_task()
    assert taken is not None
    assert (taken.id, taken.attempts) == (unfinished.id, 1)
    assert other.claim_task() is None


def test_racing_engines_claim_each_task_once(records: Records, url: str, clock: Clock) -> None:
    """However many engines share a database, one of them renders each task."""
    ids = {add(records).id for _ in range(12)}
    engines = [Records(url, clock=clock) for _ in range(4)]
    start = threading.Barrier(len(engines))
    claimed: list[str] = []

    def race(mine: Records) -> None:
        start.wait()
        while len(claimed) < len(ids):
            if task := mine.claim_task():
                claimed.append(task.id)

    run(*(threading.Thread(target=race, args=(mine,)) for mine in engines))
    for mine in engines:
        mine.close()
    assert sorted(claimed) == sorted(ids)


def test_what_was_asked_is_kept(records: Records, other: Records) -> None:
    """The kind, the webhook and the images are read as they were given."""
    images = ["token", "https://pictures.example/a.jpg"]
    task = records.add_task(
        "acc", "m", {"size": "1024*1024"}, images, kind="image", webhook="https://h.example/"
    )
    assert other.get_task(task.id, "acc") == task
    assert (task.kind, task.webhook, task.images) == ("image", "https://h.example/", images)
    assert (task.ended, task.finished_at) == (False, None)


def test_a_full_queue_takes_no_more(records: Records, clock: Clock) -> None:
    """Tasks that wait or run count, ended ones do not."""
    for _ in range(2):
        records.add_task("acc", "m", {}, [], limit=2)
    with pytest.raises(QueueFull):
        records.add_task("acc", "m", {}, [], limit=2)
    claimed = records.claim_task()
    assert claimed
    with pytest.raises(QueueFull):
        records.add_task("another", "m", {}, [], limit=2)
    assert records.counts() == {"created": 1, "processing": 1, "completed": 0, "failed": 0}
    clock.now += 9
    records.finish(claimed, status="completed")
    assert records.add_task("acc", "m", {}, [], limit=2).status == "created"
    ended = records.get_task(claimed.id, "acc")
    assert ended is not None
    assert (ended.ended, ended.finished_at) == (True, clock.now)


def test_racing_submits_do_not_overfill_the_queue(url: str, records: Records) -> None:
    """Count and insert are one statement."""
    engines = [Records(url) for _ in range(4)]
    start = threading.Barrier(len(engines))
    refused: list[str] = []

    def race(mine: Records) -> None:
        start.wait()
        for _ in range(5):
            try:
                mine.add_task("acc", "m", {}, [], limit=7)
            except QueueFull:
                refused.append("full")

    run(*(threading.Thread(target=race, args=(mine,)) for mine in engines))
    for mine in engines:
        mine.close()
    assert records.counts()["created"] == 7
    assert len(refused) == 13


def test_a_task_can_fail_at_once(records: Records, clock: Clock) -> None:
    """It is on record with its code, was never in the queue, and its webhook will be told."""
    task = records.add_ended("acc", "m", INPUT, code=1200, error="moderation", webhook="https://h.example/")
    assert records.get_task(task.id, "acc") == task
    assert (task.status, task.code, task.error, task.finished_at) == ("failed", 1200, "moderation", clock.now)
    assert records.claim_task() is None
    assert records.undelivered() == [task]


def test_a_list_is_filtered_and_paged(records: Records, clock: Clock) -> None:
    """Newest first, one account's alone; every filter narrows it, and the total counts all pages."""
    tasks = []
    for number in range(5):
        clock.now += 1
        tasks.append(records.add_task("acc", f"m{number % 2}", {}, []))
    clock.now += 1
    add(records, "another")
    newest = tasks[::-1]

    def listed(**wanted: Any) -> tuple[list[TaskRecord], int]:
        return records.list_tasks("acc", **{"page": 1, "page_size": 9} | wanted)

    assert listed() == (newest, 5)
    assert listed(page=2, page_size=2) == (newest[2:4], 5)
    assert listed(page=4, page_size=2) == ([], 5)
    assert listed(model="m1") == ([tasks[3], tasks[1]], 2)
    assert listed(created_after=tasks[3].created_at) == (newest[:2], 2)
    assert listed(created_before=tasks[1].created_at, model="m0") == ([tasks[0]], 1)
    assert records.claim_task()
    assert listed(status="created") == (newest[:4], 4)
    assert records.recent_tasks(2)[1] == newest[0]


def test_deleted_tasks_are_gone(records: Records, other: Records) -> None:
    """Only the account's own; one that is being rendered as well, and its end is told as dropped."""
    mine, running, foreign = add(records), add(records), add(records, "another")
    claimed = {task.id: task for task in (records.claim_task(), records.claim_task()) if task}
    deleted = other.delete_tasks("acc", [mine.id, running.id, foreign.id, "unknown"])
    assert {task.id for task in deleted} == {mine.id, running.id}
    assert records.list_tasks("acc", page=1, page_size=9) == ([], 0)
    assert records.get_task(foreign.id, "another") is not None
    assert not records.finish(claimed[running.id], status="completed")


def test_an_end_is_delivered_once(records: Records, clock: Clock) -> None:
    """Ended tasks with a webhook wait for it, oldest first, until it is said that they were told."""
    tasks = []
    for webhook in ("https://h.example/1", "", "https://h.example/3", "https://h.example/4"):
        clock.now += 1
        tasks.append(records.add_task("acc", "m", {}, [], webhook=webhook))
    for _ in tasks[:3]:
        claimed = records.claim_task()
        assert claimed is not None
        assert records.finish(claimed, status="completed")
    assert [task.id for task in records.undelivered()] == [tasks[0].id, tasks[2].id]
    assert len(records.undelivered(limit=1)) == 1
    records.delivered(tasks[0].id)
    assert [task.id for task in records.undelivered()] == [tasks[2].id]


def test_a_database_has_one_secret(records: Records, url: str) -> None:
    """Engines that ask for it at the same moment get the same one, and keep it over restarts."""
    engines = [Records(url) for _ in range(4)]
    start = threading.Barrier(len(engines))
    found: set[str] = set()

    def race(mine: Records) -> None:
        start.wait()
        found.add(mine.secret())

    run(*(threading.Thread(target=race, args=(mine,)) for mine in engines))
    for mine in engines:
        mine.close()
    assert found == {records.secret()}
    assert len(bytes.fromhex(records.secret())) == 32


def test_a_released_holders_tasks_are_free(records: Records, other: Records) -> None:
    """Who knows that an engine is gone need not wait for its leases."""
    task = add(records)
    assert records.claim_task()
    assert other.holders() == [records.holder]
    other.release(records.holder)
    again = other.claim_task()
    assert again is not None
    assert (again.id, again.attempts) == (task.id, 2)


def test_the_first_releases_tasks_are_kept(tmp_path: Path) -> None:
    """A database that the first release wrote is brought forward: its tasks and uploads go on."""
    file = tmp_path / "engine.sqlite"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(FIRST)
    records = Records(f"sqlite:///{file}")
    done, new = records.get_task("done", "acc"), records.claim_task()
    assert done is not None
    assert (done.status, done.kind, done.webhook, done.finished_at) == ("completed", "video", "", None)
    assert new is not None
    assert (new.id, new.images, records.undelivered()) == ("new", ["token"], [])
    tasks, uploads = records.expire(3000.0)
    assert [task.id for task in tasks] == ["done"]
    assert uploads == []  # the new task needs it
    records.close()


def test_an_upload_is_stored_once(records: Records, other: Records) -> None:
    """The first bytes count: a second store under the same token is told so."""
    upload = records.add_upload("acc", "a.jpg", "image/jpeg", 6)
    assert other.get_upload(upload.token) == upload
    assert not upload.stored
    assert records.mark_stored(upload.token)
    assert not other.mark_stored(upload.token)
    stored = other.get_upload(upload.token)
    assert stored is not None
    assert stored.stored
    assert records.get_upload("nothing") is None


def test_racing_uploads_have_one_winner(url: str, records: Records, tmp_path: Path) -> None:
    """Whoever is first places its bytes; those who come at the same moment do not touch them."""
    token, whole = records.add_upload("acc", "a.jpg", "image/jpeg", 1).token, tmp_path / "upload"
    engines = [Records(url) for _ in range(4)]
    start = threading.Barrier(len(engines))
    won: list[str] = []

    def race(mine: Records) -> None:
        part = tmp_path / f"{mine.holder}.part"
        part.write_text(mine.holder)
        start.wait()
        if mine.mark_stored(token, lambda: put_in_place(part, whole)):
            won.append(mine.holder)

    run(*(threading.Thread(target=race, args=(mine,)) for mine in engines))
    for mine in engines:
        mine.close()
    assert won == [whole.read_text()]


def test_an_upload_that_could_not_be_placed_waits(records: Records) -> None:
    """Stored means there: a full disk or a crash leaves a ticket that can be used again."""
    token = records.add_upload("acc", "a.jpg", "image/jpeg", 1).token

    def full() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        records.mark_stored(token, full)
    assert records.mark_stored(token)


def run(*threads: threading.Thread) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
