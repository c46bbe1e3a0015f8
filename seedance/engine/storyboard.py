"""The storyboard: what the director plans and the renderer draws. Times are frames, 24 a second."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from seedance.engine.camera import Move, View

FPS = 24

SURROUND_SHARE = 0.9
"""How far a picture in a surround reaches across the frame: room for a move that still shows all of it."""

Fit = Literal["cover", "surround"]
Transition = Literal[
    "cut", "dissolve", "fade", "wipe left", "wipe right", "wipe up", "wipe down", "match zoom", "morph"
]
"""How a shot takes over from the one before. `fade` goes through black; a `morph` falls back to a dissolve
where the two pictures are not alike; a wipe's word is the direction in which its edge travels."""
Mood = Literal["golden hour", "noir", "black and white", "vintage", "cold", "warm", "dreamy", "night"]
Weather = Literal["rain", "snow", "dust", "fog", "light rays", "film grain"]


@dataclass(frozen=True)
class Focus:
    """A rack of focus: how blurred the shot is at its two ends, 0 (sharp) to 1 (soft shapes)."""

    start: float
    end: float


@dataclass(frozen=True)
class Shot:
    """One image on screen, from frame `first` up to but without frame `end`.

    Neighbouring shots overlap by the transition between them; at a cut they do not. `move` is told in units
    of the image, or with the fit "surround" of the canvas that carries the image and its extension; `gesture`
    names it. `depth` asks for parallax where the picture allows it; `shake` is the sway of a hand-held
    camera, in shares of the frame's width.
    """

    image: int
    first: int
    end: int
    move: Move
    gesture: str
    fit: Fit = "cover"
    transition: Transition = "dissolve"
    """From the shot before; without meaning for the first."""
    focus: Focus | None = None
    depth: bool = False
    shake: float = 0.0

    def view(self, frame: float) -> View:
        """Give what the camera sees at `frame` of the video, which may lie between two."""
        return self.move.at(self.progress(frame))

    def progress(self, frame: float) -> float:
        """Give how much of the shot has passed at `frame`, 0 to 1."""
        return (frame - self.first) / max(1, self.end - 1 - self.first)


@dataclass(frozen=True)
class Storyboard:
    """The whole video: exactly `frames` frames of `width` x `height`, and the shots in order."""

    width: int
    height: int
    frames: int
    shots: tuple[Shot, ...]
    seed: int = 0
    """For all that is drawn by chance: weather, grain, shake."""
    mood: Mood | None = None
    weather: Weather | None = None

    def layers(self, frame: int) -> list[tuple[Shot, float]]:
        """List the shots on screen at `frame`, lowest first, each with its share of the transition."""
        live = [shot for shot in self.shots if shot.first <= frame < shot.end]
        layers = [(shot, 1.0) for shot in live[:1]]
        for below, shot in pairwise(live):
            layers.append((shot, (frame - shot.first + 1) / (below.end - shot.first + 1)))
        return layers

    def describe(self) -> str:
        """Say the storyboard in words, for the user."""
        told: list[str] = []
        borders = [(before.end + after.first) / 2 for before, after in pairwise(self.shots)]
        for shot, first, end in zip(self.shots, [0, *borders], [*borders, self.frames], strict=True):
            if told and shot.image != self.shots[len(told) - 1].image:
                told[-1] += f"; {shot.transition}"
            words = [f"{first / FPS:.1f}\N{EN DASH}{end / FPS:.1f} s image {shot.image + 1}"]
            words += ["whole on its blurred surround"] * (shot.fit == "surround")
            words += [shot.gesture]
            words += ["coming into focus"] * (shot.focus is not None and shot.focus.start > shot.focus.end)
            words += ["handheld"] * (shot.shake > 0)
            told.append(", ".join(words))
        look = [words for words in (_MOODS.get(self.mood), _WEATHERS.get(self.weather)) if words]
        return "; ".join([*told, *([f"all {' and '.join(look)}"] if look else [])])


_MOODS: Final[dict[Mood | None, str]] = {
    "golden hour": "at golden hour",
    "noir": "in the light of film noir",
    "black and white": "in black and white",
    "vintage": "in vintage colours",
    "cold": "in cold light",
    "warm": "in warm light",
    "dreamy": "in dreamy light",
    "night": "at night",
}
_WEATHERS: Final[dict[Weather | None, str]] = {
    "rain": "in rain",
    "snow": "in falling snow",
    "dust": "with dust in the air",
    "fog": "in fog",
    "light rays": "with rays of light",
    "film grain": "with film grain",
}
