"""A storyboard and its images become frames, straight in the planes that the encoder takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seedance.engine.camera import View
from seedance.engine.director import SURROUND_SHARE, Shot, Storyboard

Plane = NDArray[np.uint8]

DETAIL = 1.6
"""Pixels prepared per pixel shown: below about 1.5 a linear warp looks soft, above 2 it shimmers."""

# R'G'B' 0..255 to Y'CbCr of BT.709 in limited range, as rows of a 3x4 matrix.
_KR, _KB = 0.2126, 0.0722
_LUMA = np.array([_KR, 1 - _KR - _KB, _KB])
_BT709 = np.column_stack(
    [
        np.stack(
            [
                219 / 255 * _LUMA,
                224 / 255 * (np.array([0, 0, 1]) - _LUMA) / (2 * (1 - _KB)),
                224 / 255 * (np.array([1, 0, 0]) - _LUMA) / (2 * (1 - _KR)),
            ]
        ),
        [16, 128, 128],
    ]
)


class Planes(NamedTuple):
    """One frame, BT.709 limited range, 4:2:0: luma, and chroma of half its width and height (left-sited)."""

    y: Plane
    u: Plane
    v: Plane


def frames(storyboard: Storyboard, images: Sequence[Image.Image]) -> Iterator[Planes]:
    """Draw every frame of `storyboard`, in order.

    `images` are upright RGB pictures, taken by index when their shot begins and let go when it ends: a
    sequence that opens files on access keeps at most two in memory. A JPEG not yet loaded is decoded at
    reduced size.
    """
    size = storyboard.width, storyboard.height
    held: dict[Shot, _Still] = {}
    for frame in range(storyboard.frames):
        layers = storyboard.layers(frame)
        held = {shot: held.get(shot) or _Still(images[shot.image], shot, size) for shot, _ in layers}
        (lowest, _), *upper = layers
        picture = held[lowest].seen_from(lowest.view(frame))
        for shot, opacity in upper:
            picture = _dissolve(picture, held[shot].seen_from(shot.view(frame)), opacity)
        yield picture


class _Still:
    """One image of a shot, prepared once: a little larger than it is shown, in planes."""

    def __init__(self, image: Image.Image, shot: Shot, size: tuple[int, int]) -> None:
        self._size = size
        width, height = size
        self._aspect = (image.width / image.height) / (width / height)
        across, down = max(1.0, self._aspect), max(1.0, 1 / self._aspect)
        if shot.fit == "surround":
            across, down = SURROUND_SHARE / down, SURROUND_SHARE / across
        detail = DETAIL * min(shot.move.start.zoom, shot.move.end.zoom)
        picture = _scaled(image, _even(detail * width * across), _even(detail * height * down))
        if shot.fit == "surround":
            picture = _surround(picture, _even(detail * width), _even(detail * height))
            self._aspect = 1.0
        self._planes = _planes(picture)

    def seen_from(self, view: View) -> Planes:
        """Draw the frame that shows `view`."""
        width, height = self._size
        across, down = view.extent(self._aspect)
        left, top = view.x - across / 2, view.y - down / 2

        def warp(plane: Plane, width: int, height: int, phase: float) -> Plane:
            rows, columns = plane.shape
            step_x, step_y = across * columns / width, down * rows / height
            # A source sample lies in the middle of its pixel, a target sample at `phase` of its width.
            matrix = np.array(
                [
                    [step_x, 0, left * columns + phase * step_x - 0.5],
                    [0, step_y, top * rows + 0.5 * step_y - 0.5],
                ]
            )
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            return cv2.warpAffine(  # type: ignore[return-value]
                plane, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
            )

        y, u, v = self._planes
        return Planes(
            warp(y, width, height, 0.5),
            warp(u, width // 2, height // 2, 0.25),
            warp(v, width // 2, height // 2, 0.25),
        )


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))


def _scaled(image: Image.Image, width: int, height: int) -> Plane:
    image.draft("RGB", (width, height))
    return np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS), np.uint8)


def _planes(picture: Plane) -> Planes:
    y, u, v = cv2.split(cv2.transform(picture, _BT709))
    half = picture.shape[1] // 2, picture.shape[0] // 2
    u, v = (cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (u, v))
    return Planes(y, u, v)  # type: ignore[arg-type]


def _surround(picture: Plane, width: int, height: int) -> Plane:
    """Lay `picture` whole on a canvas that carries its edges on, ever softer and darker."""
    rows, columns = picture.shape[:2]
    left, top = (width - columns) // 2, (height - rows) // 2
    margins = top, height - rows - top, left, width - columns - left
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    away_x = np.maximum(np.maximum(left - x, x - (left + columns - 1)), 0)
    away_y = np.maximum(np.maximum(top - y, y - (top + rows - 1)), 0)
    away = (np.hypot(away_x, away_y) / max(width, height))[..., None]

    canvas = cv2.copyMakeBorder(picture, *margins, cv2.BORDER_REFLECT).astype(np.float32)
    # Near the picture its mirrored texture, blurred at once lest the mirror shows. Farther out its edges,
    # drawn out and blurred widely: sky stays sky, ground ground, and no ghost of the subject beside it.
    for border, spread, shrink, reach in (
        (cv2.BORDER_REFLECT, 0.005, 4, 0.004),
        (cv2.BORDER_REPLICATE, 0.04, 16, 0.05),
    ):
        extended = cv2.copyMakeBorder(picture, *margins, border)
        small = cv2.resize(extended, (width // shrink, height // shrink), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), spread * max(width, height) / shrink)
        soft = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        canvas += (soft - canvas) * np.clip(away / reach, 0, 1)
    canvas *= 0.4 + 0.6 * np.exp(-away / 0.05)
    return np.clip(canvas + 0.5, 0, 255).astype(np.uint8)  # type: ignore[no-any-return]


def _dissolve(below: Planes, above: Planes, opacity: float) -> Planes:
    mixed = (cv2.addWeighted(a, 1 - opacity, b, opacity, 0) for a, b in zip(below, above, strict=True))
    return Planes(*mixed)  # type: ignore[arg-type]
