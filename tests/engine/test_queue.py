from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from seedance import mp4
from seedance.engine.executor import Away, TooMuch, WorkerDied
from seedance.engine.media import Media
from seedance.engine.pool import RenderPool
from seedance.engine.queue import Queue
from seedance.engine.records import LEASE, Records, TaskRecord
from seedance.engine.worker import Job, Outcome
from seedance.errors import InvalidRequest
from seedance.files import write_whole
from seedance.presence import Presence

pytestmark = pytest.mark.anyio


class FakePool:
    """Workers that do what they are told instead of rendering."""

    attempts = 2

    def __init__(self, *ends: Outcome | Exception, workers: int = 1) -> None:
        self.workers = workers
        self.ends = list(ends)
        self.jobs: list[Job] = []
        self.futures: list[asyncio.Future[Outcome]] = []

    def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def run(self, job: Job) -> Outcome:
        self.jobs.append(job)
        self.futures.append(asyncio.get_running_loop().create_future())
        if self.ends:
            end = self.ends.pop(0)
            if isinstance(end, Exception):
                raise end
            return end
        return await self.futures[-1]


class House:
    """An engine's folder, its records and media, as one process has them open."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.file = folder / "engine.sqlite"
        self.media = Media(folder)
        self.records = Records(f"sqlite:///{self.file}", clock=clock)

    def add(self, duration: int = 2, image: str = "picture") -> TaskRecord:
        task = {"prompt": "a fox", "duration": duration, "camera_fixed": False, "seed": 7}
        return self.records.add_task("acc", "m", task, [image])

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
    """After kill -9 a new process renders that task to a whole video; the task beside it notices nothing."""
    async with house.working(RenderPool("process:2")):
        tasks = [house.add(duration=12) for _ in range(2)]
        await until(lambda: all(house.media.read_progress(house.state(task).output) for task in tasks))
        before = multiprocessing.active_children()
        assert before[0].pid is not None
        os.kill(before[0].pid, signal.SIGKILL)
        ended = [await house.ended(task) for task in tasks]
        assert sorted((task.status, task.attempts) for task in ended) == [("completed", 1), ("completed", 2)]
        assert before[0] not in multiprocessing.active_children()
        assert before[1] in multiprocessing.active_children()
    for task in ended:
        assert mp4.fault(house.media.video(task.output)) == ""
        assert house.media.read_progress(task.output) is None


async def test_a_task_that_kills_its_workers_is_given_up(house: House) -> None:
    """Two dead workers are enough: the task fails with the code for it, and no file of it is left."""
    task = house.add()
    pool = FakePool(*[WorkerDied("died")] * 9)
    go_on = pool.run

    async def run(job: Job) -> Outcome:
        for path in (job.result, job.thumbnail):  # it may die when all is there, but not told yet
            path.parent.mkdir(exist_ok=True)
            path.touch()
        return await go_on(job)

    pool.run = run  # type: ignore[method-assign]
    async with house.working(pool):
        ended = await house.ended(task)
    assert (ended.status, ended.code) == ("failed", 1406)
    assert len(pool.jobs) == 2
    assert not any(pool.jobs[0].result.parent.iterdir())


async def test_a_task_whose_workers_are_away_waits_again(house: House) -> None:
    """It is told as waiting, the try does not count, and it is made when somebody is there again."""
    task, pool = house.add(), FakePool(Away("gone"), Outcome(9))
    go_on = pool.run

    async def run(job: Job) -> Outcome:
        pool.workers = 0
        return await go_on(job)

    pool.run = run  # type: ignore[method-assign]
    async with house.working(pool):
        await until(lambda: pool.jobs and house.state(task).status == "created")
        assert house.state(task).attempts == 0
        pool.workers = 1
        ended = await house.ended(task)
    assert (ended.status, ended.attempts, len(pool.jobs)) == ("completed", 1, 2)


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
            begun = [house.media.video(house.state(task).output) for task in tasks[:count]]
            assert [job.result for job in pool.jobs] == begun
            pool.futures[count - 2].set_result(Outcome(9))


async def test_a_new_task_is_begun_at_a_ring(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle worker does not wait for its next look into the database."""
    monkeypatch.setattr("seedance.engine.queue._LOOK", 600.0)
    async with house.working(FakePool(*[Outcome(9)] * 5)) as queue, asyncio.timeout(60):
        for _ in range(5):
            task = house.add()
            queue.ring()
            await house.ended(task)


async def test_idle_workers_look_together(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many workers wait, the database is asked once a second."""
    looks: list[float] = []

    def look(_: object) -> None:
        looks.append(time.monotonic())

    monkeypatch.setattr(house.records, "claim_task", look)
    async with house.working(FakePool(workers=16)):
        await until(lambda: len(looks) == 3)
    assert looks[2] - looks[0] >= 1.9


async def test_who_waits_for_the_end_is_told_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a task rings: those who wait for it, and whoever wants to hear of all."""
    monkeypatch.setattr("seedance.engine.queue._LOOK", 60.0)
    pool, told = FakePool(), asyncio.Event()
    task = house.add()
    async with house.working(pool) as queue, asyncio.timeout(20):
        queue.on_end = told.set
        waiting = [asyncio.create_task(queue.ended(task.id, "acc", 50)) for _ in range(3)]
        await until(lambda: pool.jobs)
        assert not told.is_set()
        pool.futures[0].set_result(Outcome(9))
        assert await asyncio.gather(*waiting) == [house.state(task)] * 3
        await told.wait()


async def test_waiting_for_the_end_has_an_end(house: House) -> None:
    """When the time is over the task is told as it is; one that is gone is told as gone."""
    task = house.add()
    async with house.working(FakePool()) as queue:
        now = await queue.ended(task.id, "acc", 0.2)
        assert now is not None
        assert not now.ended
        assert await queue.ended(task.id, "another", 50) is None
        waiting = asyncio.create_task(queue.ended(task.id, "acc", 50))
        await asyncio.sleep(0)
        house.records.delete_tasks("acc", [task.id])
        assert await waiting is None


async def test_an_end_in_another_process_is_seen(house: House, tmp_path: Path) -> None:
    """A replica on the same database rings no bell here; a look each second sees what it did."""
    other = House(tmp_path / "engine")
    task = house.add()
    claimed = other.records.claim_task()
    assert claimed is not None
    async with house.working(FakePool()) as queue:
        waiting = asyncio.create_task(queue.ended(task.id, "acc", 50))
        await asyncio.sleep(0)
        other.records.finish(claimed, status="completed", inference_ms=9)
        ended = await waiting
    assert ended is not None
    assert ended.status == "completed"
    other.records.close()


async def test_a_task_deleted_in_the_making_leaves_nothing(house: House) -> None:
    """Its video, finished later, is nobody's: it goes."""
    pool, task = FakePool(), house.add()
    async with house.working(pool):
        await until(lambda: pool.jobs)
        house.records.delete_tasks("acc", [task.id])
        made = [pool.jobs[0].result, pool.jobs[0].thumbnail, pool.jobs[0].last_frame]
        for path in made:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"late")
        pool.futures[0].set_result(Outcome(9))
        await until(lambda: not any(path.exists() for path in made))


async def test_a_crashed_engines_task_is_taken_up_at_once(house: House, tmp_path: Path) -> None:
    """An engine whose lock in the folder is free is gone: its lease of ten seconds need not run out."""
    dead = House(tmp_path / "engine")
    presence = Presence(tmp_path / "engine" / "engines", dead.records.holder)
    task = dead.add()
    assert dead.records.claim_task()
    presence._lock.release()  # as the system does when a process is gone
    async with house.working(FakePool(Outcome(9))), asyncio.timeout(LEASE / 2):
        ended = await house.ended(task)
    assert (ended.status, ended.attempts) == ("completed", 2)
    assert not any((tmp_path / "engine" / "engines").iterdir())
    dead.records.close()


async def test_a_living_engines_task_is_left_to_it(house: House, tmp_path: Path) -> None:
    """A lock that is held protects its holder's tasks, however idle the others are."""
    other = House(tmp_path / "engine")
    presence = Presence(tmp_path / "engine" / "engines", other.records.holder)
    other.add()
    assert other.records.claim_task()
    pool, looks = FakePool(), []
    async with house.working(pool) as queue:
        holders = house.records.holders
        house.records.holders = lambda: looks.append(1) or holders()  # type: ignore[method-assign,func-returns-value]
        for look in range(3):
            queue.ring()
            await until(lambda look=look: len(looks) > look)  # type: ignore[misc]
        assert not pool.jobs
    presence.close()
    other.records.close()


async def test_an_upload_that_is_gone_fails_its_task(house: House) -> None:
    """The image is named, with the contract's code for it; nothing is rendered."""
    pool = FakePool()
    async with house.working(pool):
        ended = await house.ended(house.add(image="gone"))
    assert (ended.status, ended.code, pool.jobs) == ("failed", 1402, [])
    assert ended.error.startswith("[Image 1]")


async def test_an_image_that_cannot_be_fetched_fails_its_task(house: House) -> None:
    """Its host is named, and not the rest of its address, which may hold a signature."""
    pool = FakePool()
    async with house.working(pool):
        ended = await house.ended(house.add(image="http://127.0.0.1:9/a.jpg?signature=secret"))
    assert (ended.status, ended.code, pool.jobs) == ("failed", 1402, [])
    assert "127.0.0.1" in ended.error
    assert "secret" not in ended.error


async def test_images_are_not_waited_for_without_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """All images of a task together have so many seconds."""

    async def slow(url: str, path: Path, *, http: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("seedance.engine.references.fetch_image", slow)
    monkeypatch.setattr("seedance.engine.references.SECONDS", 0.1)
    async with house.working(FakePool()):
        ended = await house.ended(house.add(image="https://pictures.example/a.jpg"))
    assert (ended.status, ended.code) == ("failed", 1402)


async def test_a_fetched_image_is_there_while_it_is_needed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The render finds the file; afterwards it is removed."""

    async def fetch(url: str, path: Path, *, http: object) -> None:
        await asyncio.to_thread(write_whole, path, url.encode())

    monkeypatch.setattr("seedance.engine.references.fetch_image", fetch)
    pool = FakePool()
    task = house.add(image="https://pictures.example/a.jpg")
    async with house.working(pool):
        await until(lambda: pool.jobs)
        (image,) = pool.jobs[0].images
        assert image.read_text() == "https://pictures.example/a.jpg"
        pool.futures[0].set_result(Outcome(9))
        await house.ended(task)
        assert not image.exists()


async def test_a_render_beyond_its_limits_fails_its_task(house: House) -> None:
    """It would need as much again: it is not repeated."""
    pool = FakePool(TooMuch("the render took longer than 300 s"))
    async with house.working(pool):
        ended = await house.ended(house.add())
    assert (ended.status, ended.code, len(pool.jobs)) == ("failed", 1403, 1)
    assert "300 s" in ended.error


async def test_a_task_whose_engines_die_is_given_up(house: House, tmp_path: Path) -> None:
    """A task may be what kills the machine: after five starts it is not started again."""
    task = house.add()
    for _ in range(5):
        engine = House(tmp_path / "engine")
        assert engine.records.claim_task()
        engine.records.release(engine.records.holder)
        engine.records.close()
    pool = FakePool()
    async with house.working(pool):
        ended = await house.ended(task)
    assert (ended.status, ended.code, pool.jobs) == ("failed", 1406, [])


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
