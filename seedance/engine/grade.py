"""The look of a mood: tone and colour, laid on a picture once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from seedance.engine.planes import BLACK, GREY, Plane, Planes
from seedance.engine.storyboard import Mood, Weather

_WHITE = 235
_SHARES = np.clip((np.arange(256) - BLACK) / (_WHITE - BLACK), 0, 1)  # of white, by code value


@dataclass(frozen=True)
class Grade:
    """A look. Chroma is told in code values: (blue, red), so (-6, 6) is warm and (6, -6) cool."""

    saturation: float = 1.0
    contrast: float = 0.0
    """0 leaves it; 1 is a full S-curve about middle grey; below 0 is flatter."""
    exposure: float = 1.0
    lift: float = 0.0
    """Black, in shares of white: film that has faded."""
    shadows: tuple[float, float] = (0, 0)
    lights: tuple[float, float] = (0, 0)
    glow: float = 0.0
    """How much of its own blur is screened over the picture."""
    vignette: float = 0.0
    """How much darker the corners are."""


MOODS: dict[Mood, Grade] = {
    "golden hour": Grade(1.04, 0.08, 1.0, 0, (-2, 2), (-10, 7), 0.08),
    "noir": Grade(0, 0.9, 0.78, 0, vignette=0.35),
    "black and white": Grade(0, 0.2),
    "vintage": Grade(0.72, -0.08, 1.0, 0.05, (-3, 4), (-10, 4), 0, 0.18),
    "cold": Grade(0.85, 0.06, 0.98, 0, (5, -4), (4, -4)),
    "warm": Grade(1.02, 0.03, 1.0, 0, (-2, 2), (-6, 4)),
    "dreamy": Grade(0.92, -0.1, 1.03, 0.02, (2, 2), (0, 2), 0.3),
    "night": Grade(0.5, 0.35, 0.58, 0, (10, -6), (9, -6), 0, 0.25),
}
_WEATHERS: dict[Weather, Grade] = {
    "rain": Grade(0.82, -0.05, 0.92, 0, (2, -2), (2, -2)),
    "snow": Grade(0.86, -0.06, 1.0, 0.02, (2, -1), (2, -1)),
    "fog": Grade(0.85, -0.12, 1.0, 0.03),
    "film grain": Grade(0.97, 0.04),
}


def graded(planes: Planes, mood: Mood | None, weather: Weather | None = None) -> Planes:
    """Lay the looks of a mood and of a weather on a picture."""
    for grade in (_WEATHERS.get(weather) if weather else None, MOODS.get(mood) if mood else None):
        if grade:
            planes = _applied(planes, grade)
    return planes


def _applied(planes: Planes, grade: Grade) -> Planes:
    before = planes.y
    y: Plane = cv2.LUT(_glowing(before, grade.glow), _curve(grade))  # type: ignore[assignment]
    light = cv2.resize(before, planes.u.shape[::-1], interpolation=cv2.INTER_AREA)
    chroma = []
    for plane, dark, bright in zip(planes[1:], grade.shadows, grade.lights, strict=True):
        # A tint is strongest between black and white: both ends stay clean.
        at = _SHARES
        body = np.clip(6 * at, 0, 1) * np.clip(4 * (1.12 - at), 0, 1)
        tint = np.clip(128 + (dark + (bright - dark) * at) * body, 0, 255).round().astype(np.uint8)
        shift = GREY * (1 - grade.saturation) - 128
        chroma.append(cv2.addWeighted(plane, grade.saturation, cv2.LUT(light, tint), 1, shift))
    return Planes(y, *chroma)  # type: ignore[arg-type]


def _curve(grade: Grade) -> Plane:
    at = _SHARES
    at = np.minimum(at * grade.exposure, 1) if grade.exposure <= 1 else 1 - (1 - at) ** grade.exposure
    steep = at * at * (3 - 2 * at)
    at = at + grade.contrast * (steep - at)
    at = grade.lift + (1 - grade.lift) * at
    return np.round(BLACK + (_WHITE - BLACK) * at).astype(np.uint8)


def _glowing(y: Plane, amount: float) -> Plane:
    if not amount:
        return y
    rows, columns = y.shape
    small = cv2.resize(y, (max(2, columns // 8), max(2, rows // 8)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.015 * columns / 8)
    soft = cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)
    gone = [_WHITE - np.clip(plane, BLACK, _WHITE).astype(np.uint8) for plane in (y, soft)]
    screened = _WHITE - cv2.multiply(*gone, scale=1 / (_WHITE - BLACK))  # type: ignore[call-overload]
    return cv2.addWeighted(y, 1 - amount, screened, amount, 0)  # type: ignore[return-value]


def vignetted(planes: Planes, mood: Mood | None) -> Planes:
    """Darken the corners of a frame, where the mood has it."""
    strength = MOODS[mood].vignette if mood else 0.0
    if not strength:
        return planes
    y = cv2.multiply(planes.y, _kept(strength, planes.y.shape), scale=1 / 255)
    return planes._replace(y=y)  # type: ignore[arg-type]


@lru_cache(4)
def _kept(strength: float, shape: tuple[int, int]) -> Plane:
    """Give the share of light, 255 for all, that each pixel keeps."""
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    far = np.clip((np.hypot(x, y) / np.float32(2**0.5) - 0.35) / 0.65, 0, 1)
    # Dithered: so slow a gradient would show its steps.
    noise = np.random.Generator(np.random.PCG64(0)).random(shape, np.float32)
    kept = 255 * (1 - strength * far * far * (3 - 2 * far)) + noise
    return np.minimum(kept, 255).astype(np.uint8)
