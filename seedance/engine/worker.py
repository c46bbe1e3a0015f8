"""One render, as a worker process runs it: image files and a request become an MP4 file.

The server's process names these functions but never runs them, so OpenCV and PyAV are loaded inside.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from seedance import images
from seedance.errors import InvalidImage
from seedance.files import whole
from seedance.models import PREVIEW_MODEL
from seedance.version import __version__

_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs to know. It travels between processes."""

    images: tuple[Path, ...]
    prompt: str
    duration: int
    camera_fixed: bool
    seed: int
    video: Path
    progress: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: a video at its path, or the reason why not."""

    inference_ms: int
    error: str = ""


def render(job: Job) -> Outcome:
    """Make the video of a job. The same job gives the same bytes on the same machine."""
    from seedance.engine.director import direct
    from seedance.engine.encoder import encode
    from seedance.engine.renderer import frames

    start = time.perf_counter()
    try:
        pictures = [images.open_upright(path, f"[Image {n}]") for n, path in enumerate(job.images, start=1)]
    except InvalidImage as error:
        return Outcome(0, str(error))
    storyboard = direct(
        job.prompt,
        [picture.size for picture in pictures],
        duration=job.duration,
        camera_fixed=job.camera_fixed,
        seed=job.seed,
    )
    try:
        with whole(job.video) as part:
            encode(
                frames(storyboard, pictures),
                part,
                width=storyboard.width,
                height=storyboard.height,
                frames=storyboard.frames,
                metadata=_metadata(job),
                on_frame=_reporter(job.progress, storyboard.frames),
            )
    finally:
        job.progress.unlink(missing_ok=True)
    return Outcome(round(1000 * (time.perf_counter() - start)))


def warm() -> None:
    """Load what `render` needs."""
    import seedance.engine.encoder
    import seedance.engine.renderer  # noqa: F401


def _reporter(note: Path, total: int) -> Callable[[int], None]:
    """Return a callback that writes the share of frames done to the note, `_STEPS` times in all."""
    step = max(1, total // _STEPS)

    def report(done: int) -> None:
        if done % step == 0:
            note.write_text(f"{done / total:.3f}")

    return report


def _metadata(job: Job) -> dict[str, str]:
    facts = {"prompt": job.prompt, "seed": job.seed, "engine": PREVIEW_MODEL, "version": __version__}
    return {
        "title": job.prompt[:80],
        "description": "Preview of a storyboard in motion; not AI-generated",
        "comment": json.dumps(facts, ensure_ascii=False),
    }
