from __future__ import annotations

import random

import numpy as np

from seedance.engine.camera import View
from seedance.engine.shake import Sway


def test_a_sway_stays_within_the_steady_view() -> None:
    """A hand-held camera shows nothing that the steady one would not, over a minute."""
    view, aspect = View(0.4, 0.6, 1.3), 1.5
    left, top = (c - side / 2 for c, side in zip((view.x, view.y), view.extent(aspect), strict=True))
    for seed in range(20):
        sway = Sway.drawn(0.012, random.Random(seed))
        for frame in range(0, 24 * 60, 5):
            moved = sway.applied(view, aspect, frame)
            width, height = moved.extent(aspect)
            assert left - 1e-9 <= moved.x - width / 2
            assert top - 1e-9 <= moved.y - height / 2
            assert moved.x + width / 2 <= left + view.extent(aspect)[0] + 1e-9
            assert moved.y + height / 2 <= top + view.extent(aspect)[1] + 1e-9


def test_a_sway_is_smooth_and_alive() -> None:
    """It moves by a good part of its amount, and never by more than a fifth of it in a frame."""
    sway = Sway.drawn(0.01, random.Random(3))
    x = np.array([sway.applied(View(0.5, 0.5), 1.0, n).x - 0.5 for n in range(240)])
    assert np.ptp(x) > 0.01 * 0.8
    assert np.abs(np.diff(x)).max() < 0.01 / 5
    assert np.abs(np.diff(x, 2)).max() < 0.01 / 15


def test_a_sway_comes_from_its_seed() -> None:
    """The same seed sways alike, another otherwise."""
    one, same, other = (Sway.drawn(0.01, random.Random(seed)) for seed in (1, 1, 2))
    view = View(0.5, 0.5, 1.2)
    assert one.applied(view, 1.0, 17) == same.applied(view, 1.0, 17) != other.applied(view, 1.0, 17)
