from __future__ import annotations

import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from seedance import mp4
from seedance.engine.executor import TooMuch, WorkerDied
from seedance.engine.pool import RenderPool
from seedance.engine.worker import Job, render
from tests.proof.waiting import until


@pytest.fixture
def image_job(job: Job) -> Job:
    return replace(job, kind="image", images=(), result=job.result.with_suffix(".jpg"), prompt="A red fox")


@asynccontextmanager
async def limited(megabytes: int) -> AsyncIterator[RenderPool]:
    pool = RenderPool("process:1", memory=megabytes << 20)
    yield pool
    await pool.close()


def is_there(pid: int | None) -> bool:
    """Tell whether a process lives, or waits to be asked how it ended."""
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_video_has_a_thumbnail(job: Job, photo: Path) -> None:
    """A WebP of 320 pixels across, in the colours of the picture; nothing else is left in the folder."""
    assert render(job).error == ""
    assert mp4.fault(job.result) == ""
    with Image.open(job.thumbnail, formats=("WEBP",)) as small, Image.open(photo) as picture:
        assert small.size == (320, 238)
        shown, given = (
            image.convert("RGB").resize((1, 1), Image.Resampling.BOX) for image in (small, picture)
        )
        off = [abs(a - b) for a, b in zip(shown.getpixel((0, 0)), given.getpixel((0, 0)), strict=True)]  # type: ignore[arg-type]
    assert max(off) < 12
    assert set(job.result.parent.iterdir()) == {job.result, job.thumbnail, job.last_frame}


def test_a_video_has_its_last_frame(job: Job) -> None:
    """A PNG of the video's size that looks as the video ends, and not as it begins."""
    assert render(job).error == ""
    with av.open(str(job.result)) as video:
        shown = [frame.to_ndarray(format="rgb24").astype(int) for frame in video.decode(video=0)]
    with Image.open(job.last_frame, formats=("PNG",)) as image:
        last = np.asarray(image.convert("RGB")).astype(int)
    first, final = (float(np.abs(last - frame).mean()) for frame in (shown[0], shown[-1]))
    assert final < 3 < first


@pytest.mark.parametrize("writes", ["save", "write_whole"])
def test_the_pictures_are_there_before_the_video(
    job: Job, monkeypatch: pytest.MonkeyPatch, writes: str
) -> None:
    """Whoever sees a finished video finds what is beside it: a render that ends before has no video."""

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(f"seedance.engine.thumbnail.{writes}", full)
    with pytest.raises(OSError, match="disk full"):
        render(job)
    left = set(job.result.parent.iterdir())
    assert left <= {job.thumbnail}


def test_an_image_is_made_from_a_prompt(image_job: Job) -> None:
    """A JPEG of 1024 × 1024, the same for the same seed and another for another, with its thumbnail."""
    made = []
    for seed in (7, 7, 8):
        assert render(replace(image_job, seed=seed)).error == ""
        made.append(image_job.result.read_bytes())
    assert made[0] == made[1] != made[2]
    with Image.open(image_job.result, formats=("JPEG",)) as image:
        assert (image.size, image.getexif()) == ((1024, 1024), {})
    with Image.open(image_job.thumbnail) as small:
        assert small.size == (320, 320)


@pytest.mark.parametrize("prompt", ["", "日落时分的海", "x" * 2000, "W" * 2000, "a\nb\t\0c", "\ud7ff\u202e"])
def test_any_prompt_can_be_drawn(image_job: Job, prompt: str) -> None:
    """Whatever is written, there is an image."""
    assert render(replace(image_job, prompt=prompt)).error == ""
    assert image_job.result.is_file()


def test_a_video_without_images_shows_its_prompts_image(job: Job) -> None:
    """Models that take a prompt alone render, too."""
    assert render(replace(job, images=())).error == ""
    assert mp4.fault(job.result) == ""


def test_an_unusable_image_is_named(job: Job, tmp_path: Path) -> None:
    """The second image is the second."""
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    outcome = render(replace(job, images=(*job.images, damaged)))
    assert outcome.error.startswith("[Image 2]: ")


def test_an_image_that_needs_too_much_memory_is_named(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gave it learns which one it is."""

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", full)
    assert render(job).error == "[Image 1]: the image needs too much memory to be decoded."


@pytest.mark.anyio
async def test_an_image_has_so_much_memory_and_no_more(job: Job, tmp_path: Path) -> None:
    """One that needs more makes no video, and its render ends with a reason.

    Which is refused first is a race: the image, a thread, or a library that does not survive it.
    """
    large = tmp_path / "large.jpg"
    Image.new("RGB", (8000, 6000), "teal").save(large)
    async with limited(64) as pool:
        try:
            error = (await pool.run(replace(job, images=(large,)))).error
        except (TooMuch, WorkerDied) as late:
            error = str(late)
    assert error
    assert not job.result.exists()


@pytest.mark.anyio
async def test_a_render_has_so_much_memory_and_no_more(job: Job) -> None:
    """What needs more ends with a reason, its worker is replaced, and what needs less is rendered."""
    async with limited(32) as pool:
        with pytest.raises(TooMuch, match="memory"):
            await pool.run(replace(job, images=()))  # with a photo, its decoding may be what fails first
        assert not job.result.exists()
        assert (await pool.run(replace(job, kind="image"))).error == ""


@pytest.mark.anyio
async def test_a_render_has_so_much_time_and_no_more(job: Job) -> None:
    """Its process is ended and replaced; no video lies under its name."""
    before = set(multiprocessing.active_children())
    pool = RenderPool("process:1", seconds=0.5)
    pool.warm()
    (worker,) = set(multiprocessing.active_children()) - before
    with pytest.raises(TooMuch, match="longer"):
        await pool.run(replace(job, duration=12))
    await until(lambda: not is_there(worker.pid), 30)  # not `join`: the pool may have asked before
    assert not job.result.exists()
    with pytest.raises(TooMuch, match="longer"):
        await pool.run(replace(job, duration=12))
    await pool.close()
