"""The reference images as the page holds them: checked as they come, numbered, in the user's order."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
from gradio.utils import get_upload_folder
from PIL import Image

from seedance import images
from seedance.errors import InvalidImage
from seedance.models import MAX_IMAGES
from seedance.page.language import reason, say

Gallery = list[tuple[str, str | None]] | None
Numbered = list[tuple[str, str]]
_FOLDER: Final = "references"


def uploaded(name: str) -> Path:
    """Return the path of a file that was uploaded to this page; no other file of this machine is read.

    Raises:
        InvalidImage: it was not.
    """
    path = Path(name).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise InvalidImage(path.name, "it was not uploaded here; upload the image first.")
    return path


def paths(gallery: Gallery) -> list[str]:
    """Return the images' paths in their order."""
    return [path for path, _ in gallery or []]


def numbered(language: str, files: Sequence[str]) -> Numbered:
    """Return the gallery's value: each image under the name by which a prompt may call it."""
    return [(file, say(language, "image", n=n)) for n, file in enumerate(files, start=1)]


async def check(language: str, gallery: Gallery) -> tuple[Numbered, list[str]]:
    """Return the images that can be used, and for each that was left out why."""
    good: list[str] = []
    words: list[str] = []
    for name in paths(gallery):
        try:
            await asyncio.to_thread(images.clean, uploaded(name))
            good.append(name)
        except InvalidImage as error:
            why = reason(language, error)
            words.append(say(language, "bad_image", name=error.name, reason=why))
    if good[MAX_IMAGES:]:
        names = ", ".join(Path(name).name for name in good[MAX_IMAGES:])
        words.append(say(language, "too_many", most=MAX_IMAGES, names=names))
    return numbered(language, good[:MAX_IMAGES]), words


def moved(files: list[str], place: int | None, by: int) -> tuple[list[str], int | None]:
    """Return the images with the one at `place` moved, and its new place."""
    if place is None or not 0 <= place < len(files) or not 0 <= place + by < len(files):
        return files, place
    files = [*files]
    files.insert(place + by, files.pop(place))
    return files, place + by


def kept(folder: Path, sha256: str, name: str) -> str | None:
    """Return a copy of a kept reference image under its own name, or None where it is gone."""
    target = Path(get_upload_folder()) / _FOLDER / sha256 / f"{Path(name).stem or 'image'}.jpg"
    if not target.exists():
        source = folder / f"{sha256}.jpg"
        if not source.exists():
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return str(target)


def last_frame(video: Path) -> str | None:
    """Return the last frame of a video as a file of its own, or None where it cannot be read."""
    target = Path(get_upload_folder()) / _FOLDER / video.stem / "last-frame.png"
    if target.exists():
        return str(target)
    reader = cv2.VideoCapture(str(video))
    try:
        picture = None
        while True:
            more, frame = reader.read()
            if not more:
                break
            picture = frame
    finally:
        reader.release()
    if picture is None:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).save(target)
    return str(target)
