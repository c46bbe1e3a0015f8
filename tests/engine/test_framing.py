from __future__ import annotations

import itertools

import pytest

from seedance.engine.camera import View
from seedance.engine.director import FRAME_SIZES
from seedance.engine.framing import GESTURES, Box, framed

SUBJECTS = [Box(0.05, 0.1, 0.3, 0.5), Box(0.6, 0.5, 0.95, 0.98), Box(0.4, 0.02, 0.6, 0.9)]
SIZES = [(2000, 1200), (1200, 2000), (1500, 1500)]
ZOOMS = ["push in", "pull out"]


def shown(view: View, aspect: float) -> Box:
    width, height = view.extent(aspect)
    return Box(view.x - width / 2, view.y - height / 2, view.x + width / 2, view.y + height / 2)


@pytest.mark.parametrize("gesture", ZOOMS)
def test_a_zoom_keeps_its_subject(gesture: str) -> None:
    """As much of it as the frame can hold is seen at both ends, its top always, and nothing from outside."""
    for subject, size, frame in itertools.product(SUBJECTS, SIZES, FRAME_SIZES):
        framing = framed(size, frame, GESTURES[gesture], subject)
        if framing.fit == "surround":
            continue
        move = framing.move(GESTURES[gesture], 4)
        for view in (move.start, move.end):
            seen = shown(view, framing.aspect)
            assert min(seen) >= -1e-9
            assert max(seen) <= 1 + 1e-9
            assert seen.top <= subject.top + 1e-9
            width = min(subject.right - subject.left, seen.right - seen.left)
            assert min(seen.right, subject.right) - max(seen.left, subject.left) >= width - 1e-9


@pytest.mark.parametrize("gesture", sorted(GESTURES))
def test_no_move_leaves_the_picture_for_its_subject(gesture: str) -> None:
    """Wherever the subject is, both ends of a move lie inside."""
    for subject, size, frame in itertools.product(SUBJECTS, SIZES, FRAME_SIZES):
        framing = framed(size, frame, GESTURES[gesture], subject)
        move = framing.move(GESTURES[gesture], 4, "fast")
        for view in (move.start, move.end):
            inside = view.inside(framing.aspect)
            assert (inside.x, inside.y) == pytest.approx((view.x, view.y))


def test_a_push_closes_in_on_its_subject() -> None:
    """At the end the subject is nearer to the middle of the frame than without being known."""
    subject = SUBJECTS[0]
    known, blind = (
        framed((2000, 1200), (1248, 704), GESTURES["push in"], box).move(GESTURES["push in"], 5)
        for box in (subject, None)
    )
    assert known.end.x < blind.end.x - 0.05
