"""A prompt, the sizes of the images and a seed become a storyboard: pure, the same answer every time."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

from seedance.engine.camera import Move, View
from seedance.prompts import mentions

FPS = 24
FRAME_SIZES = ((1248, 704), (1120, 832), (960, 960), (832, 1120), (704, 1248), (1504, 640))
"""Width and height of the video for 16:9, 4:3, 1:1, 3:4, 9:16 and 21:9."""

SURROUND_SHARE = 0.9
"""How far a picture in a surround reaches across the frame: room for a move that still shows all of it."""

_LEAST_KEPT = 0.6  # a crop that keeps less of a picture than this gives way to the surround
_HEADROOM = 0.25  # share of a crop's loss that is taken from the top: heads are there
_LONGEST_DISSOLVE = 20

Fit = Literal["cover", "surround"]


class _Gesture(NamedTuple):
    """Direction of a move: right, down and inward are +1."""

    x: int
    y: int
    zoom: int


_GESTURES = {
    "still": _Gesture(0, 0, 0),
    "push in": _Gesture(0, 0, 1),
    "pull out": _Gesture(0, 0, -1),
    "pan left": _Gesture(-1, 0, 0),
    "pan right": _Gesture(1, 0, 0),
    "tilt up": _Gesture(0, -1, 0),
    "tilt down": _Gesture(0, 1, 0),
    "orbit left": _Gesture(-1, 0, 1),
    "orbit right": _Gesture(1, 0, 1),
}

_HOW = r"(?:[\s-]+(?:\w+ly|and|camera|towards?|to|the|it|from\s+(?:the\s+)?(?:left|right|top|bottom)))*[\s-]+"
_ZOOM = r"\b(?:push|zoom|doll(?:y|ies)|truck)\w*" + _HOW
_SIDE = r"\b(?:(?<!frying\s)pan(?:s|ned|ning)?|(?:truck|slid|track|swip)\w*)" + _HOW
_LIFT = r"\b(?:tilt|cran|pedestal|boom|jib)\w*" + _HOW
_STEADY = r"(?:still|fixed|stationary|motionless)"
_CAMERA_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), gestures)
    for pattern, gestures in (
        (
            rf"{_ZOOM}(?:in(?:to|wards?)?|forwards?)\b|\bmov\w*\s+(?:in\s+)?closer\b|推近|推进|拉近",
            ("push in",),
        ),
        (rf"(?:{_ZOOM}|\bpull\w*{_HOW})(?:out(?:wards?)?|back(?:wards?)?|away)\b|拉远", ("pull out",)),
        (rf"{_SIDE}left(?:wards?)?\b|左移|左摇", ("pan left",)),
        (rf"{_SIDE}right(?:wards?)?\b|右移|右摇", ("pan right",)),
        (r"\bpan(?:s|ning)?\s+(?:across|over|along)\b|平移", ("pan left", "pan right")),
        (rf"{_LIFT}up(?:wards?)?\b|上移|上摇", ("tilt up",)),
        (rf"{_LIFT}down(?:wards?)?\b|下移|下摇", ("tilt down",)),
        (r"\borbit(?:s|ing)?\b|\b(?:circl|arc)\w*\s+around\b|环绕", ("orbit left", "orbit right")),
        (rf"\bstatic\b|\block\w*[\s-](?:off|down)\b|\b{_STEADY}\s+(?:camera|shot|frame|view)\b", ("still",)),
        (rf"\bcamera\s+(?:\w+\s+){{0,2}}{_STEADY}\b|固定镜头|镜头固定", ("still",)),
    )
)
_NEGATED = re.compile(r"(?:\bno|\bnot|n[\u2019']t|\bnever|\bwithout)\s+(?:\w+\s+)?$", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[.,;:!?\n\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f]|\bthen\b|然后", re.IGNORECASE)


@dataclass(frozen=True)
class Shot:
    """One image on screen, from frame `first` up to but without frame `end`.

    Neighbouring shots overlap by the dissolve between them. `move` is told in units of the image, or with the
    fit "surround" of the canvas that carries the image and its blurred extension; `gesture` names the move.
    """

    image: int
    first: int
    end: int
    move: Move
    gesture: str
    fit: Fit = "cover"

    def view(self, frame: int) -> View:
        """Give what the camera sees at `frame` of the video."""
        return self.move.at((frame - self.first) / max(1, self.end - 1 - self.first))


@dataclass(frozen=True)
class Storyboard:
    """The whole video: exactly `frames` frames of `width` x `height`, and the shots in order."""

    width: int
    height: int
    frames: int
    shots: tuple[Shot, ...]

    def layers(self, frame: int) -> list[tuple[Shot, float]]:
        """List the shots on screen at `frame`, lowest first, each with its opacity over the ones below."""
        live = [shot for shot in self.shots if shot.first <= frame < shot.end]
        layers = [(shot, 1.0) for shot in live[:1]]
        for below, shot in pairwise(live):
            layers.append((shot, (frame - shot.first + 1) / (below.end - shot.first + 1)))
        return layers

    def describe(self) -> str:
        """Say the storyboard in words, for the user."""
        parts = []
        for shot in self.shots:
            where = ", whole on its blurred surround" if shot.fit == "surround" else ""
            pace = "" if shot.gesture == "still" else "slow "
            times = f"{shot.first / FPS:.1f}\N{EN DASH}{shot.end / FPS:.1f} s"  # fmt: skip
            parts.append(f"{times} image {shot.image + 1}{where}, {pace}{shot.gesture}")
        return "; dissolve; ".join(parts)


def frame_size(width: int, height: int) -> tuple[int, int]:
    """Choose the frame whose ratio is nearest to that of the first image."""
    return min(FRAME_SIZES, key=lambda size: abs(math.log(size[0] * height / (size[1] * width))))


def direct(
    prompt: str, sizes: Sequence[tuple[int, int]], *, duration: int, camera_fixed: bool, seed: int
) -> Storyboard:
    """Plan a video of `duration` seconds from images of `sizes` (width, height).

    Images that the prompt mentions come first, in its order. The camera does what the prompt asks; where it
    asks nothing, `seed` draws a move that suits the picture. `camera_fixed` overrules both.
    """
    width, height = frame_size(*sizes[0])
    frames = FPS * duration
    order = _order(prompt, len(sizes))
    wishes, general = _wishes(prompt)
    draw = random.Random(seed)
    share = frames / len(order)
    dissolve = min(_LONGEST_DISSOLVE, max(2, round(share / 3)))

    shots: list[Shot] = []
    for place, image in enumerate(order):
        first = 0 if place == 0 else round(place * share) - dissolve // 2
        last = place == len(order) - 1
        end = frames if last else round((place + 1) * share) - dissolve // 2 + dissolve
        aspect = (sizes[image][0] / sizes[image][1]) / (width / height)
        fit: Fit = "cover" if min(aspect, 1 / aspect) >= _LEAST_KEPT else "surround"
        aspect = aspect if fit == "cover" else 1.0
        if camera_fixed:
            choices: Sequence[str] = ("still",)
        elif image in wishes:
            choices = wishes[image]
        elif general:
            choices = general[min(place, len(general) - 1)]
        else:
            choices = _suited(aspect, shots[-1].gesture if shots else "")
        gesture = draw.choice(choices)
        move = _move(_GESTURES[gesture], aspect, (end - first) / FPS, fit)
        shots.append(Shot(image, first, end, move, gesture, fit))
    return Storyboard(width, height, frames, tuple(shots))


def _order(prompt: str, count: int) -> list[int]:
    mentioned = [n - 1 for n in mentions(prompt) if 1 <= n <= count]
    return list(dict.fromkeys([*mentioned, *range(count)]))


def _wishes(prompt: str) -> tuple[dict[int, Sequence[str]], list[Sequence[str]]]:
    """Find the moves that the prompt asks for: of images named in the same clause, and of no one image."""
    named: dict[int, Sequence[str]] = {}
    general: list[Sequence[str]] = []
    for clause in _CLAUSE_END.split(prompt):
        found = [
            (match.start(), gestures)
            for pattern, gestures in _CAMERA_WORDS
            for match in pattern.finditer(clause)
            if not _NEGATED.search(clause[max(0, match.start() - 40) : match.start()])
        ]
        images = [n - 1 for n in mentions(clause)]
        asked = [gestures for _, gestures in sorted(found)]
        if asked and images:
            named |= {image: asked[0] for image in images if image not in named}
        else:
            general += asked
    return named, general


def _suited(aspect: float, previous: str) -> list[str]:
    """List moves that suit a picture and neither repeat nor undo the one before."""
    choices = ["push in", "pull out", "orbit left", "orbit right"]
    if aspect > 1.08:
        choices = ["pan left", "pan right", "orbit left", "orbit right", "push in"]
    elif aspect < 0.93:
        choices = ["tilt up", "push in", "pull out"]
    before = _GESTURES.get(previous, _GESTURES["still"])
    return [c for c in choices if c != previous and _GESTURES[c].x * before.x >= 0]


def _move(gesture: _Gesture, aspect: float, seconds: float, fit: Fit) -> Move:
    """Plan a gentle move, longer in a longer shot, inside the picture from end to end."""
    sideways = bool(gesture.x or gesture.y)
    share = 0.7 if sideways and gesture.zoom else 1.0
    closer, travel = share * _amount(seconds, 0.2), share * _amount(seconds, _reach(gesture, aspect))
    headroom = _HEADROOM
    if fit == "surround":  # what keeps the picture whole
        most = share * (0.05 if sideways else 0.1)
        closer, travel, headroom = min(closer, most), min(travel, most), 0.5

    base = 1.0
    if sideways:
        width, height = View(0.5, 0.5).extent(aspect)
        base = max(1.0, (1 + travel) * (width if gesture.x else height))
    near = base * (1 + closer) if gesture.zoom else base
    zooms = (near, base) if gesture.zoom < 0 else (base, near)

    ends = []
    for zoom, side in zip(zooms, (-travel / 2, travel / 2), strict=True):
        width, height = View(0.5, 0.5, zoom).extent(aspect)
        level = height / 2 + headroom * (1 - height)
        ends.append(View(0.5 + gesture.x * side * width, level + gesture.y * side * height, zoom))
    # One end of a journey may reach out of the picture: shift both by as much.
    x = sum(end.inside(aspect).x - end.x for end in ends)
    y = sum(end.inside(aspect).y - end.y for end in ends)
    start, end = (replace(end, x=end.x + x, y=end.y + y).inside(aspect) for end in ends)
    return Move(start, end)


def _amount(seconds: float, most: float) -> float:
    return min(max(0.055 * seconds, 0.05), most)


def _reach(gesture: _Gesture, aspect: float) -> float:
    """Limit a journey, in frames: what the crop leaves free, and at least what a small zoom can free."""
    slack = max(aspect, 1.0) - 1 if gesture.x else max(1 / aspect, 1.0) - 1
    return min(0.35, max(0.14, slack))
