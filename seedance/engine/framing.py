"""How a picture is framed and how far the camera moves over it: heads are kept, softness is not shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from seedance.engine.ask import Pace
from seedance.engine.camera import Move, View
from seedance.engine.storyboard import Fit

_LEAST_KEPT: Final = 0.6
"""A crop that keeps less of a picture than this gives way to the surround."""
_LEAST_PIXELS: Final = 0.45
"""So does a picture with fewer pixels than this for each of the frame, a side."""
_SOFTEST: Final = 1.3
"""Pixels of the frame for one of the picture, a side, that a zoom stops at."""
_FREE_LOSS: Final = 0.3
"""A crop takes up to this share of a picture from the bottom alone: heads are at the top."""
_HEADROOM: Final = 0.07
"""Of the view, above a subject."""
_BOW: Final = 0.03
"""Of the view's height, that an orbit rises or sinks half-way."""
_RATES: Final[dict[Pace, tuple[float, float, float]]] = {
    "slow": (0.035, 0.04, 0.7),
    "steady": (0.055, 0.05, 1.0),
    "fast": (0.13, 0.12, 2.0),
}
"""Share of the frame a second, least share a shot, and how much farther than usual a move may go."""


class Box(NamedTuple):
    """Where a subject is, in shares of the picture from its left and its top."""

    left: float
    top: float
    right: float
    bottom: float


class Gesture(NamedTuple):
    """Direction of a move: right, down and inward are +1."""

    x: int
    y: int
    zoom: int


GESTURES: Final = {
    "still": Gesture(0, 0, 0),
    **{
        name: Gesture(0, 0, zoom)
        for name, zoom in (("push in", 1), ("pull out", -1), ("zoom in", 1), ("zoom out", -1))
    },
    **{
        f"{verb} {side}": Gesture(x, 0, 1 if verb == "orbit" else 0)
        for verb in ("pan", "truck", "orbit", "whip")
        for side, x in (("left", -1), ("right", 1))
    },
    **{
        f"{verb} {side}": Gesture(0, y, 0)
        for verb in ("tilt", "crane", "whip")
        for side, y in (("up", -1), ("down", 1))
    },
}


@dataclass(frozen=True)
class Framing:
    """A picture of `size` in a frame of `frame` pixels (width, height), filling it or whole on a surround."""

    size: tuple[int, int]
    frame: tuple[int, int]
    fit: Fit
    subject: Box | None = None

    @property
    def aspect(self) -> float:
        """Width over height of what the views are told in, over the frame's."""
        return _aspect(self.size, self.frame) if self.fit == "cover" else 1.0

    @property
    def nearest(self) -> float:
        """The most a view may zoom before the picture is visibly soft."""
        if self.fit == "surround":
            return 1.1
        return max(1.06, _SOFTEST * _pixels(self.size, self.frame))

    def move(self, gesture: Gesture, seconds: float, pace: Pace = "steady", room: float = 1.0) -> Move:
        """Plan a move inside the picture from end to end, longer in a longer shot; `room`: the least zoom."""
        closer, travel = self._closer(gesture, seconds, pace), self._travel(gesture, seconds, pace)
        base = room
        if gesture.x or gesture.y:
            width, height = View(0.5, 0.5).extent(self.aspect)
            needed = (1 + travel) * max(width if gesture.x else 0, height if gesture.y else 0)
            base = min(max(base, needed), max(base, self.nearest))
        near = min(base * (1 + closer), max(self.nearest, base)) if gesture.zoom else base
        zooms = (near, base) if gesture.zoom < 0 else (base, near)
        ends = []
        for zoom, side in zip(zooms, (-travel / 2, travel / 2), strict=True):
            width, height = View(0.5, 0.5, zoom).extent(self.aspect)
            x, y = self._middle(zoom)
            ends.append(View(x + gesture.x * side * width, y + gesture.y * side * height, zoom))
        # One end of a journey may reach out of the picture: shift both by as much.
        x = sum(end.inside(self.aspect).x - end.x for end in ends)
        y = sum(end.inside(self.aspect).y - end.y for end in ends)
        start, end = (replace(end, x=end.x + x, y=end.y + y).inside(self.aspect) for end in ends)
        return Move(start, end)

    def bowed(self, move: Move) -> Move:
        """Let a move run in a bow, to where the picture has more room; over a portrait never off its top."""
        above, below = move.room_to_bow(self.aspect)
        most = _BOW * move.start.extent(self.aspect)[1]
        rises = above >= below or self._anchor == 0
        return replace(move, bow=-min(above, most) if rises else min(below, most))

    def onward(self, start: View, gesture: Gesture, seconds: float, pace: Pace = "steady") -> Move:
        """Plan a move that goes on from `start`, as far as the picture reaches."""
        closer, travel = self._closer(gesture, seconds, pace), self._travel(gesture, seconds, pace)
        zoom = start.zoom
        if gesture.zoom:
            zoom = (
                min(zoom * (1 + closer), max(self.nearest, zoom))
                if gesture.zoom > 0
                else max(1.0, zoom / (1 + closer))
            )
        width, height = replace(start, zoom=zoom).extent(self.aspect)
        before = start.extent(self.aspect)[1]
        top = start.y - before / 2 + self._anchor * (before - height)
        end = View(start.x + gesture.x * travel * width, top + height / 2 + gesture.y * travel * height, zoom)
        return Move(start, end.inside(self.aspect))

    def _closer(self, gesture: Gesture, seconds: float, pace: Pace) -> float:
        rate, least, farther = _RATES[pace]
        most = 0.2 * farther * (0.7 if gesture.x or gesture.y else 1.0)
        if self.fit == "surround":  # what keeps the picture whole
            most = 0.035 if gesture.x or gesture.y else 0.1
        return min(max(rate * seconds, least), most)

    def _travel(self, gesture: Gesture, seconds: float, pace: Pace) -> float:
        """Give how far to go, in frames: what the crop leaves free, at least what a small zoom frees."""
        if not (gesture.x or gesture.y):
            return 0.0
        rate, least, farther = _RATES[pace]
        slack = max(self.aspect, 1.0) - 1 if gesture.x else max(1 / self.aspect, 1.0) - 1
        most = min(0.5, max(min(0.14 * farther, 0.25), slack))
        if gesture.zoom:
            most *= 0.7
        if self.fit == "surround":
            most = 0.035 if gesture.zoom else 0.05
        return min(max(1.2 * rate * seconds, least), most)

    @property
    def _anchor(self) -> float:
        """Where a view closes in on, from the top of the view, 0, to its bottom, 1."""
        if self.fit == "surround":
            return 0.5
        if self.size[1] > self.size[0]:
            return 0.0  # a portrait: whatever else goes, its top stays
        return 0.12 if self.aspect < 0.95 else 0.38

    def _middle(self, zoom: float) -> tuple[float, float]:
        """Give the centre of a view on what matters, inside the picture."""
        if self.subject is None or self.fit == "surround":
            return 0.5, self._level(zoom)
        box, height = self.subject, View(0.5, 0.5, zoom).extent(self.aspect)[1]
        level = min((box.top + box.bottom) / 2, box.top + (0.5 - _HEADROOM) * height)
        view = View((box.left + box.right) / 2, level, zoom).inside(self.aspect)
        return view.x, view.y

    def _level(self, zoom: float) -> float:
        """Give the height of the centre of a view, from the top of the picture, that keeps heads."""
        whole, height = (View(0.5, 0.5, z).extent(self.aspect)[1] for z in (1.0, zoom))
        top = max(0.0, 1 - whole - _FREE_LOSS) * 0.25 if self.fit == "cover" else 0.0
        return top + self._anchor * (whole - height) + height / 2


def framed(
    size: tuple[int, int], frame: tuple[int, int], gesture: Gesture, subject: Box | None = None
) -> Framing:
    """Choose between a crop and the surround for a picture, and a move that is asked for over it."""
    aspect = _aspect(size, frame)
    along = not gesture.zoom and (gesture.x if aspect > 1 else gesture.y)
    kept = min(aspect, 1 / aspect) >= _LEAST_KEPT or bool(along)  # a journey shows what a crop loses
    fit: Fit = "cover" if kept and _pixels(size, frame) >= _LEAST_PIXELS else "surround"
    return Framing(size, frame, fit, subject)


def _aspect(size: tuple[int, int], frame: tuple[int, int]) -> float:
    return (size[0] / size[1]) / (frame[0] / frame[1])


def _pixels(size: tuple[int, int], frame: tuple[int, int]) -> float:
    """Give the pixels of the picture for one of the frame, a side, where it just covers the frame."""
    return min(size[0] / frame[0], size[1] / frame[1])
