"""What is in the air between the camera and the scene: drawn over each frame, seeded, at a bounded cost.

Lengths are in pixels of a frame `REFERENCE` high and scale with its height.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from seedance.engine.motes import REFERENCE, Motes, mote
from seedance.engine.planes import Plane, Planes
from seedance.engine.storyboard import Mood, Weather

Overlay = Callable[[Planes, int], Planes]
"""Draws the weather of a frame, by number, over it."""

_PALE = 0.35  # of the sun's rays: those in the dark
_COARSE = 8  # pixels of the frame per pixel of what is soft: fog, rays


class _Tint(NamedTuple):
    y: int
    u: int
    v: int


def overlay(weather: Weather | None, size: tuple[int, int], seed: int, mood: Mood | None = None) -> Overlay:
    """Prepare a weather for frames of `size`; the same seed gives the same frames."""
    if weather is None:
        return lambda planes, frame: planes
    draw = np.random.Generator(np.random.PCG64(seed))
    kinds: dict[Weather, Callable[[tuple[int, int], np.random.Generator], Overlay]] = {
        "rain": _rain,
        "snow": _snow,
        "dust": _dust,
        "fog": _fog,
        "light rays": partial(_rays, moon=mood == "night"),
        "film grain": _grain,
    }
    return kinds[weather](size, draw)


def _lit(planes: Planes, veil: Plane, tint: _Tint) -> Planes:
    """Lay light of a colour over a frame, 0 to 255 of it at each pixel; it never darkens."""
    y = planes.y
    gap = cv2.subtract(np.full_like(y, tint.y), y)
    half = cv2.resize(veil, planes.u.shape[::-1], interpolation=cv2.INTER_AREA)
    clear = cv2.bitwise_not(half)
    chroma = (
        cv2.add(cv2.multiply(plane, clear, scale=1 / 255), cv2.convertScaleAbs(half, alpha=code / 255))
        for plane, code in zip(planes[1:], tint[1:], strict=True)
    )
    return Planes(cv2.add(y, cv2.multiply(gap, veil, scale=1 / 255)), *chroma)  # type: ignore[arg-type]


class _Sheet(NamedTuple):
    """A layer that falls as a whole: it repeats after a frame's size, and is kept twice as wide and high."""

    veil: Plane
    across: int
    down: int

    def at(self, frame: int, width: int, height: int) -> Plane:
        x, y = -self.across * frame % width, -self.down * frame % height
        return self.veil[y : y + height, x : x + width]


def _falling(sheets: list[_Sheet], size: tuple[int, int], frame: int) -> Plane:
    veil = sheets[0].at(frame, *size)
    for sheet in sheets[1:]:
        veil = cv2.max(veil, sheet.at(frame, *size))  # type: ignore[assignment]
    return veil


def _doubled(veil: NDArray[np.float32]) -> Plane:
    return np.tile(np.clip(veil, 0, 255).astype(np.uint8), (2, 2))


def _rain(size: tuple[int, int], draw: np.random.Generator) -> Overlay:
    width, height = size
    unit = height / REFERENCE
    lean = draw.uniform(0.06, 0.16) * draw.choice([-1, 1])
    sheets = []
    # From far to near: fewer, longer, faster, softer.
    for count, length, fall, thick, light in (
        (900, 20, 34, 0.6, 50),
        (320, 44, 58, 0.8, 62),
        (70, 100, 96, 1.5, 62),
    ):
        streaks = np.zeros((height, width), np.float32)
        for _ in range(round(count * width / height / 1.77)):
            x, y = draw.uniform(0, width), draw.uniform(0, height)
            long = length * unit * draw.uniform(0.6, 1.2)
            shade = light * draw.uniform(0.4, 1.0)
            for dx in (-width, 0, width):
                for dy in (0, height):
                    start = round(16 * (x + dx)), round(16 * (y - dy))
                    end = round(16 * (x + dx + lean * long)), round(16 * (y - dy + long))
                    cv2.line(streaks, start, end, shade, 1, cv2.LINE_AA, 4)
        soft = max(0.3, thick * unit)
        wrapped = cv2.copyMakeBorder(streaks, 8, 8, 8, 8, cv2.BORDER_WRAP)
        blurred = cv2.GaussianBlur(wrapped, (0, 0), soft, sigmaY=2 * soft)[8:-8, 8:-8]
        down = max(2, round(fall * unit))
        sheets.append(_Sheet(_doubled(1.6 * soft * blurred), round(lean * down), down))
    tint = _Tint(205, 131, 125)
    return lambda planes, frame: _lit(planes, _falling(sheets, size, frame), tint)


def _snow(size: tuple[int, int], draw: np.random.Generator) -> Overlay:
    width, height = size
    unit = height / REFERENCE
    wind = int(draw.choice([-1, 1]))
    sheets = []
    for count, radius, light, across, down in (
        (620, 0.9, 130, 1, 2),
        (420, 1.3, 165, 0, 3),
        (220, 2.0, 185, 1, 4),
    ):
        flakes = np.zeros((height, width), np.float32)
        for x, y, share in draw.random((round(count * width / height / 1.77), 3)):
            spot = mote(max(0.5, radius * unit * (0.7 + 0.6 * share)), 0, 0)
            rows = (np.arange(spot.shape[0]) + int(y * height)) % height
            columns = (np.arange(spot.shape[1]) + int(x * width)) % width
            flakes[np.ix_(rows, columns)] += spot * np.float32(light * (0.5 + 0.5 * share))
        speed = max(1, round(down * unit))
        sheets.append(_Sheet(_doubled(flakes), wind * round(across * unit), speed))
    near = Motes.drawn(64, (2.6, 7.5), (0.34, 0.72), (wind * 1.6, 7.0), 26, size, draw)
    tint = _Tint(238, 129, 127)

    def drawn(planes: Planes, frame: int) -> Planes:
        veil = np.ascontiguousarray(_falling(sheets, size, frame))
        return _lit(planes, near.over(veil.copy(), frame), tint)

    return drawn


def _dust(size: tuple[int, int], draw: np.random.Generator) -> Overlay:
    width, height = size
    far = Motes.drawn(130, (0.9, 2.2), (0.3, 0.85), (0.35, -0.1), 14, size, draw)
    near = Motes.drawn(26, (3.0, 12.0), (0.10, 0.34), (0.8, -0.25), 30, size, draw)
    tint = _Tint(230, 112, 140)

    def drawn(planes: Planes, frame: int) -> Planes:
        veil = np.zeros((height, width), np.uint8)
        return _lit(planes, near.over(far.over(veil, frame), frame), tint)

    return drawn


def _fog(size: tuple[int, int], draw: np.random.Generator) -> Overlay:
    columns, rows = (-(-length // _COARSE) for length in size)
    clouds = [_clouds(draw, octave) for octave in (1, 2)]
    drifts = [(0.11, 0.004), (-0.07, 0.012)]
    offsets = draw.uniform(0, 256, (2, 2))
    level = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    dense = 0.16 + 0.42 * np.clip((level - 0.15) / 0.85, 0, 1) ** 1.2
    tint = _Tint(196, 130, 126)
    step = 100 / rows  # clouds keep their size in the frame

    def drawn(planes: Planes, frame: int) -> Planes:
        total = np.zeros((rows, columns), np.float32)
        for cloud, (x, y), start in zip(clouds, drifts, offsets, strict=True):
            move = np.array([[step, 0, start[0] + x * frame], [0, 1.7 * step, start[1] + y * frame]])
            total += cv2.warpAffine(
                cloud,
                move,
                (columns, rows),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_WRAP,
            )
        veil = (255 * dense * np.minimum(0.45 + 0.44 * total, 1.3)).astype(np.uint8)
        return _lit(planes, cv2.resize(veil, size, interpolation=cv2.INTER_CUBIC), tint)

    return drawn


def _clouds(draw: np.random.Generator, first: int) -> NDArray[np.float32]:
    """Make 256 x 256 of soft noise, 0 to 1, that repeats at its edges."""
    total = np.zeros((256, 256), np.float32)
    for octave in range(first, first + 4):
        cells = 2**octave * 2
        coarse = np.pad(draw.random((cells, cells), np.float32), 2, mode="wrap")
        scale = 256 // cells
        fine = cv2.resize(coarse, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        total += fine[2 * scale : 2 * scale + 256, 2 * scale : 2 * scale + 256] / np.float32(1.8**octave)
    total -= total.min()
    whole: NDArray[np.float32] = total / total.max()
    return whole


def _rays(size: tuple[int, int], draw: np.random.Generator, *, moon: bool) -> Overlay:
    """Shafts of sunlight; the moon's are few and broad, and pale and cool as in all dark scenes."""
    width, height = size
    columns, rows = (-(-length // _COARSE) for length in size)
    side = draw.choice([-1, 1])
    x = np.linspace(-1, 1, columns, dtype=np.float32) * np.float32(width / height)
    y = np.linspace(0, 2, rows, dtype=np.float32)[:, None]
    from_x, from_y = side * (0.75 * width / height + draw.uniform(0, 0.2)), -0.55
    angle = np.arctan2(x - from_x, y - from_y).astype(np.float32)
    far = np.hypot(x - from_x, y - from_y)
    fall = np.clip(1.25 - far / np.float32(0.6 + 1.15 * width / height), 0, 1) ** 1.3
    often = (3, 11) if moon else (5, 34)
    waves = [(draw.uniform(*often), draw.uniform(0, 6.28), draw.uniform(-0.02, 0.02)) for _ in range(7)]
    sun, night = _Tint(232, 114, 138), _Tint(200, 139, 121)

    def drawn(planes: Planes, frame: int) -> Planes:
        bright = 0.0 if moon else min(max((float(planes.y[::8, ::8].mean()) - 70) / 60, 0.0), 1.0)
        strength = _PALE + (1 - _PALE) * bright
        tint = _Tint(*(round(b + (a - b) * bright) for a, b in zip(sun, night, strict=True)))
        beams = np.zeros((rows, columns), np.float32)
        for often, phase, drift in waves:
            beams += np.sin(angle * np.float32(often) + np.float32(phase + drift * frame))
        beams = np.clip(0.45 + beams / 5.5, 0.12, 1)
        veil = (255 * 0.5 * strength * fall * beams * beams).astype(np.uint8)
        return _lit(planes, cv2.resize(veil, size, interpolation=cv2.INTER_CUBIC), tint)

    return drawn


def _grain(size: tuple[int, int], draw: np.random.Generator) -> Overlay:
    width, height = size
    spare = 64
    fine = draw.standard_normal((height + spare, width + spare), np.float32)
    soft = cv2.GaussianBlur(fine, (0, 0), 0.7)
    noise = np.clip(128 + 3.5 * soft / soft.std(), 0, 255).round().astype(np.uint8)
    starts = draw.integers(0, spare, (997, 2)).tolist()

    def drawn(planes: Planes, frame: int) -> Planes:
        x, y = starts[frame % len(starts)]
        piece = noise[y : y + height, x : x + width]
        return planes._replace(y=cv2.addWeighted(planes.y, 1, piece, 1, -128))  # type: ignore[arg-type]

    return drawn
