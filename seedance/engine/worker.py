"""One render, as a worker process runs it: image files and a request become an MP4 file, or a JPEG.

The server's process names these functions but never runs them, so OpenCV and PyAV are loaded inside.
"""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, overload

from PIL import Image

from seedance import images
from seedance.engine.fetch import MAX_IMAGE_BYTES
from seedance.errors import InvalidImage
from seedance.files import whole
from seedance.models import PREVIEW_MODEL
from seedance.version import __version__

_Read = TypeVar("_Read")
_STEPS: Final = 50
_QUALITY: Final = 90

Report = Callable[[float], None]
"""Takes the share of a render that is done, 0 to 1. What it raises ends the render."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs to know. It travels between processes."""

    images: tuple[Path, ...]
    prompt: str
    duration: int
    camera_fixed: bool
    seed: int
    result: Path
    thumbnail: Path
    last_frame: Path
    """Of a video; an image has none."""
    progress: Path
    kind: str = "video"
    """What is made: a video of the images, or an image of the prompt."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: a file at its path, or the reason why not."""

    inference_ms: int
    error: str = ""
    storyboard: str = ""
    """The video in words."""


def render(job: Job, report: Report | None = None) -> Outcome:
    """Make the result of a job. The same job gives the same bytes on the same machine.

    Its progress goes to `report`, or else into the job's note.

    Raises:
        MemoryError: it needed more than this process may have.
    """
    start = time.perf_counter()
    try:
        storyboard = _draw(job) if job.kind == "image" else _film(job, report or partial(note, job.progress))
    except InvalidImage as error:
        return Outcome(0, str(error))
    except Exception as error:
        if not _is_out_of_memory(error):
            raise
        raise MemoryError from error
    return Outcome(round(1000 * (time.perf_counter() - start)), storyboard=storyboard)


def warm() -> None:
    """Load what `render` needs."""
    import seedance.engine.encoder
    import seedance.engine.poster
    import seedance.engine.renderer
    import seedance.engine.thumbnail  # noqa: F401


def note(path: Path, share: float) -> None:
    """Write progress where the server reads it; it never reads half a number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(f"{share:.3f}")
    part.replace(path)


class _Opened(Sequence[Image.Image]):
    """The images of a job, each decoded when it is asked for, so that few are in memory at a time."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> Image.Image: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Image.Image]: ...
    def __getitem__(self, index: int | slice) -> Image.Image | Sequence[Image.Image]:
        if isinstance(index, slice):
            return _Opened(self._paths[index])
        return self._read(images.open_upright, index)

    def sizes(self) -> list[tuple[int, int]]:
        """Tell the sizes of the images, before they are decoded."""
        return [self._read(images.upright_size, index) for index in range(len(self._paths))]

    def _read(self, reader: Callable[..., _Read], index: int) -> _Read:
        name = f"[Image {index + 1}]"
        return reader(self._paths[index], name, side=images.UPLOAD_SIDE, max_bytes=MAX_IMAGE_BYTES)


def _film(job: Job, report: Report) -> str:
    """Make a video of the job's images, or where it has none of the image that its prompt gives."""
    from seedance.engine import matte, thumbnail
    from seedance.engine.director import direct
    from seedance.engine.encoder import encode
    from seedance.engine.poster import draw
    from seedance.engine.renderer import frames

    pictures: Sequence[Image.Image] = _Opened(job.images) if job.images else [draw(job.prompt, job.seed)]
    mattes = matte.find(pictures)
    storyboard = direct(
        job.prompt,
        pictures.sizes() if isinstance(pictures, _Opened) else [picture.size for picture in pictures],
        duration=job.duration,
        camera_fixed=job.camera_fixed,
        seed=job.seed,
        subjects=[found and found.box for found in mattes],
    )
    words = storyboard.describe()
    drawn = frames(storyboard, pictures, mattes)
    try:
        with whole(job.result) as part:
            encode(
                thumbnail.kept(drawn, storyboard.frames, job.thumbnail, job.last_frame),
                part,
                width=storyboard.width,
                height=storyboard.height,
                frames=storyboard.frames,
                metadata=_metadata(job, words),
                noisy=storyboard.weather == "film grain",
                on_frame=_steps(report, storyboard.frames),
            )
    finally:
        job.progress.unlink(missing_ok=True)
    return words


def _draw(job: Job) -> str:
    from seedance.engine import thumbnail
    from seedance.engine.poster import draw

    picture = draw(job.prompt, job.seed)
    thumbnail.save(picture, job.thumbnail)
    with whole(job.result) as part:
        picture.save(part, "JPEG", quality=_QUALITY, optimize=True)
    return ""


def _is_out_of_memory(error: Exception) -> bool:
    """Return whether that is the limit on memory speaking, in the words of Python, OpenCV or FFmpeg."""
    said = str(error)
    return (
        isinstance(error, MemoryError)
        or getattr(error, "errno", None) == errno.ENOMEM
        or any(words in said for words in ("Insufficient memory", "can't start new thread"))
    )


def _steps(report: Report, total: int) -> Callable[[int], None]:
    """Return a callback for each frame that reports `_STEPS` times in all."""
    step = max(1, total // _STEPS)

    def count(done: int) -> None:
        if done % step == 0:
            report(done / total)

    return count


def _metadata(job: Job, storyboard: str) -> dict[str, str]:
    facts = {
        "prompt": job.prompt,
        "seed": job.seed,
        "storyboard": storyboard,
        "engine": PREVIEW_MODEL,
        "version": __version__,
    }
    return {
        "title": job.prompt[:80],
        "description": "Preview of a storyboard in motion; not AI-generated",
        "comment": json.dumps(facts, ensure_ascii=False),
    }
