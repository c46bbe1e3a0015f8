"""Parallax in two layers: a subject, cut out by its matte, before a background that goes on behind it."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from seedance.engine.camera import ease
from seedance.engine.framing import Box
from seedance.engine.matte import Matte
from seedance.engine.planes import Plane, Planes
from seedance.engine.storyboard import Shot

Matrix = NDArray[np.float64]

_GROWTH: Final = 0.05
"""How much larger a push makes the subject than its surroundings."""
_SHIFT: Final = 0.011
"""How far a sideways journey moves it against them at either end, in widths of the frame."""
_FREE: Final = 0.02
"""Of the picture, between its edge and a subject that may move sideways: there is nothing beyond the edge."""
_HARD: Final = 0.2, 0.75
"""What of the matte is nothing, and what is all: the softness that is left is the edge's own."""
_GUIDED: Final = 640, 4, 1e-4  # pixels across, radius, and how flat is flat
_SPARED: Final = 0.004  # of the width, around the subject, that the background is not filled from


class Cutout(NamedTuple):
    """A subject in planes, already multiplied by its matte; `clear` is what it lets through, 255 for all."""

    front: Planes
    clear: tuple[Plane, Plane]
    left: int
    top: int
    """Where it lies in the picture, in even pixels."""
    box: Box


def cut(planes: Planes, matte: Matte, shot: Shot) -> tuple[Planes, Cutout] | None:
    """Part a picture in background and subject; None where the shot's journey would show the trick."""
    sideways, inward = journey(shot)
    box = matte.box
    if not matte.solid or not (sideways or inward) or (sideways and min(box.left, 1 - box.right) < _FREE):
        return None
    alpha = _sharp(planes.y, matte.share)
    down, across = (np.flatnonzero((alpha > 0).any(axis)) for axis in (1, 0))
    rows, columns = alpha.shape
    top, left = (max(0, int(found[0]) - 4) // 2 * 2 for found in (down, across))
    bottom, right = (
        min(length, int(found[-1]) + 6) // 2 * 2 for found, length in ((down, rows), (across, columns))
    )
    inside = alpha[top:bottom, left:right]
    half = cv2.resize(inside, (inside.shape[1] // 2, inside.shape[0] // 2), interpolation=cv2.INTER_AREA)
    pieces = [planes.y[top:bottom, left:right]]
    pieces += [plane[top // 2 : bottom // 2, left // 2 : right // 2] for plane in planes[1:]]
    shares = (inside, half, half)
    front = Planes(*(cv2.multiply(a, b, scale=1 / 255) for a, b in zip(pieces, shares, strict=True)))  # type: ignore[arg-type]
    clear = cv2.bitwise_not(inside), cv2.bitwise_not(half)
    return _background(planes, alpha), Cutout(front, clear, left, top, box)  # type: ignore[arg-type]


def journey(shot: Shot) -> tuple[int, int]:
    """Tell where a shot goes, -1 to 1: to the right; inward, if it does not go sideways."""
    sideways = int(np.sign(round(shot.move.end.x - shot.move.start.x, 4)))
    return sideways, 0 if sideways else int(np.sign(round(shot.move.end.zoom - shot.move.start.zoom, 4)))


def nearer(shot: Shot, progress: float, box: Box, width: float) -> Matrix:
    """Give the matrix from where a subject's point is seen to where the picture has it, 0 to 1 both ways.

    `width` is what the view shows of the picture's. The subject grows from its foot, so that it stands where
    it stood; it is never smaller than in the picture.
    """
    sideways, inward = journey(shot)
    eased = ease(progress)
    scale = 1 / (1 + _GROWTH * (eased if inward > 0 else 1 - eased)) if inward else 1.0
    shift = sideways * _SHIFT * width * (2 * eased - 1)
    x, y = (box.left + box.right) / 2, box.bottom
    return np.array([[scale, 0, x - scale * x + shift], [0, scale, y - scale * y], [0, 0, 1.0]])


def laid(frame: Planes, cutout: Cutout, size: tuple[int, int], matrix: Matrix) -> Planes:
    """Lay a subject over a frame, in its memory. `size` is the picture's; `matrix`: frame to picture."""
    place: tuple[int, int, int, int] | None = None
    for number, plane in enumerate(frame):
        chroma = 2 if number else 1
        rows, columns = plane.shape
        # As in `Still`: a source sample lies in its pixel's middle, left-sited chroma a quarter in.
        phase = 0.25 if number else 0.5
        scales = matrix[0, 0] * size[0] / chroma / columns, matrix[1, 1] * size[1] / chroma / rows
        starts = (
            matrix[0, 2] * size[0] / chroma + phase * scales[0] - 0.5 - cutout.left / chroma,
            matrix[1, 2] * size[1] / chroma + 0.5 * scales[1] - 0.5 - cutout.top / chroma,
        )
        if place is None:
            place = _place(cutout.front.y.shape, scales, starts, (rows, columns))
            if place is None:
                return frame
        left, top, right, bottom = (length // chroma for length in place)
        shown = np.array(
            [
                [scales[0], 0, starts[0] + scales[0] * left],
                [0, scales[1], starts[1] + scales[1] * top],
            ]
        )
        front, clear = (
            cv2.warpAffine(
                layer,
                shown,
                (right - left, bottom - top),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for layer in (cutout.front[number], cutout.clear[min(number, 1)])
        )
        part = plane[top:bottom, left:right]
        part[:] = cv2.add(cv2.multiply(part, clear, scale=1 / 255), front)
    return frame


def _place(
    shape: tuple[int, int], scales: tuple[float, float], starts: tuple[float, float], frame: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom, even, of what of the frame a layer covers, or None."""
    rows, columns = frame
    left, top = (
        min(max(int(-start / scale) // 2 * 2 - 2, 0), length)
        for start, scale, length in zip(starts, scales, (columns, rows), strict=True)
    )
    right, bottom = (
        min(max(int((across - start) / scale) // 2 * 2 + 4, 0), length)
        for across, start, scale, length in zip(shape[::-1], starts, scales, (columns, rows), strict=True)
    )
    return (left, top, right, bottom) if left < right and top < bottom else None


def _sharp(y: Plane, share: NDArray[np.float32]) -> Plane:
    """Fit a coarse matte to the edges of the picture, by a guided filter; 255 is the subject."""
    across, radius, flat = _GUIDED
    rows, columns = y.shape
    size = min(across, columns), max(2, round(rows * min(across, columns) / columns))
    guide = cv2.resize(y, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    rough = cv2.resize(share, size, interpolation=cv2.INTER_LINEAR)
    kernel = (2 * radius + 1, 2 * radius + 1)
    light, mean, both, power = (
        cv2.blur(field, kernel) for field in (guide, rough, guide * rough, guide * guide)
    )
    steep = (both - light * mean) / (power - light * light + np.float32(flat))
    slope, offset = (
        cv2.resize(cv2.blur(field, kernel), (columns, rows), interpolation=cv2.INTER_LINEAR)
        for field in (steep, mean - steep * light)
    )
    nothing, all_ = _HARD
    fine = cv2.multiply(slope, y, scale=1 / 255, dtype=cv2.CV_32F)
    cv2.add(fine, offset, dst=fine)
    np.clip(fine, nothing, all_, out=fine)
    scale = 255 / (all_ - nothing)
    return cv2.convertScaleAbs(fine, alpha=scale, beta=-scale * nothing)  # type: ignore[return-value]


def _background(planes: Planes, alpha: Plane) -> Planes:
    """Return the picture with what is around its subject carried on behind it."""
    reach = max(2, round(_SPARED * alpha.shape[1]))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    hidden = cv2.dilate(cv2.threshold(alpha, 8, 255, cv2.THRESH_BINARY)[1], kernel)
    half = cv2.resize(hidden, planes.u.shape[::-1], interpolation=cv2.INTER_AREA)
    filled = (_filled(plane, mask) for plane, mask in zip(planes, (hidden, half, half), strict=True))  # type: ignore[arg-type]
    return Planes(*filled)


def _filled(plane: Plane, hidden: Plane) -> Plane:
    """Fill what is hidden, 255, from what is around it: near its edge finely, farther in ever more softly."""
    rows, columns = plane.shape
    size = max(1, columns // 2), max(1, rows // 2)
    light, cover = (
        cv2.resize(layer, size, interpolation=cv2.INTER_AREA).astype(np.float32) for layer in (plane, hidden)
    )
    known: NDArray[np.float32] = (cover == 0).astype(np.float32)
    small = np.round(_pulled(light * known, known)).astype(np.uint8)
    guess = cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)
    softly = cv2.blur(hidden, (5, 5)).astype(np.float32) / np.float32(255)
    return cv2.blendLinear(guess, plane, softly, 1 - softly)  # type: ignore[return-value]


def _pulled(light: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the light of each point as far as it is known, and else that of a picture half as fine."""
    rows, columns = light.shape
    if min(rows, columns) < 4 or known.min() > 0.99:
        total = max(float(known.sum()), 1e-6)
        return np.where(known > 1e-3, light / np.maximum(known, 1e-3), np.float32(light.sum() / total))
    size = max(1, columns // 2), max(1, rows // 2)
    half = (cv2.resize(field, size, interpolation=cv2.INTER_AREA) for field in (light, known))
    coarse = _pulled(*half)  # type: ignore[arg-type]
    return light + (1 - known) * cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR)
