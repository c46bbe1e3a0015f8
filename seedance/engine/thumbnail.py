"""The small picture beside a result: a JPEG of 320 pixels across."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from seedance.engine.planes import Planes
from seedance.files import whole

WIDTH: Final = 320  # pixels
_MOMENT: Final = 0.4  # share of the video that has passed by then
_QUALITY: Final = 82
_COLOURS: Final = np.array([[1.16438, 0, 1.79274], [1.16438, -0.21325, -0.53291], [1.16438, 2.1124, 0]])
_RGB: Final = np.column_stack([_COLOURS, _COLOURS @ [-16, -128, -128]])
"""BT.709 in limited range to R'G'B' 0..255: the way back from the renderer's planes."""


class Glimpse:
    """Looks at the frames of a video on their way to the encoder and keeps one, small."""

    def __init__(self, frames: int) -> None:
        self._moment = int(_MOMENT * frames)
        self.picture: Image.Image | None = None

    def of(self, frames: Iterable[Planes]) -> Iterator[Planes]:
        """Pass the frames on as they are."""
        for number, frame in enumerate(frames):
            if number == self._moment:
                self.picture = _picture(frame)
            yield frame


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture as a thumbnail, whole or not at all."""
    small = picture.resize(_size(*picture.size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    with whole(path) as part:
        small.save(part, "JPEG", quality=_QUALITY, optimize=True)


def _size(width: int, height: int) -> tuple[int, int]:
    return WIDTH, max(1, round(height * WIDTH / width))


def _picture(frame: Planes) -> Image.Image:
    """Return a frame in colours, twice as large as a thumbnail."""
    height, width = frame.y.shape
    across, down = _size(width, height)
    size = min(width, 2 * across), min(height, 2 * down)
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in frame]
    colours = cv2.transform(np.dstack(planes).astype(np.float32), _RGB)
    return Image.fromarray(np.clip(colours + 0.5, 0, 255).astype(np.uint8))
