from __future__ import annotations

import cv2
import numpy as np
import pytest

from seedance.engine.planes import Planes
from seedance.engine.transitions import Look, flow_between, taken_over

WIDTH, HEIGHT = 320, 180


def plain(y: int, chroma: int = 128) -> Planes:
    half = np.full((HEIGHT // 2, WIDTH // 2), chroma, np.uint8)
    return Planes(np.full((HEIGHT, WIDTH), y, np.uint8), half, half)


def seen(planes: Planes) -> Look:
    return lambda closer: planes


def test_a_fade_goes_through_black() -> None:
    """Half-way there is no light and no colour; before it only one picture is seen, after it the other."""
    below, above = seen(plain(200, 90)), seen(plain(150, 170))
    middle = taken_over("fade", 0.5, below, above)
    assert [plane.max() for plane in middle] == [16, 128, 128]
    before, after = (taken_over("fade", share, below, above) for share in (0.3, 0.7))
    assert 16 < before.y.max() < 200
    assert taken_over("fade", 0.49, below, above).y.max() < 24
    assert before.u.max() < 128 < after.u.min()


@pytest.mark.parametrize(
    ("direction", "rows", "columns"),
    [
        ("left", slice(None), slice(-20, None)),
        ("right", slice(None), slice(0, 20)),
        ("up", slice(-12, None), slice(None)),
        ("down", slice(0, 12), slice(None)),
    ],
)
def test_a_wipe_travels_in_the_direction_of_its_word(direction: str, rows: slice, columns: slice) -> None:
    """The new picture is whole where the edge came from and absent where it goes; the edge is soft."""
    wiped = taken_over(f"wipe {direction}", 0.5, seen(plain(40)), seen(plain(200)))  # type: ignore[arg-type]
    assert (wiped.y[rows, columns] == 200).all()
    assert (np.flip(wiped.y)[rows, columns] == 40).all()
    line = (wiped.y[HEIGHT // 2] if direction in ("left", "right") else wiped.y[:, WIDTH // 2]).astype(int)
    assert 3 <= np.abs(np.diff(line)).max() <= 16


@pytest.mark.parametrize("kind", ["dissolve", "fade", "wipe left", "wipe down", "match zoom", "morph"])
def test_a_transition_begins_with_the_one_picture_and_ends_with_the_other(kind: str) -> None:
    """At its very ends nothing of the other picture is seen."""
    below, above = seen(plain(60, 100)), seen(plain(180, 150))
    for share, wanted in ((0.0, plain(60, 100)), (1.0, plain(180, 150))):
        shown = taken_over(kind, share, below, above)  # type: ignore[arg-type]
        assert all((a == b).all() for a, b in zip(shown, wanted, strict=True))


def test_a_match_zoom_rushes_inwards_all_the_way() -> None:
    """Both pictures only ever grow, the first from its own size, the second to its own."""
    asked: dict[str, list[float]] = {"below": [], "above": []}

    def noting(name: str) -> Look:
        def look(closer: float) -> Planes:
            asked[name].append(closer)
            return plain(100)

        return look

    for step in range(21):
        taken_over("match zoom", step / 20, noting("below"), noting("above"))
    assert asked["below"][0] == asked["above"][-1] == 1
    assert min(asked["below"]) == 1
    assert max(asked["above"]) <= 1.1
    assert max(asked["below"]) > 1.25
    assert min(asked["above"]) < 0.85


def texture(shift: float = 0.0, seed: int = 0) -> Planes:
    noise = np.random.default_rng(seed).random((12, 20), np.float32)
    large = 40 + 160 * cv2.resize(noise, (WIDTH + 80, HEIGHT), interpolation=cv2.INTER_CUBIC)
    move = np.array([[1, 0, 40 + shift], [0, 1, 0]], np.float32)
    y = cv2.warpAffine(large, move, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return plain(0)._replace(y=np.clip(y, 16, 235).astype(np.uint8))


def test_a_morph_carries_alike_pictures_into_each_other() -> None:
    """A part of the way between two shifted views lies the one shifted by that part, not both at once."""
    share, eased = 0.35, 0.35 * 0.35 * (3 - 2 * 0.35)
    below, above, between = texture(0), texture(16), texture(16 * eased)
    flow = flow_between(below, above)
    assert flow is not None
    inner = slice(30, -30)
    morphed = taken_over("morph", share, seen(below), seen(above), flow).y[:, inner].astype(float)
    mixed = taken_over("dissolve", share, seen(below), seen(above)).y[:, inner].astype(float)
    wanted = between.y[:, inner].astype(float)
    assert np.abs(morphed - wanted).mean() < 0.25 * np.abs(mixed - wanted).mean()


def test_a_flow_follows_the_cameras() -> None:
    """When both cameras have moved by as much, the flow between what they see is still the shift."""
    flow = flow_between(texture(0), texture(16))
    assert flow is not None
    moved = np.array([[1, 0, 0.05], [0, 1, 0], [0, 0, 1]])
    later = flow.seen_by(moved, moved)
    assert np.abs(later.there[30:-30, 60:-60] - flow.there[30:-30, 60:-60]).mean() < 0.004
    apart = flow.seen_by(np.eye(3), moved)
    assert apart.there[90, 160, 0] == pytest.approx(flow.there[90, 160, 0] - 0.05, abs=0.005)


def test_unlike_pictures_have_no_flow() -> None:
    """A morph between pictures that have nothing in common is refused: it is a dissolve."""
    assert flow_between(texture(seed=1), texture(seed=2)) is None
