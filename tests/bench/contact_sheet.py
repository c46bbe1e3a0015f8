"""Draw contact sheets of the engine's preview: frames at 0, 25, 50, 75 and 100 % of what a row is about.

Where `SEEDANCE_MATTE_MODEL` names a model, subjects are sought as in a render.

Usage: python -m tests.bench.contact_sheet [photo.jpg ...] [--about transitions] [-o folder]
       python -m tests.bench.contact_sheet photo.jpg other.jpg --about prompt --prompt "push in, then fade"
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, get_args

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from seedance.engine.camera import Move, View, Whip
from seedance.engine.director import direct, frame_size
from seedance.engine.matte import find
from seedance.engine.planes import Planes
from seedance.engine.renderer import frames
from seedance.engine.storyboard import FPS, Fit, Focus, Mood, Shot, Storyboard, Transition, Weather

CELL = 320
MARGIN, LINE = 6, 16
EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"

MOVES = {
    "push in": Move(View(0.5, 0.5, 1.0), View(0.5, 0.47, 1.25)),
    "pull out": Move(View(0.5, 0.47, 1.25), View(0.5, 0.5, 1.0)),
    "pan right": Move(View(0.42, 0.5, 1.25), View(0.58, 0.5, 1.25)),
    "pan left": Move(View(0.58, 0.5, 1.25), View(0.42, 0.5, 1.25)),
    "tilt up": Move(View(0.5, 0.6, 1.25), View(0.5, 0.4, 1.25)),
    "tilt down": Move(View(0.5, 0.4, 1.25), View(0.5, 0.6, 1.25)),
    "orbit right": Move(View(0.45, 0.5, 1.12), View(0.55, 0.5, 1.2), bow=-0.01),
    "orbit left": Move(View(0.55, 0.5, 1.12), View(0.45, 0.5, 1.2), bow=-0.01),
    "whip right": Move(View(0.4, 0.5, 1.25), View(0.6, 0.5, 1.25), whip=Whip("middle", 0.17)),
    "still": Move(View(0.5, 0.5, 1.0), View(0.5, 0.5, 1.0)),
}


class Row(NamedTuple):
    """A row of a sheet: what to draw of it, and the frames to show."""

    label: str
    storyboard: Storyboard
    images: list[Image.Image]
    shown: list[int]


def rgb(planes: Planes) -> Image.Image:
    """Turn BT.709 limited-range planes into a picture."""
    size = planes.y.shape[::-1]
    y = (planes.y.astype(np.float32) - 16) / 219
    u, v = ((cv2.resize(c, size).astype(np.float32) - 128) / 224 for c in planes[1:])
    red, blue = y + 1.5748 * v, y + 1.8556 * u
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    return Image.fromarray(np.clip(np.dstack([red, green, blue]) * 255 + 0.5, 0, 255).astype(np.uint8))


def inside(move: Move, image: Image.Image, size: tuple[int, int]) -> Move:
    """Keep a move inside a picture."""
    aspect = image.width / image.height * size[1] / size[0]
    return replace(move, start=move.start.inside(aspect), end=move.end.inside(aspect))


def one(
    label: str,
    image: Image.Image,
    gesture: str = "push in",
    count: int = 49,
    size: tuple[int, int] | None = None,
    mood: Mood | None = None,
    weather: Weather | None = None,
    fit: Fit = "cover",
    **looks: object,
) -> Row:
    """Make a row of one shot."""
    size = size or frame_size(*image.size)
    move = inside(MOVES[gesture], image, size) if fit == "cover" else MOVES[gesture]
    shot = Shot(0, 0, count, move, gesture, fit, **looks)  # type: ignore[arg-type]
    storyboard = Storyboard(*size, count, (shot,), 1, mood, weather)
    return Row(label, storyboard, [image], [round(k / 4 * (count - 1)) for k in range(5)])


def moves(photos: Sequence[Image.Image]) -> Iterator[Row]:
    for n, gesture in enumerate(MOVES):
        yield one(gesture, photos[n % len(photos)], gesture)


def depth(photos: Sequence[Image.Image]) -> Iterator[Row]:
    for gesture in ("push in", "pan right", "orbit left"):
        for image in photos:
            yield one(f"{gesture}, depth", image, gesture, depth=True)


def transitions(photos: Sequence[Image.Image]) -> Iterator[Row]:
    pairs = [pair for pair in pairwise([*photos, photos[0]]) if pair[0].size == pair[1].size] or [
        (photos[0], photos[-1])
    ]
    for n, kind in enumerate(get_args(Transition)):
        below, above = pairs[n % len(pairs)]
        if kind == "morph":
            above = below.crop((below.width // 20, below.height // 25, below.width, below.height))
        size = frame_size(*below.size)
        overlap = 0 if kind == "cut" else 16
        shots = (
            Shot(0, 0, 24 + overlap, inside(MOVES["push in"], below, size), "push in"),
            Shot(1, 24, 64, inside(MOVES["pan right"], above, size), "pan right", transition=kind),
        )
        shown = [22, 23, 24, 25, 26] if kind == "cut" else [24, 27, 31, 35, 39]
        yield Row(kind, Storyboard(*size, 64, shots), [below, above], shown)


def moods(photos: Sequence[Image.Image]) -> Iterator[Row]:
    for mood in (None, *get_args(Mood)):
        yield many(mood or "as it is", photos, mood=mood)


def weathers(photos: Sequence[Image.Image]) -> Iterator[Row]:
    for weather in (None, *get_args(Weather)):
        yield many(weather or "as it is", photos, weather=weather)


def many(
    label: str, photos: Sequence[Image.Image], mood: Mood | None = None, weather: Weather | None = None
) -> Row:
    """Make a row of one still frame of each of five pictures."""
    chosen = [photos[n % len(photos)] for n in range(5)]
    size = 1248, 704
    still = MOVES["still"]
    shots = tuple(
        Shot(n, 4 * n, 4 * n + 4, still, "still", transition="cut") for n, image in enumerate(chosen)
    )
    return Row(label, Storyboard(*size, 20, shots, 1, mood, weather), chosen, [2, 6, 10, 14, 18])


def focus(photos: Sequence[Image.Image]) -> Iterator[Row]:
    for image in photos:
        yield one("focus 1 to 0", image, "still", focus=Focus(1, 0))
    yield one("focus 0 to 0.6", photos[0], "still", focus=Focus(0, 0.6))


def shapes(photos: Sequence[Image.Image]) -> Iterator[Row]:
    for n, (width, height) in enumerate(((300, 300), (400, 1000), (1000, 400), (300, 750), (750, 300))):
        image = ImageOps.fit(photos[n % len(photos)], (width, height), Image.Resampling.LANCZOS)
        for size in ((1248, 704), (704, 1248)):
            yield one(f"{width}x{height}, surround", image, "still", size=size, fit="surround")


SHEETS: dict[str, Callable[[Sequence[Image.Image]], Iterator[Row]]] = {
    "moves": moves,
    "depth": depth,
    "transitions": transitions,
    "moods": moods,
    "weathers": weathers,
    "focus": focus,
    "shapes": shapes,
}


def prompted(images: list[Image.Image], options: argparse.Namespace) -> Iterator[Row]:
    """Make a row for each shot of the storyboard that a prompt gives."""
    storyboard = direct(
        options.prompt,
        [image.size for image in images],
        duration=options.duration,
        camera_fixed=options.camera_fixed,
        seed=options.seed,
        subjects=[matte and matte.box for matte in find(images)],
    )
    for shot in storyboard.shots:
        shown = [shot.first + round(k / 4 * (shot.end - 1 - shot.first)) for k in range(5)]
        yield Row(f"{shot.transition}, image {shot.image + 1}, {shot.gesture}", storyboard, images, shown)


def cells(row: Row) -> dict[int, Image.Image]:
    mattes = find(row.images) if any(shot.depth for shot in row.storyboard.shots) else []
    drawn = enumerate(frames(row.storyboard, row.images, mattes))
    width, height = row.storyboard.width, row.storyboard.height
    scale = CELL / max(width, height)
    cell = round(width * scale), round(height * scale)
    return {n: rgb(planes).resize(cell, Image.Resampling.LANCZOS) for n, planes in drawn if n in row.shown}


def sheet(rows: list[Row]) -> Image.Image:
    drawn = [cells(row) for row in rows]
    heights = [max(cell.height for cell in row.values()) + MARGIN + LINE for row in drawn]
    picture = Image.new("RGB", (5 * (CELL + MARGIN) + MARGIN, sum(heights) + MARGIN), "#202020")
    draw = ImageDraw.Draw(picture)
    y = MARGIN
    for row, shown, height in zip(rows, drawn, heights, strict=True):
        for column, number in enumerate(row.shown):
            x = MARGIN + column * (CELL + MARGIN)
            draw.text((x, y), f"{number / FPS:.2f} s  {row.label}", fill="#dddddd")
            picture.paste(shown[number], (x, y + LINE - 2))
        y += height
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("Usage")[0])
    parser.add_argument("images", nargs="*", type=Path, default=sorted(EXAMPLES.glob("*.jpg")))
    parser.add_argument(
        "--about", choices=[*SHEETS, "prompt"], help="one sheet; otherwise all but the prompt's"
    )
    parser.add_argument("--prompt", default="")
    parser.add_argument("--duration", type=int, default=5)
    parser.add_argument("--camera-fixed", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=Path(), help="folder for the sheets")
    options = parser.parse_args()

    images = [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in options.images]
    for about in [options.about] if options.about else SHEETS:
        rows = list(prompted(images[:4], options) if about == "prompt" else SHEETS[about](images))
        path = options.output / f"{about}.png"
        sheet(rows).save(path)
        print(path)


if __name__ == "__main__":
    main()
