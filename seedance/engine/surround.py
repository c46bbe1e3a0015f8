"""A picture of another shape than the frame, whole on a canvas that carries its edges on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from seedance.engine.planes import BLACK, GREY, Plane, Planes


def surrounded(planes: Planes, width: int, height: int) -> Planes:
    """Lay a picture on the middle of a `width` x `height` canvas: around it, ever softer and darker, itself.

    The picture keeps its pixels. It must not be larger than the canvas.
    """
    rows, columns = planes.y.shape
    left, top = (width - columns) // 4, (height - rows) // 4  # in chroma: a picture starts on a whole sample
    return Planes(
        _extended(planes.y, width, height, 2 * left, 2 * top, BLACK),
        _extended(planes.u, (width + 1) // 2, (height + 1) // 2, left, top, GREY),
        _extended(planes.v, (width + 1) // 2, (height + 1) // 2, left, top, GREY),
    )


def _extended(plane: Plane, width: int, height: int, left: int, top: int, dark: int) -> Plane:
    rows, columns = plane.shape
    margins = top, height - rows - top, left, width - columns - left
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    away_x = np.maximum(np.maximum(left - x, x - (left + columns - 1)), 0)
    away_y = np.maximum(np.maximum(top - y, y - (top + rows - 1)), 0)
    away = np.hypot(away_x, away_y) / np.float32(max(width, height))

    canvas: NDArray[np.float32] = cv2.copyMakeBorder(plane, *margins, cv2.BORDER_REFLECT).astype(np.float32)
    # Near the picture its mirrored texture, blurred at once lest the mirror shows. Farther out its edges,
    # drawn out and blurred widely: sky stays sky, ground ground, and no ghost of the subject beside it.
    for border, spread, shrink, reach in (
        (cv2.BORDER_REFLECT, 0.005, 2, 0.004),
        (cv2.BORDER_REPLICATE, 0.07, 8, 0.05),
    ):
        extended = cv2.copyMakeBorder(plane, *margins, border)
        coarse = -(-width // shrink), -(-height // shrink)
        small = cv2.resize(extended, coarse, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small.astype(np.float32), (0, 0), spread * max(width, height) / shrink)
        soft = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        canvas += (soft - canvas) * np.minimum(away / np.float32(reach), 1)
    canvas -= dark
    canvas *= 0.4 + 0.6 * np.exp(away / np.float32(-0.05))
    return cv2.convertScaleAbs(canvas, alpha=1, beta=dark)  # type: ignore[return-value]
