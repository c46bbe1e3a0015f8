"""Rack focus: a picture at several degrees of blur, and what lies between them."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from seedance.engine.planes import Plane, Planes
from seedance.engine.storyboard import Focus

RADII = (0.0, 0.0018, 0.004, 0.008, 0.016)
"""Radius of the blur at each level, in widths of the frame; the levels are evenly spaced in `Focus`."""
_PULL = 0.6
"""Share of a shot that the pull of focus takes; the rest of it is spent at the sharper end."""
_FINEST = 2.5  # a level is kept so small that its radius is about this many pixels


def blur(focus: Focus, progress: float) -> float:
    """Give the blur, 0 to 1, at `progress`, 0 to 1, through a shot. It starts and ends softly."""
    late = focus.start < focus.end
    t = min(max((progress - (1 - _PULL if late else 0)) / _PULL, 0), 1)
    return focus.start + (focus.end - focus.start) * t * t * (3 - 2 * t)


def levels(planes: Planes, width: float) -> list[Planes]:
    """Blur a picture in which the frame is `width` pixels wide to each of `RADII`; softer is smaller."""
    blurred = [planes]
    for radius in RADII[1:]:
        wide = radius * width
        blurred.append(
            Planes(
                _blurred(planes.y, wide, light=True),
                _blurred(planes.u, wide / 2, light=False),
                _blurred(planes.v, wide / 2, light=False),
            )
        )
    return blurred


def _blurred(plane: Plane, radius: float, *, light: bool) -> Plane:
    """Spread every point over a disk, as a lens does; with `light` bright points win, as they do on film."""
    shrink = max(1.0, radius / _FINEST)
    rows, columns = plane.shape
    size = max(2, round(columns / shrink)), max(2, round(rows / shrink))
    disk = _disk(round(radius * size[0] / columns, 2))
    power = np.float32(2.4 if light else 1)
    to_light = (np.arange(256, dtype=np.float32) / 255) ** power
    small = cv2.resize(cv2.LUT(plane, to_light), size, interpolation=cv2.INTER_AREA)
    spread = cv2.filter2D(small, -1, disk, borderType=cv2.BORDER_REPLICATE)
    return np.round(255 * np.maximum(spread, 0) ** (1 / power)).astype(np.uint8)


@cache
def _disk(radius: float) -> NDArray[np.float32]:
    """Make a disk whose rim is soft over about a pixel: one that can be magnified."""
    reach = int(np.ceil(radius + 1.5))
    x, y = np.meshgrid(*[np.arange(-reach, reach + 1, dtype=np.float32)] * 2)
    disk: NDArray[np.float32] = np.clip((radius + 1 - np.hypot(x, y)) / 2, 0, 1).astype(np.float32)
    disk /= disk.sum()
    return disk
