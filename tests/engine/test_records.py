from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedance.engine.records import LEASE, Records, TaskRecord

INPUT = {"prompt": "a fox", "duration": 5, "camera_fixed": False, "seed": 7}


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
    assert records.claim_task()
    clock.now += LEASE + 1
    assert other.claim_task()
    records.finish(task.id, status="failed", error="too late")
    current = other.get_task(task.id, "acc")
    assert current is not None
    assert (current.status, current.error) == ("processing", "")
    other.finish(task.id, status="completed", inference_ms=9)
    current = other.get_task(task.id, "acc")
    assert current is not None
    assert (current.status, current.inference_ms) == ("completed", 9)
    assert other.claim_task() is None


def test_closing_gives_unfinished_tasks_back(url: str, other: Records, clock: Clock) -> None:
    """A clean end does not count as an attempt, and nobody waits for the lease; ended tasks stay ended."""
    records = Records(url, clock=clock)
    unfinished, finished = add(records), add(records)
    for _ in range(2):
        assert records.claim_task()
    records.finish(finished.id, status="completed", inference_ms=9)
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

    threads = [threading.Thread(target=race, args=(mine,)) for mine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mine in engines:
        mine.close()
    assert sorted(claimed) == sorted(ids)


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
