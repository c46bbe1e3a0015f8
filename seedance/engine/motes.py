"""Soft specks that float: flakes and dust, each on a way of its own."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seedance.engine.planes import Plane

REFERENCE = 704
"""Height in pixels of the frame that lengths are told for; they scale with the frame's."""
_PHASES = 4  # places within a pixel that a mote can have


class Motes(NamedTuple):
    """Soft specks, each on a way of its own: place, drift and sway in pixels, light 0 to 1."""

    place: NDArray[np.float64]
    drift: NDArray[np.float64]
    sway: NDArray[np.float64]
    pace: NDArray[np.float64]
    phase: NDArray[np.float64]
    radius: NDArray[np.float64]
    light: NDArray[np.float64]

    @classmethod
    def drawn(
        cls,
        count: int,
        radius: tuple[float, float],
        light: tuple[float, float],
        drift: tuple[float, float],
        sway: float,
        size: tuple[int, int],
        draw: np.random.Generator,
    ) -> Motes:
        """Draw `count` by chance; ranges run from the far and small to the near and large."""
        unit = size[1] / REFERENCE
        large = draw.random(count) ** 2
        return cls(
            draw.random((count, 2)) * (np.array(size) + 4 * radius[1] * unit),
            unit * np.array(drift) * draw.uniform(0.6, 1.4, (count, 1)),
            unit * sway * draw.uniform(0.3, 1.0, (count, 2)) * [1, 0.35],
            draw.uniform(0.02, 0.07, count),
            draw.uniform(0, 2 * np.pi, count),
            # A few sizes only: each is drawn once.
            np.maximum(0.5, unit * np.round(4 * (radius[0] + (radius[1] - radius[0]) * large)) / 4),
            light[1] - (light[1] - light[0]) * large,
        )

    def over(self, veil: Plane, frame: int) -> Plane:
        """Draw them into `veil`."""
        rows, columns = veil.shape
        edge = 2 * self.radius.max()
        angle = self.phase + self.pace * frame
        wave = np.column_stack([np.sin(angle), np.cos(1.3 * angle)])
        at = self.place + self.drift * frame + self.sway * wave
        at = at % (np.array([columns, rows]) + 2 * edge) - edge
        light = self.light * (0.75 + 0.25 * np.sin(2.1 * angle))
        cells = np.floor(at * _PHASES).astype(int)
        for (x, y), radius, shade in zip(cells.tolist(), self.radius.tolist(), light.tolist(), strict=True):
            spot = mote(radius, x % _PHASES, y % _PHASES)
            left, top = x // _PHASES - spot.shape[1] // 2, y // _PHASES - spot.shape[0] // 2
            inside = veil[
                max(top, 0) : max(top + spot.shape[0], 0), max(left, 0) : max(left + spot.shape[1], 0)
            ]
            if not inside.size:
                continue
            from_y, from_x = max(-top, 0), max(-left, 0)
            spot = spot[from_y : from_y + inside.shape[0], from_x : from_x + inside.shape[1]]
            np.maximum(inside, (255 * shade * spot).astype(np.uint8), out=inside)
        return veil


@lru_cache(1024)
def mote(radius: float, phase_x: int, phase_y: int) -> NDArray[np.float32]:
    """Draw a soft disk of `radius` pixels, 0 to 1, off its middle by phases of a pixel."""
    reach = int(np.ceil(1.6 * radius + 1))
    at = np.arange(-reach, reach + 1, dtype=np.float32)
    far = np.hypot(at - phase_x / _PHASES, (at - phase_y / _PHASES)[:, None]) / radius
    t: NDArray[np.float32] = np.clip((1.5 - far) / 1.1, 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)
