"""The sway of a hand-held camera."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

from seedance.engine.camera import View
from seedance.engine.storyboard import FPS

_WAVES = ((0.31, 0.5), (0.73, 0.33), (1.63, 0.17))
"""Frequencies in hertz and shares of the whole: breath, balance, tremor."""


@dataclass(frozen=True)
class Sway:
    """Smooth noise, at most `amount` of the frame's width or height to each side."""

    amount: float
    phases: tuple[tuple[float, float], ...]

    @classmethod
    def drawn(cls, amount: float, draw: random.Random) -> Sway:
        """Draw one by chance."""
        return cls(amount, tuple((draw.uniform(0, math.tau), draw.uniform(0, math.tau)) for _ in _WAVES))

    def applied(self, view: View, aspect: float, frame: int) -> View:
        """Move a view about, a little closer, so that it shows nothing which the steady view does not."""
        closer = replace(view, zoom=view.zoom * (1 + 2 * self.amount))
        width, height = closer.extent(aspect)
        x = y = 0.0
        for (hertz, share), (a, b) in zip(_WAVES, self.phases, strict=True):
            angle = math.tau * hertz * frame / FPS
            x += share * math.sin(angle + a)
            y += share * math.sin(1.13 * angle + b)
        return replace(closer, x=view.x + self.amount * width * x, y=view.y + self.amount * height * y)
