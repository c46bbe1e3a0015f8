from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from seedance.engine.planes import Planes
from seedance.engine.storyboard import Mood, Weather
from seedance.engine.weather import overlay

SIZE = 320, 180


def scene(y: int = 60) -> Planes:
    half = np.full((SIZE[1] // 2, SIZE[0] // 2), 120, np.uint8)
    return Planes(np.full((SIZE[1], SIZE[0]), y, np.uint8), half, half)


def flat(planes: Planes) -> bytes:
    return b"".join(plane.tobytes() for plane in planes)


@pytest.mark.parametrize("weather", get_args(Weather))
def test_the_same_seed_gives_the_same_weather_whatever_the_order(weather: Weather) -> None:
    """A frame depends on its number and the seed, not on the frames that were drawn before."""
    one, other, another = (overlay(weather, SIZE, seed) for seed in (1, 1, 2))
    forth = [flat(one(scene(), n)) for n in (0, 7, 40)]
    back = [flat(other(scene(), n)) for n in (40, 7, 0)]
    assert forth == back[::-1]
    assert flat(another(scene(), 7)) != forth[1]


@pytest.mark.parametrize("weather", get_args(Weather))
def test_weather_moves(weather: Weather) -> None:
    """Neighbouring frames differ, and over a scene of one colour it can be seen."""
    drawn = overlay(weather, SIZE, 1)
    a, b = (drawn(scene(), n).y.astype(int) for n in (3, 4))
    assert (a != b).any()
    assert a.std() > 0.5


@pytest.mark.parametrize("weather", [weather for weather in get_args(Weather) if weather != "film grain"])
def test_weather_has_a_colour_and_only_adds_light(weather: Weather) -> None:
    """What is in the air is tinted, not grey alone, and never darker than the scene before it."""
    shown = overlay(weather, SIZE, 1)(scene(), 10)
    assert (shown.y.astype(int) >= 60).all()
    assert shown.y.max() <= 240
    assert (shown.u != 120).any()


def test_rays_are_the_moons_at_night() -> None:
    """In a dark scene, and at night in any, they are much weaker than the sun's, and cool instead of warm."""

    def light(y: int, mood: Mood | None) -> tuple[float, float]:
        shown = overlay("light rays", SIZE, 1, mood)(scene(y), 10)
        return float((shown.y.astype(float) - y).max()) / (235 - y), float(shown.v.mean()) - 120

    sun, dark, moon = light(140, None), light(50, None), light(140, "night")
    assert max(dark[0], moon[0]) < 0.5 * sun[0]
    assert dark[1] < 0.3 * sun[1]
    assert moon[1] < 0.3 * sun[1]


def test_weather_leaves_the_frame_it_was_given() -> None:
    """A frame may be shown again: nothing is drawn into it."""
    for weather in get_args(Weather):
        given = scene()
        overlay(weather, SIZE, 1)(given, 5)
        assert flat(given) == flat(scene())


def test_grain_keeps_the_light() -> None:
    """Grain is as often brighter as darker, and few levels strong."""
    grain = overlay("film grain", SIZE, 1)(scene(120), 3).y.astype(float) - 120
    assert abs(grain.mean()) < 0.3
    assert 2 < grain.std() < 5


def test_no_weather_is_free() -> None:
    """Without weather the very frame comes back."""
    planes = scene()
    assert overlay(None, SIZE, 0)(planes, 0) is planes
