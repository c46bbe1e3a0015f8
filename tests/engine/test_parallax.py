from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from seedance.engine.camera import Move, View
from seedance.engine.matte import Matte, judged
from seedance.engine.parallax import cut
from seedance.engine.planes import from_image
from seedance.engine.renderer import frames
from seedance.engine.storyboard import Shot, Storyboard
from tests.engine.test_matte import disk

SIZE = 640, 480
STILL = View(0.5, 0.5, 1.15)
PUSH = Move(STILL, View(0.5, 0.5, 1.2))
TRUCK = Move(View(0.46, 0.5, 1.15), View(0.54, 0.5, 1.15))


def picture(x: float = 0.5) -> Image.Image:
    """Draw a bright disk on a dark ground that grows lighter to the right."""
    ground = np.broadcast_to(np.linspace(40, 90, 1280).astype(np.uint8)[None, :, None], (960, 1280, 3))
    image = Image.fromarray(np.ascontiguousarray(ground))
    middle = 1280 * x
    ImageDraw.Draw(image).ellipse((middle - 256, 480 - 192, middle + 256, 480 + 192), fill=(230, 230, 230))
    return image


def subject(x: float = 0.5) -> Matte:
    found = judged(disk(0.2, x=x))
    assert found is not None
    return found


def shown(move: Move, matte: Matte | None, *, depth: bool = True) -> list[NDArray[np.int32]]:
    """Draw the first and the last frame of two seconds in luma."""
    shot = Shot(0, 0, 48, move, "test", depth=depth)
    board = Storyboard(*SIZE, 48, (shot,))
    drawn = [planes.y for planes in frames(board, [picture()], [matte])]
    return [drawn[0].astype(np.int32), drawn[-1].astype(np.int32)]


def width(frame: NDArray[np.int32]) -> float:
    """Measure the disk along the middle row, to parts of a pixel."""
    row = frame[SIZE[1] // 2]
    return float(np.clip((row - 110) / 90, 0, 1).sum())


def middle(frame: NDArray[np.int32]) -> float:
    row = np.clip((frame[SIZE[1] // 2] - 110) / 90, 0, 1)
    return float((row * np.arange(row.size)).sum() / row.sum())


def test_a_push_brings_the_subject_nearer_than_its_ground() -> None:
    """The two start as the picture is, and end some 5 % apart."""
    first, last = shown(PUSH, subject())
    plain_first, plain_last = shown(PUSH, None, depth=False)
    assert width(first) == pytest.approx(width(plain_first), abs=2)
    assert width(last) / width(plain_last) == pytest.approx(1.05, abs=0.01)
    assert np.abs(last[:, 8] - plain_last[:, 8]).max() <= 1


def test_going_sideways_the_subject_passes_before_its_ground() -> None:
    """It goes farther through the frame than what is behind it, by about a fiftieth of the width."""
    first, last = shown(TRUCK, subject())
    plain_first, plain_last = shown(TRUCK, None, depth=False)
    farther = (middle(first) - middle(last)) - (middle(plain_first) - middle(plain_last))
    assert 0.015 < farther / SIZE[0] < 0.025


@pytest.mark.parametrize("move", [PUSH, TRUCK])
def test_there_is_no_halo_and_no_hole(move: Move) -> None:
    """A step off the disk there is ground alone; within it there is nothing but the disk."""
    for frame in shown(move, subject()):
        inside = frame > 150
        rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
        x, y = columns[inside].mean(), rows[inside].mean()
        reach = np.sqrt(
            inside.sum() / np.pi * (256 / 192)
        )  # across; the disk is as wide as that to its height
        far = np.hypot((columns - x) / reach, (rows - y) * (256 / 192) / reach)
        assert frame[far < 0.97].min() > 195
        ground = frame[(far > 1.05) & (far < 1.4)]
        assert ground.min() >= 45
        assert ground.max() <= 100


def test_what_would_show_the_trick_is_not_parted() -> None:
    """A subject at the picture's side has nothing beyond it to show; a still one needs no layers."""
    planes = from_image(picture())
    shot = Shot(0, 0, 48, TRUCK, "test", depth=True)
    aside = subject(0.19)
    assert cut(planes, aside, shot) is None
    assert cut(planes, aside, replace(shot, move=PUSH)) is not None
    assert cut(planes, subject(), replace(shot, move=Move(STILL, STILL))) is None
    assert cut(planes, subject()._replace(solid=False), shot) is None
