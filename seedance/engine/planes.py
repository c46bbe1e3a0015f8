"""Pictures as video carries them: luma and chroma planes of BT.709."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.uint8]

BLACK, GREY = 16, 128
"""Code values of black in luma and of no colour in chroma."""

_BAND = 128  # rows

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
        [BLACK, GREY, GREY],
    ]
)


class Planes(NamedTuple):
    """One picture, BT.709 limited range, 4:2:0: luma, and left-sited chroma of half its size."""

    y: Plane
    u: Plane
    v: Plane


def from_image(image: Image.Image) -> Planes:
    """Convert an RGB image of even sides, a band at a time: little memory beside what comes out."""
    width, height = image.size
    half = width // 2
    planes = Planes(
        np.empty((height, width), np.uint8), *(np.empty((height // 2, half), np.uint8) for _ in "uv")
    )
    for top in range(0, height, _BAND):
        band = np.asarray(image.crop((0, top, width, min(top + _BAND, height))))
        y, *chroma = cv2.split(cv2.transform(band, _BT709))
        planes.y[top : top + _BAND] = y
        for plane, full in zip(planes[1:], chroma, strict=True):
            rows = plane[top // 2 : (top + _BAND) // 2]
            rows[:] = cv2.resize(full, (half, rows.shape[0]), interpolation=cv2.INTER_AREA)
    return planes


def mixed(below: Planes, above: Planes, opacity: float) -> Planes:
    """Lay `above` over `below` with `opacity`, 0 to 1."""
    if opacity <= 0 or opacity >= 1:
        return below if opacity <= 0 else above
    layers = (cv2.addWeighted(a, 1 - opacity, b, opacity, 0) for a, b in zip(below, above, strict=True))
    return Planes(*layers)  # type: ignore[arg-type]
