from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from seedance.engine.camera import Move, View, Whip
from seedance.engine.renderer import frames
from seedance.engine.shutter import streak
from seedance.engine.storyboard import Shot, Storyboard

SIZE = 640, 360
WAY = Move(View(0.35, 0.5, 1.5), View(0.65, 0.5, 1.5), whip=Whip("middle", 0.2))
SHOT = Shot(0, 0, 49, WAY, "whip right")


def sharpness(shot: Shot) -> list[float]:
    """Measure how steep each frame of upright and level stripes is, across and down the frame."""
    rows, columns = np.mgrid[:720, :1280]
    stripes = Image.fromarray((64 + 120 * ((rows // 40 + columns // 40) % 2)).astype(np.uint8)).convert("RGB")
    drawn = frames(Storyboard(*SIZE, shot.end, (shot,)), [stripes])
    return [float(np.abs(np.diff(planes.y.astype(int), axis=1)).max()) for planes in drawn]


def test_only_the_fast_part_of_a_whip_is_streaked() -> None:
    """At its height the streak is half of what the frame moves on; where it is slow there is none."""
    moved = [SHOT.view(24 + half).x for half in (-0.5, 0.5)]
    across, down = streak(SHOT, 24, 1.0, SIZE)
    assert across == pytest.approx((moved[1] - moved[0]) * 1.5 * SIZE[0] / 2, rel=0.05)
    assert (across > 10, down) == (True, 0)
    assert streak(SHOT, 3, 1.0, SIZE) == streak(SHOT, 46, 1.0, SIZE) == (0, 0)
    steep = sharpness(SHOT)
    assert steep[24] < 0.3 * steep[3]


def test_other_moves_leave_no_streak() -> None:
    """Only a whip is meant to: the same way without one stays sharp from end to end."""
    plain = replace(SHOT, end=12, move=replace(WAY, whip=None))
    assert {streak(plain, frame, 1.0, SIZE) for frame in range(12)} == {(0, 0)}
    steep = sharpness(plain)
    assert min(steep) > 0.6 * max(steep)
