from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedance.engine.media import Media
from seedance.engine.records import KEPT, UPLOAD_TIME, Records, TaskRecord
from seedance.engine.retention import Sweeper

HOUR = 3600.0
DAY = 24 * HOUR


class Engine:
    """Records and media at a time that is set, and their sweeper."""

    def __init__(self, folder: Path) -> None:
        self.now = time.time()
        self.media = Media(folder)
        self.records = Records(f"sqlite:///{folder / 'engine.sqlite'}", clock=lambda: self.now)
        self.sweeper = Sweeper(self.records, self.media, clock=lambda: self.now)

    def add_upload(self) -> str:
        token = self.records.add_upload("acc", "a.jpg", "image/jpeg", 4).token
        write(self.media.upload(token))
        assert self.records.mark_stored(token)
        return token

    def add_task(self, kind: str = "video", images: list[str] | None = None) -> TaskRecord:
        return self.records.add_task("acc", "m", {}, images or [], kind=kind)

    def make(self, kind: str = "video") -> TaskRecord:
        """Add a task and complete it."""
        self.add_task(kind)
        task = self.records.claim_task()
        assert task is not None
        pictures = [self.media.thumbnail(task.output)]
        if kind == "video":
            pictures.append(self.media.last_frame(task.output))
        for path in (self.media.result(task), *pictures):
            write(path)
        assert self.records.finish(task, status="completed")
        return task

    def files(self) -> set[str]:
        return {path.name for path in self.media.root.glob("*/*")}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "engine")
    yield engine
    engine.records.close()


def made(task: TaskRecord) -> set[str]:
    """Return the names of what a video's task made."""
    return {f"{task.output}.{ending}" for ending in ("mp4", "thumb.webp", "last.png")}


def write(path: Path, age: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"data")
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_what_is_older_than_seven_days_goes(engine: Engine) -> None:
    """Records, results with the pictures beside them, uploads: all gone, and what is younger stays."""
    old, image, upload = engine.make(), engine.make("image"), engine.add_upload()
    engine.now += 2 * HOUR
    young, kept = engine.make(), engine.add_upload()
    engine.now += KEPT - HOUR + 1
    engine.sweeper.sweep()
    assert [engine.records.get_task(task.id, "acc") for task in (old, image)] == [None, None]
    assert engine.records.get_task(young.id, "acc") is not None
    assert engine.records.known_uploads([upload, kept]) == {kept}
    assert engine.files() == {*made(young), kept}


def test_the_days_are_counted_from_the_end(engine: Engine) -> None:
    """A task that waited for long is kept as long as any other, once it has ended."""
    engine.add_task()
    engine.now += 8 * DAY
    engine.sweeper.sweep()
    task = engine.records.claim_task()
    assert task is not None
    assert engine.records.finish(task, status="completed")
    engine.now += 6 * DAY
    engine.sweeper.sweep()
    assert engine.records.get_task(task.id, "acc") is not None
    engine.now += 2 * DAY
    engine.sweeper.sweep()
    assert engine.records.get_task(task.id, "acc") is None


def test_what_a_waiting_task_needs_stays(engine: Engine) -> None:
    """An old upload goes only when the last task that was to be made of it has ended."""
    first, second, other = engine.add_upload(), engine.add_upload(), engine.add_upload()
    engine.add_task(images=[second, first])
    engine.now += 9 * DAY
    for _ in range(2):  # waiting, then being rendered
        engine.sweeper.sweep()
        assert engine.files() == {first, second}
        assert engine.records.known_uploads([first, second, other]) == {first, second}
        task = engine.records.claim_task()
    assert task is None
    ((running, *_), _) = engine.records.list_tasks("acc", page=1, page_size=9)
    assert engine.records.finish(running, status="failed")
    engine.sweeper.sweep()
    assert engine.files() == set()


def test_an_upload_is_refused_before_it_is_deleted(engine: Engine) -> None:
    """A submit can never be accepted with an upload that the sweeper has in its hands."""
    token = engine.add_upload()
    engine.now += KEPT - 1
    assert engine.records.get_upload(token) is not None
    engine.now += 2
    assert engine.records.get_upload(token) is None
    engine.sweeper.sweep()
    assert engine.records.known_uploads([token]) == {token}
    engine.now += UPLOAD_TIME
    engine.sweeper.sweep()
    assert engine.records.known_uploads([token]) == set()


def test_more_than_a_batch_goes_in_one_sweep(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much has grown old, it is gone after the sweep."""
    monkeypatch.setattr("seedance.engine.retention.BATCH", 3)
    tokens = [engine.add_upload() for _ in range(8)]
    engine.now += 9 * DAY
    engine.sweeper.sweep()
    assert engine.records.known_uploads(tokens) == set()
    assert engine.files() == set()


def test_what_killed_processes_left_goes(engine: Engine) -> None:
    """Temporary files go after an hour without a change; those being written stay."""
    media = engine.media
    for age in (0, 2 * HOUR):
        write(media.new_part("upload"), age)
        write(media.root / "videos" / f"{age:.0f}.mp4.0123.part", age)
        write(media.progress(f"{age:.0f}"), age)
        write(media.fetched(f"{age:.0f}", 0), age)
    engine.sweeper.sweep_files()
    left = engine.files()
    assert len(left) == 4
    assert {"0.mp4.0123.part", "0.progress", "0.0"} < left


def test_a_file_that_no_record_names_goes(engine: Engine) -> None:
    """After a day: until then it may belong to a record that is just being made or deleted."""
    task, upload = engine.make(), engine.add_upload()
    for age in (HOUR, 2 * DAY):
        write(engine.media.video(f"orphan-{age:.0f}"), age)
        write(engine.media.upload(f"orphan-{age:.0f}"), age)
    for path in engine.media.root.glob("*/*"):
        if not path.name.startswith("orphan"):
            write(path, 3 * DAY)
    engine.sweeper.sweep_files()
    young = f"orphan-{HOUR:.0f}"
    assert engine.files() == {*made(task), upload, young, f"{young}.mp4"}


@pytest.mark.anyio
async def test_a_fault_does_not_end_the_sweeping(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that is away for a while is swept when it is back."""
    import asyncio

    sweeps = []

    def sweep() -> None:
        sweeps.append(1)
        if len(sweeps) == 1:
            raise OSError("away")

    monkeypatch.setattr("seedance.engine.retention._EVERY", 0.01)
    monkeypatch.setattr(engine.sweeper, "sweep", sweep)
    running = asyncio.create_task(engine.sweeper.run())
    async with asyncio.timeout(20):
        while len(sweeps) < 3:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "trying again" in caplog.text
