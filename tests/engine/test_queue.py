from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from seedance import mp4
from seedance.engine.executor import RenderPool
from seedance.engine.media import Media
from seedance.engine.queue import Queue
from seedance.engine.records import Records, TaskRecord
from seedance.engine.worker import Job, Outcome
from seedance.errors import InvalidRequest

pytestmark = pytest.mark.anyio


class FakePool:
    """Workers that do what they are told instead of rendering."""

    def __init__(self, *ends: Outcome | Exception, workers: int = 1) -> None:
        self.workers = workers
        self.ends = list(ends)
        self.jobs: list[Job] = []
        self.futures: list[Future[Outcome]] = []

    def warm(self) -> None:
        pass

    def close(self) -> None:
        pass

    def submit(self, job: Job) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        self.jobs.append(job)
        self.futures.append(future)
        if self.ends:
            end = self.ends.pop(0)
            future.set_exception(end) if isinstance(end, Exception) else future.set_result(end)
        return future


class House:
    """An engine's folder, its records and media, as one process has them open."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.file = folder / "engine.sqlite"
        self.media = Media(folder)
        self.records = Records(f"sqlite:///{self.file}", clock=clock)

    def add(self, duration: int = 2) -> TaskRecord:
        task = {"prompt": "a fox", "duration": duration, "camera_fixed": False, "seed": 7}
        return self.records.add_task("acc", "m", task, ["picture"])

    def state(self, task: TaskRecord) -> TaskRecord:
        found = self.records.get_task(task.id, "acc")
        assert found is not None
        return found

    async def ended(self, task: TaskRecord) -> TaskRecord:
        await until(lambda: self.state(task).status in ("completed", "failed"))
        return self.state(task)

    @asynccontextmanager
    async def working(self, pool: FakePool | RenderPool) -> AsyncIterator[Queue]:
        queue = Queue(self.records, self.media, pool)  # type: ignore[arg-type]
        queue.start()
        try:
            yield queue
        finally:
            await queue.stop()
            self.records.close()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


@pytest.fixture
def house(tmp_path: Path, photo: Path) -> House:
    house = House(tmp_path / "engine")
    house.media.upload("picture").parent.mkdir(parents=True)
    shutil.copyfile(photo, house.media.upload("picture"))
    return house


async def test_a_killed_worker_is_replaced_and_its_task_made_again(house: House) -> None:
    """After kill -9 in the middle of a render the task is rendered by a new process, to a whole video."""
    async with house.working(RenderPool("process:1")):
        task = house.add(duration=12)
        await until(lambda: house.media.read_progress(task.output))
        (worker,) = multiprocessing.active_children()
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        ended = await house.ended(task)
        assert (ended.status, ended.attempts) == ("completed", 2)
        assert worker not in multiprocessing.active_children()
    assert mp4.fault(house.media.video(task.output)) == ""
    assert house.media.read_progress(task.output) is None


async def test_a_task_that_kills_its_workers_is_given_up(house: House) -> None:
    """Two dead workers are enough: the task fails with the contract's code for it."""
    task = house.add()
    pool = FakePool(*[BrokenProcessPool("died")] * 9)
    async with house.working(pool):
        ended = await house.ended(task)
    assert (ended.status, ended.code) == ("failed", 1406)
    assert len(pool.jobs) == 2


async def test_a_dead_engines_task_is_taken_up(house: House, tmp_path: Path) -> None:
    """A task left processing by an engine that is gone is rendered when its lease has run out."""
    dead = House(tmp_path / "engine", clock=lambda: time.time() - 3600)
    task = dead.add()
    assert dead.records.claim_task()
    async with house.working(FakePool(Outcome(9))):
        ended = await house.ended(task)
    assert (ended.status, ended.attempts, ended.inference_ms) == ("completed", 2, 9)
    dead.records.close()


async def test_stopping_gives_tasks_back(house: House, tmp_path: Path) -> None:
    """What was being rendered is in the queue again, and its interrupted attempt does not count."""
    task = house.add()
    pool = FakePool()
    async with house.working(pool):
        await until(lambda: pool.jobs)
    assert pool.futures[0].cancelled()
    successor = House(tmp_path / "engine")
    again = successor.records.claim_task()
    successor.records.close()
    assert again is not None
    assert (again.id, again.attempts) == (task.id, 1)


async def test_an_unusable_image_fails_the_task_with_its_reason(house: House) -> None:
    """The worker's reason reaches the caller with the code for an invalid parameter; nothing is repeated."""
    task = house.add()
    pool = FakePool(Outcome(0, "[Image 1]: the image is damaged"))
    async with house.working(pool):
        ended = await house.ended(task)
    assert (ended.status, ended.error, ended.code) == ("failed", "[Image 1]: the image is damaged", 1401)
    assert len(pool.jobs) == 1


async def test_a_fault_of_the_renderer_fails_its_task_alone(house: House) -> None:
    """An exception in a render ends that task without showing its inside; the next one is rendered."""
    faulty, fine = house.add(), house.add()
    async with house.working(FakePool(MemoryError("at 0xdeadbeef"), Outcome(9))):
        ended = await house.ended(faulty)
        assert (await house.ended(fine)).status == "completed"
    assert (ended.status, ended.code) == ("failed", 1403)
    assert "0xdeadbeef" not in ended.error


async def test_as_many_tasks_at_a_time_as_workers_oldest_first(house: House) -> None:
    """A task waits while all workers are busy, and the one that waits longest is next."""
    tasks = [house.add() for _ in range(4)]
    pool = FakePool(workers=2)
    async with house.working(pool):
        for count in (2, 3, 4):
            await until(lambda count=count: len(pool.jobs) == count)  # type: ignore[misc]
            running = [task for task in tasks if house.state(task).status == "processing"]
            assert running == running[:2]
            pool.futures[count - 2].set_result(Outcome(9))
    assert [job.video for job in pool.jobs] == [house.media.video(task.output) for task in tasks]


async def test_a_new_task_is_begun_at_a_ring(house: House) -> None:
    """An idle worker does not wait for its next look into the database."""
    async with house.working(FakePool(*[Outcome(9)] * 5)) as queue, asyncio.timeout(2.5):
        for _ in range(5):
            task = house.add()
            queue.ring()
            await house.ended(task)


async def test_a_database_fault_does_not_end_the_work(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """When the disk has room again, the tasks that were accepted are rendered."""
    task = house.add()
    change_database(
        house, "CREATE TRIGGER full BEFORE UPDATE ON engine_tasks BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    pool = FakePool(Outcome(9))
    async with house.working(pool):
        await until(lambda: "records failed" in caplog.text)
        assert not pool.jobs
        change_database(house, "DROP TRIGGER full")
        assert (await house.ended(task)).status == "completed"


def change_database(house: House, statement: str) -> None:
    with sqlite3.connect(house.file) as db:
        db.execute(statement)
    db.close()


@pytest.mark.parametrize("setting", ["process:0", "process:62", "process:x", "thread", "dask", ""])
def test_a_wrong_executor_is_named(setting: str) -> None:
    """The error holds the variable and what it may be."""
    with pytest.raises(InvalidRequest, match=r"SEEDANCE_EXECUTOR: .*process:N"):
        RenderPool(setting)
