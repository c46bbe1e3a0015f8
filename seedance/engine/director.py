"""A prompt, the sizes of the images and a seed become a storyboard: pure, the same answer every time."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Final

from seedance.engine import looks
from seedance.engine.ask import Pace
from seedance.engine.camera import CRUISE, Whip
from seedance.engine.framing import GESTURES, Box, Framing, Gesture, framed
from seedance.engine.script import Leg, Script, read
from seedance.engine.storyboard import FPS, Focus, Shot, Storyboard, Transition

FRAME_SIZES: Final = ((1248, 704), (1120, 832), (960, 960), (832, 1120), (704, 1248), (1504, 640))
"""Width and height of the video for 16:9, 4:3, 1:1, 3:4, 9:16 and 21:9."""

_LONGEST: Final[dict[Transition, int]] = {"cut": 0, "fade": 28, "match zoom": 16, "morph": 24}
"""Frames that a transition takes where there is time; wipes and dissolves take as many as the pace says."""
_DISSOLVE: Final[dict[Pace, int]] = {"slow": 24, "steady": 20, "fast": 10}
_LEG: Final = 1.2  # seconds that one of several moves over an image takes at least
_WHIP: Final = 0.35  # seconds
_SHAKE: Final = 0.006
_SETTLED: Final = 0.15
"""Speed, over the mean, of the first and the last move at the ends of the video."""
_FIRST_BLUR: Final = 0.6
_LATER_BLUR: Final = 0.45
"""How blurred a shot without a move begins: it lives by its focus."""


def frame_size(width: int, height: int) -> tuple[int, int]:
    """Choose the frame whose ratio is nearest to that of the first image."""
    return min(FRAME_SIZES, key=lambda size: abs(math.log(size[0] * height / (size[1] * width))))


def direct(
    prompt: str,
    sizes: Sequence[tuple[int, int]],
    *,
    duration: int,
    camera_fixed: bool,
    seed: int,
    subjects: Sequence[Box | None] = (),
) -> Storyboard:
    """Plan a video of `duration` seconds from images of `sizes` (width, height).

    Images that the prompt mentions come first, in its order, and longer the more it says of them. The camera
    does what the prompt asks; where it asks nothing, `seed` draws a move that suits the picture.
    `camera_fixed` overrules both. `subjects` are where in each image what matters is, if that is known.
    """
    frame, frames = frame_size(*sizes[0]), FPS * duration
    script = read(prompt, len(sizes))
    draw = random.Random(seed)
    pictures = list(zip(sizes, subjects or [None] * len(sizes), strict=True))
    plans = _plans(script, pictures, frame, still=camera_fixed, draw=draw)
    shots: list[Shot] = []
    for place, (plan, (first, end)) in enumerate(zip(plans, _spans(script, plans, frames), strict=True)):
        shots += _shots(plan, first, end, opens=place == 0, closes=place == len(plans) - 1)
    return Storyboard(
        *frame, frames, tuple(shots), seed=seed, mood=looks.mood(prompt), weather=looks.weather(prompt)
    )


@dataclass(frozen=True)
class _Act:
    """One move, drawn: its names, its direction and its pace."""

    names: tuple[str, ...]
    pace: Pace

    @property
    def gesture(self) -> Gesture:
        return Gesture(*(sum(axis) for axis in zip(*(GESTURES[name] for name in self.names), strict=True)))

    @property
    def whips(self) -> bool:
        return self.names[0].startswith("whip")

    def __str__(self) -> str:
        plain = self.pace == "steady" or self.whips or self.names == ("still",)
        return ("" if plain else f"{self.pace} ") + " and ".join(self.names)


@dataclass(frozen=True)
class _Plan:
    """One image on screen: what is done, one act after the other, and how it comes in."""

    image: int
    framing: Framing
    acts: tuple[_Act, ...]
    transition: Transition
    handheld: bool
    whipped: bool = False
    """Comes in on the whip of the image before."""


def _plans(
    script: Script,
    pictures: Sequence[tuple[tuple[int, int], Box | None]],
    frame: tuple[int, int],
    *,
    still: bool,
    draw: random.Random,
) -> list[_Plan]:
    plans: list[_Plan] = []
    carried: _Act | None = None
    for place, cast in enumerate(script.cast):
        size, subject = pictures[cast.image]
        previous = plans[-1].acts[-1].gesture if plans else GESTURES["still"]
        acts = [_act(leg, script.pace, draw) for leg in cast.legs]
        if still:
            acts = [_Act(("still",), "steady")]
        whipped = carried is not None
        if carried and not acts:
            acts = [carried]
        framing = framed(size, frame, acts[0].gesture if acts else GESTURES["still"], subject)
        if not acts:
            suited = _suited(
                framing.aspect, previous, plans[-1].acts[-1].names if plans else (), script.forbidden
            )
            acts = [_Act((draw.choice(suited),), script.pace)]
        default: Transition = "cut" if whipped or script.pace == "fast" else "dissolve"
        plans.append(
            _Plan(
                cast.image,
                framing,
                tuple(acts),
                cast.transition or default,
                handheld=cast.handheld and not still,
                whipped=whipped and acts == [carried],
            )
        )
        leads = acts[-1].whips and not plans[-1].whipped and place + 1 < len(script.cast)
        carried = acts[-1] if leads and script.cast[place + 1].transition in (None, "cut") else None
    return plans


def _act(leg: Leg, general: Pace, draw: random.Random) -> _Act:
    names = [draw.choice(gestures) for gestures in (leg.gestures, leg.meanwhile) if gestures]
    return _Act(tuple(names), leg.pace if leg.pace != "steady" else general)


def _suited(aspect: float, before: Gesture, names: tuple[str, ...], forbidden: frozenset[str]) -> list[str]:
    """List moves that suit a picture and neither repeat nor undo the one before."""
    choices = ["push in", "pull out", "orbit left", "orbit right"]
    if aspect > 1.08:
        choices = ["pan left", "pan right", "orbit left", "orbit right", "push in"]
    elif aspect < 0.93:
        choices = ["tilt up", "pull out"]
    banned = {_family(name) for name in forbidden}
    allowed = [name for name in choices if not banned & _families(name)]
    if {"zoom", "pan"} <= banned:
        return ["still"]
    if not allowed:
        others = ["pan left", "pan right", "push in", "pull out", "tilt up"]
        allowed = [name for name in others if not banned & _families(name)]
    fresh = [
        name
        for name in allowed
        if name not in names and all(a * b >= 0 for a, b in zip(GESTURES[name], before, strict=True))
    ]
    return fresh or [name for name in allowed if name not in names] or allowed or ["still"]


def _family(name: str) -> str:
    verb = name.partition(" ")[0]
    return {"push": "zoom", "pull": "zoom", "truck": "pan", "whip": "pan", "crane": "tilt"}.get(verb, verb)


def _families(name: str) -> set[str]:
    gesture = GESTURES[name]
    swept = {"zoom"} if gesture.zoom else set()
    return swept | ({"pan"} if gesture.x else set()) | {_family(name)}


def _spans(script: Script, plans: Sequence[_Plan], frames: int) -> list[tuple[int, int]]:
    """Give the first and the end frame of each image: shares of the video, and the overlaps between them."""
    total = sum(cast.weight for cast in script.cast)
    shares = [frames * cast.weight / total for cast in script.cast]
    overlaps = [
        _overlap(plan.transition, min(pair), script.pace)
        for plan, pair in zip(plans[1:], pairwise(shares), strict=True)
    ]
    borders = [round(border) for border in accumulate(shares)][:-1]
    firsts = [border - overlap // 2 for border, overlap in zip(borders, overlaps, strict=True)]
    ends = [first + overlap for first, overlap in zip(firsts, overlaps, strict=True)]
    return list(zip([0, *firsts], [*ends, frames], strict=True))


def _overlap(transition: Transition, share: float, pace: Pace) -> int:
    if transition == "cut":
        return 0
    return min(_LONGEST.get(transition, _DISSOLVE[pace]), max(2, round(share / 3)))


def _shots(plan: _Plan, first: int, end: int, *, opens: bool, closes: bool) -> list[Shot]:
    """Make the shots of an image: one for each act that there is time for, each going on where one ended."""
    seconds = (end - first) / FPS
    acts = plan.acts[: 1 if plan.handheld else max(1, int(seconds / _LEG))]
    sideways = any(act.gesture.x or act.gesture.y for act in acts)
    shots: list[Shot] = []
    for number, act in enumerate(acts):
        start, stop = (first + round(n * (end - first) / len(acts)) for n in (number, number + 1))
        lasting = (stop - start) / FPS
        if shots:
            move = plan.framing.onward(shots[-1].move.end, act.gesture, lasting, act.pace)
        else:
            room = 1.12 if len(acts) > 1 and sideways and plan.framing.fit == "cover" else 1.0
            move = plan.framing.move(act.gesture, lasting, act.pace, min(room, plan.framing.nearest))
        if any(name.startswith("orbit") for name in act.names):
            move = plan.framing.bowed(move)
        depart = 0.0 if number else _SETTLED if opens else CRUISE
        arrive = 0.0 if number + 1 < len(acts) else _SETTLED if closes else CRUISE
        move = replace(move, depart=depart, arrive=arrive, whip=_whip(plan, act, lasting, closes=closes))
        still = act.names == ("still",)
        shots.append(
            Shot(
                plan.image,
                start,
                stop,
                move,
                str(act),
                plan.framing.fit,
                "cut" if shots else plan.transition,
                focus=Focus(_FIRST_BLUR if opens else _LATER_BLUR, 0.0) if still and len(acts) == 1 else None,
                depth=len(acts) == 1 and plan.framing.fit == "cover" and _has_depth(act),
                shake=_SHAKE if plan.handheld else 0.0,
            )
        )
    return shots


def _whip(plan: _Plan, act: _Act, seconds: float, *, closes: bool) -> Whip | None:
    if not act.whips:
        return None
    return Whip("start" if plan.whipped else "middle" if closes else "end", min(0.5, _WHIP / seconds))


def _has_depth(act: _Act) -> bool:
    return any(name.split()[0] in ("push", "pull", "orbit", "truck", "crane") for name in act.names)
