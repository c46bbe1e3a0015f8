"""What the camera sees and how it moves: pure functions of time.

A view is told in units of its picture: x and y run from 0 to 1, left to right and top to bottom. How much a
view shows depends on `aspect`, the picture's width/height over the frame's: above 1 the picture is wider.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

CRUISE = 0.6
"""Speed at the ends of a move over its mean speed: a shot is already under way when a dissolve reveals it."""

_DRIFT: Final = 0.12  # share of a whip's way that is made outside it


@dataclass(frozen=True)
class View:
    """The part of a picture that fills the frame: its centre, and a zoom of which 1 just covers the frame."""

    x: float
    y: float
    zoom: float = 1.0

    def extent(self, aspect: float) -> tuple[float, float]:
        """Give the width and height of the view, in units of the picture."""
        return min(1.0, 1 / aspect) / self.zoom, min(1.0, aspect) / self.zoom

    def inside(self, aspect: float) -> View:
        """Move the view, by as little as it takes, so that it does not leave the picture."""
        width, height = self.extent(aspect)
        return replace(
            self,
            x=min(max(self.x, width / 2), 1 - width / 2),
            y=min(max(self.y, height / 2), 1 - height / 2),
        )


@dataclass(frozen=True)
class Whip:
    """A sudden part of a move, `at` a place in it. `lasting` is its share of the time, above 0 to 1."""

    at: Literal["start", "middle", "end"]
    lasting: float

    def progress(self, t: float) -> float:
        """Turn time, 0 to 1, into progress, 0 to 1: nearly all of it in the whip, speed always continuous."""
        first = {"start": 0.0, "middle": 0.5, "end": 1.0}[self.at] * (1 - self.lasting)
        u = min(max((t - first) / self.lasting, 0.0), 1.0)
        rush = {"start": 1 - (1 - u) ** 3, "middle": u**3 * (10 - 15 * u + 6 * u * u), "end": u**3}[self.at]
        return _DRIFT * t + (1 - _DRIFT) * rush


@dataclass(frozen=True)
class Move:
    """A journey from one view to another, straight unless it has a `bow`.

    Where both lie inside the picture, so does all between them.
    """

    start: View
    end: View
    depart: float = CRUISE
    arrive: float = CRUISE
    """Speed at the two ends over the mean speed, 0 (at rest) to 3."""
    whip: Whip | None = None
    """Takes the place of both."""
    bow: float = 0.0
    """How far below the straight way it is half-way, in units of the picture; at most `room_to_bow`."""

    def at(self, t: float) -> View:
        """Give the view at `t`, 0 to 1 (clamped).

        Zoom runs geometrically, which the eye reads as constant speed. The edges of the view run on straight
        lines between those of the two ends: a push closes in on one fixed point instead of drifting past it.
        """
        t = min(max(t, 0.0), 1.0)
        progress = self.whip.progress(t) if self.whip else ease(t, self.depart, self.arrive)
        first, last = self.start.zoom, self.end.zoom
        if math.isclose(first, last, rel_tol=1e-9):
            return self._mix(progress, first)
        zoom = first * (last / first) ** progress
        return self._mix((1 / first - 1 / zoom) / (1 / first - 1 / last), zoom)

    def _mix(self, share: float, zoom: float) -> View:
        a, b = self.start, self.end
        bow = 4 * self.bow * share * (1 - share)
        return View(a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share + bow, zoom)

    def room_to_bow(self, aspect: float) -> tuple[float, float]:
        """Give how far a move between views that are inside may bow upwards and downwards and stay inside."""
        tops = [view.y - view.extent(aspect)[1] / 2 for view in (self.start, self.end)]
        bottoms = [1 - view.y - view.extent(aspect)[1] / 2 for view in (self.start, self.end)]
        # Room changes in proportion to the way: where there is none at one end, a parabola that rises to a
        # quarter of what there is at the other stays below it.
        return max(0.0, *tops) / 4, max(0.0, *bottoms) / 4


def ease(t: float, depart: float = CRUISE, arrive: float = CRUISE) -> float:
    """Turn time, 0 to 1, into progress, 0 to 1. Speed goes smoothly from `depart` to `arrive`."""
    t = min(max(t, 0.0), 1.0)
    return t * (1 - t) * (depart * (1 - t) - arrive * t) + t * t * (3 - 2 * t)
