"""What moves while the shutter is open leaves a streak."""

from __future__ import annotations

import cv2

from seedance.engine.planes import Planes
from seedance.engine.storyboard import Shot

_OPEN = 0.5  # of a frame: the usual shutter of film
_SEEN = 2.0  # pixels: a shorter streak is not seen


def streak(shot: Shot, frame: int, aspect: float, size: tuple[int, int]) -> tuple[int, int]:
    """Tell how far, in pixels across and down, a whip goes while the shutter is open; 0 where it is slow."""
    if shot.move.whip is None:
        return 0, 0
    ends = [shot.view(frame + moment) for moment in (-_OPEN / 2, _OPEN / 2)]
    off = (ends[1].x - ends[0].x, ends[1].y - ends[0].y)
    lengths = (
        abs(way) / extent * length
        for way, extent, length in zip(off, shot.view(frame).extent(aspect), size, strict=True)
    )
    across, down = (round(length) if length >= _SEEN else 0 for length in lengths)
    return across, down


def streaked(planes: Planes, across: int, down: int) -> Planes:
    """Draw out each point of a frame over so many pixels, half to either side."""
    if not (across or down):
        return planes
    smeared = (
        cv2.blur(plane, ((across // part) | 1, (down // part) | 1), borderType=cv2.BORDER_REPLICATE)
        for plane, part in zip(planes, (1, 2, 2), strict=True)
    )
    return Planes(*smeared)  # type: ignore[arg-type]
