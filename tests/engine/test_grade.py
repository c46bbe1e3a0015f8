from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from PIL import Image

from seedance.engine.grade import graded, vignetted
from seedance.engine.planes import Planes, from_image
from seedance.engine.storyboard import Mood, Weather


def chart() -> Planes:
    """Make a picture of all greys, left to right, and of colours."""
    picture = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    picture[32:48] = np.where(np.arange(3) == 0, picture[32:48], picture[32:48] // 2)
    picture[48:] = np.where(np.arange(3) == 2, picture[48:], picture[48:] // 2)
    return from_image(Image.fromarray(picture))


@pytest.mark.parametrize("mood", get_args(Mood))
def test_a_mood_keeps_the_order_of_tones_and_legal_values(mood: Mood) -> None:
    """What was brighter stays at least as bright, apart from glow; nothing leaves the limited range."""
    planes = graded(chart(), mood)
    assert planes.y.min() >= 16
    assert planes.y.max() <= 235
    assert np.diff(planes.y[4].astype(int)).min() >= -1
    assert all(plane.min() >= 16 and plane.max() <= 240 for plane in planes[1:])


@pytest.mark.parametrize("mood", ["noir", "black and white"])
def test_black_and_white_has_no_colour(mood: Mood) -> None:
    """Chroma is exactly neutral, whatever the picture's colours."""
    planes = graded(chart(), mood)
    assert (planes.u == 128).all()
    assert (planes.v == 128).all()


@pytest.mark.parametrize(("mood", "warm"), [("golden hour", 1), ("warm", 1), ("cold", -1), ("night", -1)])
def test_warm_moods_turn_greys_to_orange_and_cool_ones_to_blue(mood: Mood, warm: int) -> None:
    """The tint of middle grey is on the side that the word says, and subtle: at most 12 levels."""
    before, after = chart(), graded(chart(), mood)
    blue, red = (int(b[4, 64]) - int(a[4, 64]) for a, b in zip(before[1:], after[1:], strict=True))
    assert blue * warm < 0 < red * warm
    assert max(abs(blue), abs(red)) <= 12


@pytest.mark.parametrize("mood", get_args(Mood))
def test_black_and_white_points_stay_clean(mood: Mood) -> None:
    """No mood paints pure black, or turns pure white into a strong colour."""
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:, 32:] = 255
    planes = graded(from_image(Image.fromarray(picture)), mood)
    assert max(abs(int(plane[2, 2]) - 128) for plane in planes[1:]) == 0
    assert max(abs(int(plane[2, -1]) - 128) for plane in planes[1:]) <= 8


def test_without_a_mood_nothing_changes() -> None:
    """A picture without mood and weather is the picture."""
    planes = chart()
    assert graded(planes, None) is planes
    assert vignetted(planes, None) is planes
    assert vignetted(planes, "warm") is planes


def test_a_vignette_darkens_corners_alone() -> None:
    """The middle keeps its light, the corners at least half of it."""
    bright = Planes(np.full((90, 160), 200, np.uint8), *[np.full((45, 80), 128, np.uint8)] * 2)
    shown = vignetted(bright, "noir")
    assert (shown.y[35:55, 60:100] >= 199).all()
    assert 100 < shown.y[0, 0] < 150


@pytest.mark.parametrize("weather", get_args(Weather))
def test_a_weather_grades_gently(weather: Weather) -> None:
    """Weather moves tones by at most 20 levels before anything falls."""
    before, after = chart(), graded(chart(), None, weather)
    assert np.abs(before.y.astype(int) - after.y).max() <= 20
