from __future__ import annotations

import numpy as np
import pytest

from seedance.engine.focus import RADII, blur, levels
from seedance.engine.planes import Planes
from seedance.engine.storyboard import Focus


@pytest.mark.parametrize("focus", [Focus(1, 0), Focus(0, 1), Focus(0.6, 0.2)])
def test_a_pull_runs_from_end_to_end_without_a_jump(focus: Focus) -> None:
    """It starts and ends where it was told to, one way only, and no frame of two seconds leaps."""
    values = np.array([blur(focus, n / 47) for n in range(48)])
    assert (values[0], values[-1]) == pytest.approx((focus.start, focus.end))
    steps = np.diff(values) * np.sign(focus.end - focus.start)
    assert steps.min() >= 0
    assert steps.max() < 0.06


def test_more_of_a_shot_is_sharp_than_soft() -> None:
    """The rest of a shot after the pull is spent at its sharper end, whichever that is."""
    for focus in (Focus(1, 0), Focus(0, 1)):
        assert sum(blur(focus, n / 99) < 0.5 for n in range(100)) > 65


def spot() -> Planes:
    y = np.full((360, 640), 40, np.uint8)
    y[178:182, 318:322] = 235
    half = np.full((180, 320), 128, np.uint8)
    return Planes(y, half, half)


def test_a_point_of_light_becomes_a_disk_of_the_told_radius() -> None:
    """Each level spreads a point over its radius, evenly, and leaves the rest of the picture as it was."""
    for level, radius in zip(levels(spot(), 640), RADII, strict=True):
        if not radius:
            continue
        scale = 640 / level.y.shape[1]
        lit = (level.y > 41).sum() * scale * scale
        assert np.sqrt(lit / np.pi) == pytest.approx(radius * 640 + 2, abs=1.5 + 1.5 * scale)
        assert (level.y[: round(100 / scale)] == 40).all()
        assert (level.u == 128).all()


def test_softer_levels_cost_less_memory() -> None:
    """A picture with all its levels takes less than four times what the picture takes."""
    kept = levels(spot(), 640)
    assert sum(plane.size for planes in kept for plane in planes) < 4 * sum(plane.size for plane in kept[0])
