"""What a prompt asks of each image: its place, its share of the time, its moves, and how it comes in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from seedance.engine.ask import Ask, Pace
from seedance.engine.camera_words import asks, handheld
from seedance.engine.clauses import Clause, clauses
from seedance.engine.joints import joints
from seedance.engine.storyboard import Transition
from seedance.prompts import mentions

_TAG: Final = re.compile(r"\[[^\[\]]*\]")
_TOGETHER: Final = re.compile(r"\b(?:and|while|with|plus|as)\b|[&+并]|同时", re.IGNORECASE)
_BY: Final = re.compile(r"\b(?:with|by|via|through|using)\b[^\[\]]*$", re.IGNORECASE)
_HURRIED: Final = re.compile(
    r"\bfast[\s-]paced\b|\benergetic\b|\bhigh[\s-]energy\b|\brapid\s+montage\b|\bquick\s+montage\b"
    r"|\bupbeat\b|快节奏|动感",
    re.IGNORECASE,
)
_CALM: Final = re.compile(
    r"\bslow[\s-](?:motion|mo|paced)\b|\bcalm\b|\bseren\w+|\btranquil\b|\bmeditative\b|\bpeaceful\b|慢动作"
    r"|慢节奏|舒缓|宁静",
    re.IGNORECASE,
)
_ARRIVAL: Final = re.compile(
    r"\b(?:cut|dissolv|fad|morph|transform|turn|chang|wip|whip|switch|transition|pan"
    r"|end|finish)\w*\b[^\[.!?]{0,40}"
    r"\b(?:to|into|on|with)\s*$|(?:[切换变]|过渡|溶解|转场|结束).{0,3}[到至为成在]\s*$",
    re.IGNORECASE,
)
"""Words before an image that another comes before."""
_LONG: Final = 20
"""Words, beyond the mean, that earn an image the most that a description can."""


@dataclass(frozen=True)
class Leg:
    """One move, or two at the same time: each is any of the gestures."""

    gestures: tuple[str, ...]
    meanwhile: tuple[str, ...] = ()
    pace: Pace = "steady"


@dataclass(frozen=True)
class Cast:
    """One image's part. `weight` is its share of the time, to be compared with those of the others."""

    image: int
    weight: float
    legs: tuple[Leg, ...]
    handheld: bool
    transition: Transition | None
    """How the image comes in, if the prompt says so."""


@dataclass(frozen=True)
class Script:
    """The parts in order; `forbidden` are gestures that the prompt does not want."""

    cast: tuple[Cast, ...]
    pace: Pace
    forbidden: frozenset[str]


def read(prompt: str, count: int) -> Script:
    """Read a prompt for `count` images."""
    parts = clauses(prompt)
    order = _order(prompt, count)
    legs, forbidden = _legs(parts, order)
    swaying = _handheld(parts, order)
    weights = _weights(prompt, count)
    transitions = _transitions(parts, order)
    pace: Pace = "fast" if _HURRIED.search(prompt) else "slow" if _CALM.search(prompt) else "steady"
    cast = (
        Cast(image, weights[image], tuple(legs[place]), image in swaying, transitions.get(place))
        for place, image in enumerate(order)
    )
    return Script(tuple(cast), pace, forbidden)


def _order(prompt: str, count: int) -> list[int]:
    mentioned = list(dict.fromkeys(image for _, image in _images(prompt, count)))
    others = [image for image in range(count) if image not in mentioned]
    tag = _TAG.search(prompt)
    return [*others, *mentioned] if tag and _ARRIVAL.search(prompt[: tag.start()]) else [*mentioned, *others]


def _images(text: str, count: int) -> list[tuple[int, int]]:
    """List the images that a text mentions, each time: where, and which."""
    return [
        (tag.start(), number - 1)
        for tag in _TAG.finditer(text)
        for number in mentions(tag[0])
        if 1 <= number <= count
    ]


def _weights(prompt: str, count: int) -> list[float]:
    """Weigh images by what is said of them: from 1, the length of it and every further mention add."""
    tags = _images(prompt, count)
    words, times = [0] * count, [0] * count
    ends = [start for start, _ in tags[1:]] + [len(prompt)]
    for (start, image), end in zip(tags, ends, strict=False):
        said = _TAG.sub(" ", prompt[start:end])
        words[image] += (
            len(re.findall(r"[a-zA-Z\d'\u2019-]+", said)) + len(re.findall(r"[\u4e00-\u9fff]", said)) // 2
        )
        times[image] += 1
    mean = sum(words) / count
    return [
        1 + 0.25 * min(max(n - 1, 0), 2) + 0.5 * min(max(w - mean - 3, 0) / _LONG, 1)
        for w, n in zip(words, times, strict=True)
    ]


def _legs(parts: list[Clause], order: list[int]) -> tuple[list[list[Leg]], frozenset[str]]:
    """Give the moves of each place: those named with its image, else the next of no image, or the last."""
    named: dict[int, list[Leg]] = {}
    general: list[Leg] = []
    forbidden: set[str] = set()
    sentence, waiting, owners = -1, list[int](), list[int]()
    for part in parts:
        if part.sentence != sentence:
            sentence, waiting, owners = part.sentence, [], []
        found = asks(part.text)
        forbidden |= {gesture for ask in found if ask.forbidden for gesture in ask.gestures}
        wanted = [ask for ask in found if not ask.forbidden]
        tags = _images(part.text, len(order))
        if not tags:
            owners = waiting or owners
            waiting = waiting if not wanted else []
            for leg in _joined(wanted, part.text):
                if owners:
                    for image in owners:
                        named.setdefault(image, []).append(leg)
                else:
                    general.append(leg)
            continue
        by_image: dict[int, list[Ask]] = {}
        for ask in wanted:
            by_image.setdefault(_owner(ask, wanted, tags, order), []).append(ask)
        for image, own in by_image.items():
            named.setdefault(image, []).extend(_joined(own, part.text))
            owners, waiting = [image], []
        fresh = [image for _, image in tags if image not in by_image]
        waiting = list(dict.fromkeys([*waiting, *fresh])) if not by_image else fresh[-1:] if fresh else []
    rest = [place for place, image in enumerate(order) if image not in named]
    legs = [list(named.get(image, [])) for image in order]
    for turn, place in enumerate(rest):
        last = place == rest[-1]
        legs[place] = (general[turn:] if last else general[turn : turn + 1]) or general[-1:]
    return legs, frozenset(forbidden)


def _owner(ask: Ask, wanted: list[Ask], tags: list[tuple[int, int]], order: list[int]) -> int:
    """Find the image of a move: where moves come first, the image after it, else the one before."""
    before = [image for at, image in tags if at < ask.start]
    after = [image for at, image in tags if at >= ask.start]
    if ask.gestures[0].startswith("whip") and after and order.index(after[0]) > 0:
        return order[order.index(after[0]) - 1]  # a whip to an image begins on the one before it
    moves_first = wanted[0].start < tags[0][0]
    later = [other.start for other in wanted if other.start > ask.start]
    reached = [image for at, image in tags if ask.start <= at < min(later, default=at + 1)]
    if moves_first and reached:
        return reached[0]
    return (before or after)[-1 if before else 0]


def _joined(wanted: list[Ask], text: str) -> list[Leg]:
    """Make one leg of two moves that are said to happen together and can."""
    legs: list[Leg] = []
    last: Ask | None = None
    for ask in wanted:
        if last and not legs[-1].meanwhile and _TOGETHER.search(text[last.end : ask.start]):
            axes = {_axis(name) for name in (last.gestures[0], ask.gestures[0])}
            if len(axes) == 2 and not axes & {"all", "none"}:
                pace = ask.pace if legs[-1].pace == "steady" else legs[-1].pace
                legs[-1] = Leg(last.gestures, ask.gestures, pace)
                continue
        legs.append(Leg(ask.gestures, (), ask.pace))
        last = ask
    return legs


def _axis(gesture: str) -> str:
    verb, _, way = gesture.partition(" ")
    if verb in ("whip", "orbit"):
        return "all"
    return {"": "none", "in": "z", "out": "z", "left": "x", "right": "x"}.get(way, "y")


def _handheld(parts: list[Clause], order: list[int]) -> set[int]:
    swaying: set[int] = set()
    for part in parts:
        if handheld(part.text):
            swaying |= {image for _, image in _images(part.text, len(order))} or set(order)
    return swaying


def _transitions(parts: list[Clause], order: list[int]) -> dict[int, Transition]:
    """Find how places come in: the first, 0, comes in by nothing."""
    count = len(order)
    seen = [
        (part.start + at, order.index(image)) for part in parts for at, image in _images(part.text, count)
    ]
    set_: dict[int, Transition] = {}
    everywhere: Transition | None = None
    turns: list[Transition | None] = []
    for part in parts:
        found = joints(part.text)
        if part.follows and not found:
            turns.append(None)
        for joint in found:
            at = part.start + joint.start
            here = [
                (where, place) for where, place in seen if part.start <= where < part.start + len(part.text)
            ]
            after = [place for where, place in here if where > at and place > 0]
            before = [place for where, place in here if where < at]
            place: int | None
            if joint.everywhere and not (after and len(set(after)) == 1 and not before):
                place = None
            elif after:
                place = after[0]
            elif before:
                said = part.text[: joint.end]
                enters = joint.entering or (_BY.search(said) and (len(set(before)) > 1 or before[-1] > 0))
                place = before[-1] if enters else before[-1] + 1
            elif here:
                continue  # only the first image is meant: it has nothing to come from
            elif seen:
                later = [place for where, place in seen if where > at]
                earlier = [place for where, place in seen if where < at]
                place = None if not earlier else later[0] if later else earlier[-1] + 1
                place = None if place is not None and place >= count else place
            else:
                turns.append(joint.transition)
                continue
            if place is None:
                everywhere = everywhere or joint.transition
            elif place > 0:
                set_.setdefault(place, joint.transition)
    if not seen and turns:
        if len(turns) == 1:
            everywhere = everywhere or turns[0]
        set_ |= {place: turn for place, turn in enumerate(turns, start=1) if turn and place < count}
    if everywhere:
        for place in range(1, count):
            set_.setdefault(place, everywhere)
    return {place: transition for place, transition in set_.items() if place < count}
