from __future__ import annotations

from dataclasses import replace

import pytest

from seedance.engine.camera import Move, View
from seedance.engine.storyboard import Focus, Shot, Storyboard

MOVE = Move(View(0.5, 0.5), View(0.5, 0.5, 1.2))
BOARD = Storyboard(
    64,
    36,
    120,
    (
        Shot(1, 0, 60, MOVE, "slow push in"),
        Shot(0, 40, 90, MOVE, "still", "surround", focus=Focus(0.5, 0)),
        Shot(0, 90, 120, MOVE, "pan left", transition="cut", shake=0.006),
    ),
    mood="golden hour",
    weather="snow",
)


def test_a_storyboard_describes_itself() -> None:
    """The words tell times that meet in the middle of a transition, images, moves, and the look of it all."""
    assert BOARD.describe() == (
        "0.0\N{EN DASH}2.1 s image 2, slow push in; dissolve; 2.1\N{EN DASH}3.8 s image 1, whole on its "
        "blurred surround, still, coming into focus; 3.8\N{EN DASH}5.0 s image 1, pan left, handheld; "
        "all at golden hour and in falling snow"
    )


def test_a_look_that_is_not_there_is_not_told() -> None:
    """Without mood and weather the words end with the last shot; one of them stands alone."""
    assert replace(BOARD, mood=None, weather=None).describe().endswith("handheld")
    assert replace(BOARD, mood=None).describe().endswith("; all in falling snow")


def test_two_shots_share_the_frames_of_a_transition() -> None:
    """The one that comes in lies on top, with an even rise; outside there is one shot."""
    assert [shot.image for shot, _ in BOARD.layers(39)] == [1]
    below, above = BOARD.layers(40)
    assert (below, above[0]) == ((BOARD.shots[0], 1.0), BOARD.shots[1])
    assert above[1] == pytest.approx(1 / 21)
    assert BOARD.layers(59)[1][1] == pytest.approx(20 / 21)
    assert [shot.gesture for shot, _ in BOARD.layers(90)] == ["pan left"]


def test_a_shot_runs_from_its_first_view_to_its_last() -> None:
    """Progress is 0 on the first frame and 1 on the last one; a shot of one frame shows its start."""
    shot = BOARD.shots[2]
    assert (shot.progress(90), shot.progress(119)) == (0, 1)
    assert shot.view(119) == shot.move.end
    assert replace(shot, end=91).view(90) == shot.move.start
