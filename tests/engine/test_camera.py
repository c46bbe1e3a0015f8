from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest

from seedance.engine.camera import Move, View, Whip, ease

TIMES = [k / 200 for k in range(201)]


def edges(view: View, aspect: float) -> tuple[float, float, float, float]:
    width, height = view.extent(aspect)
    return view.x - width / 2, view.y - height / 2, view.x + width / 2, view.y + height / 2


def test_a_view_of_zoom_1_just_covers_the_frame() -> None:
    """A picture twice as wide as the frame shows half its width, one half as wide shows half its height."""
    assert View(0.5, 0.5).extent(2.0) == (0.5, 1.0)
    assert View(0.5, 0.5).extent(0.5) == (1.0, 0.5)
    assert View(0.5, 0.5, 2.0).extent(1.0) == (0.5, 0.5)


def test_a_view_is_moved_inside_by_as_little_as_it_takes() -> None:
    """A view that reaches out of the picture stops at its edge; one inside stays where it is."""
    assert View(0.1, 0.9, 2.0).inside(1.0) == View(0.25, 0.75, 2.0)
    assert View(0.4, 0.6, 2.0).inside(1.0) == View(0.4, 0.6, 2.0)


def test_a_move_between_views_inside_never_leaves_the_picture() -> None:
    """Whatever the two ends, no view between them shows anything beyond the picture."""
    draw = random.Random(1)
    for _ in range(200):
        aspect = draw.uniform(0.4, 2.5)
        start, end = (
            View(draw.random(), draw.random(), draw.uniform(1, 1.5)).inside(aspect) for _ in range(2)
        )
        for t in TIMES[::10]:
            left, top, right, bottom = edges(Move(start, end).at(t), aspect)
            assert min(left, top) >= -1e-9
            assert max(right, bottom) <= 1 + 1e-9


def test_a_bow_within_its_room_never_leaves_the_picture() -> None:
    """As far as there is room, up or down, or less: both ends stay where they are, all lies inside."""
    draw = random.Random(5)
    for _ in range(300):
        aspect = 2.5 ** draw.uniform(-1, 1)
        start, end = (
            View(draw.random(), draw.random(), draw.uniform(1, 1.6)).inside(aspect) for _ in range(2)
        )
        straight = Move(start, end)
        above, below = straight.room_to_bow(aspect)
        for bow in (-above, below, draw.uniform(-above, below)):
            move = replace(straight, bow=bow)
            for t in (0, 1):
                assert edges(move.at(t), aspect) == pytest.approx(edges(straight.at(t), aspect))
            for step in range(41):
                _, top, _, bottom = edges(move.at(step / 40), aspect)
                assert top >= -1e-9
                assert bottom <= 1 + 1e-9


def test_a_move_starts_and_ends_where_it_says() -> None:
    """Time 0 is the first view and time 1 the last, and time outside 0 to 1 goes no farther."""
    move = Move(View(0.4, 0.5, 1.1), View(0.6, 0.45, 1.3))
    for t, wanted in ((0, move.start), (-1, move.start), (1, move.end), (2, move.end)):
        view = move.at(t)
        assert (view.x, view.y, view.zoom) == pytest.approx((wanted.x, wanted.y, wanted.zoom))


def test_speed_is_continuous_and_never_rests() -> None:
    """Speed rises and falls without a jump, and stays between half and one and a half of the mean."""
    speeds = [(ease(b) - ease(a)) * 200 for a, b in pairwise(TIMES)]
    assert max(abs(b - a) for a, b in pairwise(speeds)) < 0.02
    assert min(speeds) > 0.5
    assert max(speeds) < 1.5
    assert max(speeds[0], speeds[-1]) < 0.8 * speeds[100]


def test_zoom_is_geometric() -> None:
    """Equal progress multiplies the zoom by equal factors."""
    move = Move(View(0.5, 0.5, 1.0), View(0.5, 0.5, 1.44))
    for t in TIMES[::20]:
        assert math.log(move.at(t).zoom) == pytest.approx(ease(t) * math.log(1.44))


def test_a_push_closes_in_on_one_fixed_point() -> None:
    """The point of the picture that lies still in the frame is the same from start to end."""
    move = Move(View(0.5, 0.5, 1.0), View(0.5, 0.47, 1.2))
    # A point p of the picture lies at (p - y) * zoom in the frame: the same at both ends for this p.
    point = (0.47 * 1.2 - 0.5) / 0.2
    for t in TIMES[::20]:
        view = move.at(t)
        assert (point - view.y) * view.zoom == pytest.approx(point - 0.5)


@pytest.mark.parametrize(("depart", "arrive"), [(0.0, 0.6), (0.15, 0.15), (0.6, 0.0), (2.5, 0.5)])
def test_a_move_sets_off_and_arrives_at_the_speeds_it_says(depart: float, arrive: float) -> None:
    """Speed at the ends is as told, never negative, and without a jump between."""
    speeds = [(ease(b, depart, arrive) - ease(a, depart, arrive)) * 200 for a, b in pairwise(TIMES)]
    assert (speeds[0], speeds[-1]) == pytest.approx((depart, arrive), abs=0.05)
    assert min(speeds) >= 0
    assert max(abs(b - a) for a, b in pairwise(speeds)) < 0.06


@pytest.mark.parametrize(("at", "fastest"), [("start", 0), ("middle", 100), ("end", 199)])
def test_a_whip_makes_most_of_the_way_in_its_share_of_the_time(
    at: Literal["start", "middle", "end"], fastest: int
) -> None:
    """It is fastest where it says, drifts on elsewhere, and still runs from 0 to 1."""
    whip = Whip(at, 0.2)
    assert (whip.progress(0), whip.progress(1)) == pytest.approx((0, 1))
    speeds = [(whip.progress(b) - whip.progress(a)) * 200 for a, b in pairwise(TIMES)]
    assert abs(speeds.index(max(speeds)) - fastest) <= 1
    assert max(speeds) > (8 if at == "middle" else 12)
    assert sum(speed < 0.2 for speed in speeds) > 150
    assert min(speeds) > 0
