from __future__ import annotations

import random
import threading
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import overload

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seedance.engine import renderer
from seedance.engine.camera import Move, View
from seedance.engine.planes import Planes
from seedance.engine.renderer import frames
from seedance.engine.storyboard import Focus, Shot, Storyboard, Transition
from tests.bench.storyboards import case, has_edges

WIDTH, HEIGHT = 640, 360


def one_shot(move: Move, count: int = 1, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Storyboard:
    return Storyboard(*size, count, (Shot(0, 0, count, move, "test"),))


def still(x: float = 0.5, y: float = 0.5, zoom: float = 1.0) -> Move:
    return Move(View(x, y, zoom), View(x, y, zoom))


def draw_one(image: Image.Image, move: Move) -> Planes:
    return next(frames(one_shot(move), [image]))


def rgb(planes: Planes) -> NDArray[np.float32]:
    """Turn a frame into RGB 0..255, chroma left-sited, by the formulas of BT.709."""
    rows, columns = planes.y.shape
    at_x, at_y = np.meshgrid(
        np.arange(columns, dtype=np.float32) / 2, (np.arange(rows, dtype=np.float32) - 0.5) / 2
    )
    y = (planes.y.astype(np.float32) - 16) * 255 / 219
    cb, cr = (
        (
            cv2.remap(plane.astype(np.float32), at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            - 128
        )
        * 255
        / 224
        for plane in (planes.u, planes.v)
    )
    return np.dstack([y + 1.5748 * cr, y - 0.1873 * cb - 0.4681 * cr, y + 1.8556 * cb])


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    """Make a picture with detail of every size, in colour."""
    noise = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for octave in range(1, 7):
        coarse = noise.normal(size=(2**octave + 1, 2**octave + 1, 3)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / 1.6**octave
    return Image.fromarray(np.clip(128 + 70 * total, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ("white", (235, 128, 128)),
        ("black", (16, 128, 128)),
        ("red", (63, 102, 240)),
        ("lime", (173, 42, 26)),
        ("blue", (32, 240, 118)),
    ],
)
def test_colours_are_bt709_in_limited_range(colour: str, expected: tuple[int, int, int]) -> None:
    """A plain picture gives the code values of ITU-R BT.709, everywhere up to the edges."""
    planes = draw_one(Image.new("RGB", (400, 300), colour), still(zoom=1.07))
    for plane, value in zip(planes, expected, strict=True):
        assert (plane.min(), plane.max()) == (value, value)


def test_planes_are_420_of_the_frame_size() -> None:
    """Luma has the frame's size and chroma half of it, contiguous bytes."""
    planes = draw_one(photo(300, 500), still())
    assert [plane.shape for plane in planes] == [(360, 640), (180, 320), (180, 320)]
    assert all(plane.dtype == np.uint8 and plane.flags.c_contiguous for plane in planes)


@pytest.mark.parametrize("size", [(1600, 900), (900, 700), (2000, 800), (400, 225)])
@pytest.mark.parametrize(("x", "y", "zoom"), [(0.5, 0.5, 1.0), (0.45, 0.53, 1.17)])
def test_a_frame_shows_what_the_view_says(size: tuple[int, int], x: float, y: float, zoom: float) -> None:
    """Pillow's own crop of the source has the same colours to 2 levels and the same place to 0.1 pixel."""
    image = photo(*size)
    aspect = (size[0] / size[1]) / (WIDTH / HEIGHT)
    view = View(x, y, zoom).inside(aspect)
    width, height = view.extent(aspect)
    box = (
        (view.x - width / 2) * size[0],
        (view.y - height / 2) * size[1],
        (view.x + width / 2) * size[0],
        (view.y + height / 2) * size[1],
    )
    wanted = np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=box), np.float32)
    shown = rgb(draw_one(image, Move(view, view)))
    assert np.abs(shown - wanted).mean() < 2
    assert np.abs((shown - wanted).mean((0, 1))).max() < 0.3
    grey = (picture.mean(2).astype(np.float64) for picture in (shown, wanted))
    (off_x, off_y), _ = cv2.phaseCorrelate(*grey, cv2.createHanningWindow((WIDTH, HEIGHT), cv2.CV_64F))
    assert max(abs(off_x), abs(off_y)) < 0.1


def stripes(zoom: float, period: int) -> NDArray[np.float64]:
    """Make a row of a picture: a sine that has `period` pixels in the frame at `zoom`."""
    x = (np.arange(1920) + 0.5) / 1920
    return np.sin(2 * np.pi * WIDTH * zoom / period * x)


def test_chroma_lies_where_luma_does() -> None:
    """Stripes in red and blue have the same place in luma and in left-sited chroma, to a tenth of a pixel."""
    wave = np.broadcast_to(stripes(1.2, 32), (1080, 1920))
    image = Image.fromarray(
        np.round(np.dstack([128 + 90 * wave, np.full_like(wave, 90), 128 - 90 * wave])).astype(np.uint8)
    )
    planes = draw_one(image, still(0.52, 0.5, 1.2))
    luma, chroma = (plane.mean(0) - plane.mean() for plane in (planes.y, planes.v))
    apart = np.angle(
        (luma @ np.exp(-2j * np.pi * np.arange(WIDTH) / 32))
        / (chroma @ np.exp(-2j * np.pi * np.arange(0, WIDTH, 2) / 32))
    )
    assert abs(apart) * 32 / (2 * np.pi) < 0.1


def off_the_path() -> NDArray[np.float64]:
    """Measure in pixels how far patches of a pattern are off their way, at a twentieth of a pixel a frame."""
    count, period = 40, 16
    zoom = 1.1
    row = np.round(128 + 90 * stripes(zoom, period)).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(row[None, :, None], (1080, 1920, 3)).copy())
    span = 0.05 * (count - 1) / (WIDTH * zoom)
    storyboard = one_shot(Move(View(0.5, 0.5, zoom), View(0.5 + span, 0.5, zoom)), count)
    shot = storyboard.shots[0]

    probe = np.exp(-2j * np.pi * np.arange(4 * period) / period)
    errors = []
    for number, planes in enumerate(frames(storyboard, [image])):
        moved = (shot.view(number).x - 0.5) * zoom * WIDTH
        for column in range(64, WIDTH - 128, 64):
            patch = planes.y[100:164, column : column + 4 * period].astype(float).mean(0)
            phase = np.angle((patch - patch.mean()) @ probe)
            errors.append((column, phase * period / (2 * np.pi) - moved))
    by_patch = [
        np.unwrap([e for c, e in errors if c == column], period=period) for column in {c for c, _ in errors}
    ]
    return np.concatenate([e - e.mean() for e in by_patch])


def test_a_slow_move_is_smooth() -> None:
    """Patches of a pattern are where they should be to 0.002 pixels rms, and none is off by 0.01."""
    deviation = off_the_path()
    assert np.sqrt((deviation**2).mean()) <= 0.002
    assert np.abs(deviation).max() <= 0.01


def two_shots(transition: Transition, overlap: int = 8, move: Move | None = None) -> Storyboard:
    """Plan a second of two images, the second from frame 12 on."""
    move = move or still()
    shots = (
        Shot(0, 0, 12 + overlap, move, "test"),
        Shot(1, 12, 24, move, "test", transition=transition),
    )
    return Storyboard(WIDTH, HEIGHT, 24, shots)


def test_a_fixed_camera_repeats_the_same_frame() -> None:
    """Outside the dissolve every frame of a still shot is the same to the bit; within it, each differs."""
    storyboard = two_shots("dissolve")
    images = [photo(640, 360, 1), photo(500, 800, 2)]
    drawn = [np.concatenate([p.ravel() for p in planes]) for planes in frames(storyboard, images)]
    before, after = storyboard.shots
    assert all((frame == drawn[0]).all() for frame in drawn[: after.first])
    assert all((frame == drawn[-1]).all() for frame in drawn[before.end :])
    for number in range(after.first, before.end + 1):
        assert (drawn[number] != drawn[number - 1]).any()


def test_a_focused_fixed_camera_stands_still() -> None:
    """A pull of focus changes sharpness alone: a light stays where it is to a sixth of a pixel."""
    picture = np.zeros((540, 960, 3), np.uint8)
    picture[201:251, 303:363] = 220
    shot = Shot(0, 0, 24, still(), "still", focus=Focus(1, 0))
    storyboard = Storyboard(WIDTH, HEIGHT, 24, (shot,))
    drawn = [planes.y.astype(float) - 16 for planes in frames(storyboard, [Image.fromarray(picture)])]
    for y in drawn:
        weights = [y.sum(axis) for axis in (0, 1)]
        x, y = (weight @ np.arange(len(weight)) / weight.sum() for weight in weights)
        assert (x, y) == pytest.approx((333 * 2 / 3 - 0.5, 226 * 2 / 3 - 0.5), abs=0.16)
    steepest = [np.abs(np.diff(y, axis=1)).max() for y in drawn]
    assert steepest == sorted(steepest)
    assert steepest[0] < 0.2 * steepest[-1]


@pytest.mark.parametrize("transition", ["dissolve", "morph"])
def test_a_dissolve_mixes_the_two_pictures_by_eased_opacity(transition: Transition) -> None:
    """Between black and white lies what the eased share says; a morph of unlike pictures is a dissolve."""
    storyboard = two_shots(transition)
    images = [Image.new("RGB", (640, 360), colour) for colour in ("black", "white")]
    for number, planes in enumerate(frames(storyboard, images)):
        layers = storyboard.layers(number)
        share = layers[1][1] if len(layers) == 2 else float(layers[0][0].image == 1)
        assert np.ptp(planes.y) == 0
        assert planes.y[0, 0] == pytest.approx(16 + 219 * share * share * (3 - 2 * share), abs=1)


@pytest.mark.long
def test_no_edge_is_ever_missing() -> None:
    """Random storyboards of bright pictures: as many frames as planned, no dark row, column or corner."""
    for seed in range(24):
        one = case(random.Random(seed), longest=900, width=192)
        drawn = list(frames(one.storyboard, one.images(), one.mattes()))
        assert len(drawn) == one.storyboard.frames
        assert all(has_edges(planes, one.storyboard) for planes in drawn), f"seed {seed}: {one}"


@pytest.mark.parametrize("transition", ["morph", "match zoom"])
def test_the_number_of_threads_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, transition: Transition
) -> None:
    """The same storyboard gives the same frames from one thread, two or five."""
    picture = photo(400, 240)
    plan = two_shots(transition, move=Move(View(0.5, 0.5, 1.1), View(0.52, 0.5, 1.2)))
    plan = replace(plan, seed=3, mood="vintage", weather="snow")
    plan = replace(plan, shots=tuple(replace(shot, shake=0.01, depth=True) for shot in plan.shots))

    def drawn(threads: int) -> list[bytes]:
        monkeypatch.setattr(renderer, "_THREADS", threads)
        return [b"".join(p.tobytes() for p in planes) for planes in frames(plan, [picture] * 2)]

    assert drawn(1) == drawn(2) == drawn(5)


def test_a_renderer_that_is_left_ends_its_threads() -> None:
    """Who stops asking for frames, as a cancelled job does, leaves no thread at work."""
    drawing = frames(two_shots("cut", 0), [photo(320, 180)] * 2)
    next(drawing)
    drawing.close()  # type: ignore[attr-defined]
    assert not [t.name for t in threading.enumerate() if t.name.startswith("renderer")]


def test_a_picture_that_fails_to_open_is_an_error_not_a_hang() -> None:
    """What goes wrong in a thread of the renderer reaches the caller."""
    with pytest.raises(IndexError):
        list(frames(two_shots("cut", 0), [photo(320, 180)]))


def test_a_surround_carries_the_picture_on_without_a_seam() -> None:
    """The picture itself is untouched, and no step in brightness marks where it ends."""
    image = Image.new("RGB", (360, 640), (200, 180, 160))
    shot = Shot(0, 0, 1, still(), "still", "surround")
    y = next(frames(Storyboard(WIDTH, HEIGHT, 1, (shot,)), [image])).y
    middle = y[HEIGHT // 2].astype(int)
    assert middle[WIDTH // 2] == round(16 + 219 / 255 * (0.2126 * 200 + 0.7152 * 180 + 0.0722 * 160))
    assert middle[0] < 0.6 * middle[WIDTH // 2]
    assert np.abs(np.diff(middle)).max() <= 5


class Files(Sequence[Image.Image]):
    """Images that are made when they are asked for, and remembered only weakly."""

    def __init__(self, sizes: list[tuple[int, int]]) -> None:
        self.sizes = sizes
        self.asked: list[int] = []
        self.made: list[weakref.ref[Image.Image]] = []

    @overload
    def __getitem__(self, index: int) -> Image.Image: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Image.Image]: ...
    def __getitem__(self, index: int | slice) -> Image.Image | Sequence[Image.Image]:
        assert isinstance(index, int)
        image = Image.new("RGB", self.sizes[index], "white")
        self.asked.append(index)
        self.made.append(weakref.ref(image))
        return image

    def __len__(self) -> int:
        return len(self.sizes)


def test_an_image_is_taken_once_and_at_most_one_shot_ahead() -> None:
    """Memory stays bounded: pictures are opened one by one and not kept."""
    files = Files([(640, 360)] * 4)
    order = 2, 0, 1, 3
    shots = tuple(Shot(image, 12 * n, 12 * n + 14, still(), "still") for n, image in enumerate(order))
    for number, _ in enumerate(frames(Storyboard(160, 90, 48, shots), files)):
        begun = [sum(shot.first <= n for shot in shots) for n in (number, number + renderer._AHEAD)]
        assert set(files.asked) == set(order[: len(files.asked)])
        assert begun[0] <= len(files.asked) <= begun[1] + 1
    assert sorted(files.asked) == [0, 1, 2, 3]
    assert not any(made() for made in files.made)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_any_mode_of_picture_is_drawn(mode: str) -> None:
    """A picture that is not RGB is turned into it instead of failing halfway."""
    assert draw_one(photo(320, 180).convert(mode), still()).y.std() > 5
