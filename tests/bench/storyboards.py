"""Draw and encode random storyboards; count crashes, wrong numbers of frames, and black or missing edges.

Images of 300 to 6000 pixels a side, ratios 0.4 to 2.5; all moves, fits, transitions, moods and weathers; half
of the images have a subject that can be parted from its background.

Usage: python -m tests.bench.storyboards [--runs 500] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, get_args

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seedance.engine.camera import Move, View, Whip
from seedance.engine.director import FRAME_SIZES
from seedance.engine.encoder import encode
from seedance.engine.matte import Matte, judged
from seedance.engine.planes import Planes
from seedance.engine.renderer import frames
from seedance.engine.storyboard import Focus, Mood, Shot, Storyboard, Transition, Weather

LIGHT = 240
"""All images are plain and this bright, 0 to 255: what is darker at an edge is not of the image."""
DARKEST = 0.37
"""What a surround leaves of that light at its rim; a vignette may take 0.4 of it besides."""


class Case(NamedTuple):
    """A storyboard, the sizes of its images, and the middle and radius of each subject, or None."""

    storyboard: Storyboard
    sizes: list[tuple[int, int]]
    subjects: list[tuple[float, float, float] | None]

    def images(self) -> list[Image.Image]:
        return [Image.new("RGB", size, (LIGHT,) * 3) for size in self.sizes]

    def mattes(self) -> list[Matte | None]:
        return [subject and judged(_disk(*subject)) for subject in self.subjects]


def _disk(x: float, y: float, radius: float) -> NDArray[np.float32]:
    at = (np.arange(256, dtype=np.float32) + 0.5) / 256
    return np.clip(128 * (radius - np.hypot(at - x, at[:, None] - y)), 0, 1).astype(np.float32)


def case(draw: random.Random, longest: int = 6000, width: int | None = None) -> Case:
    """Draw a case by chance; with `width` its frames are about as wide."""
    frame = draw.choice(FRAME_SIZES)
    if width:
        frame = width, 2 * round(width * frame[1] / frame[0] / 2)
    sizes, shots, first = [], list[Shot](), 0
    count = draw.randint(1, 4)
    for n in range(count):
        ratio = 2.5 ** draw.uniform(-1, 1)
        longer = round(300 * max(ratio, 1 / ratio) * (longest / 750) ** draw.random()) + 1
        longer = min(longer, longest)
        sizes.append((longer, round(longer / ratio)) if ratio > 1 else (round(longer * ratio), longer))
        fit = draw.choice(("cover", "cover", "surround"))
        aspect = 1.0 if fit == "surround" else sizes[n][0] / sizes[n][1] * frame[1] / frame[0]
        start, end = (
            View(draw.random(), draw.random(), 1 + draw.choice((0, 0.3, 1)) * draw.random()).inside(aspect)
            for _ in range(2)
        )
        move = Move(start, draw.choice((start, end)), whip=draw.choice((None, None, Whip("middle", 0.4))))
        above, below = move.room_to_bow(aspect)
        move = replace(move, bow=draw.choice((0.0, -above, below)))
        transition = draw.choice(get_args(Transition))
        length = draw.randint(8, 16)
        overlap = 0 if transition == "cut" or not shots else draw.randint(1, 6)
        first = first - overlap if shots else 0
        shots.append(
            Shot(
                n,
                first,
                first + length,
                move,
                "test",
                fit,  # type: ignore[arg-type]
                transition,
                Focus(draw.random(), draw.random()) if draw.random() < 0.3 else None,
                draw.random() < 0.4,
                draw.choice((0.0, 0.0, 0.01)),
            )
        )
        first += length
    mood = draw.choice((None, None, *get_args(Mood)))
    weather = draw.choice((None, None, *get_args(Weather)))
    storyboard = Storyboard(*frame, first, tuple(shots), draw.randrange(2**31), mood, weather)
    subjects = [
        draw.choice((None, (draw.random(), draw.random(), draw.uniform(0.1, 0.4)))) for _ in range(count)
    ]
    return Case(storyboard, sizes, subjects)


def has_edges(planes: Planes, storyboard: Storyboard) -> bool:
    """Tell whether the rim of a frame of plain bright images is as bright as its middle allows."""
    y = planes.y.astype(int) - 16
    rim = min(edge.min() for edge in (y[0], y[-1], y[:, 0], y[:, -1]))
    vignette = 0.6 if storyboard.mood in ("noir", "vintage", "night") else 1.0
    noise = 20 if storyboard.weather == "film grain" else 8
    return bool(rim >= DARKEST * vignette * np.median(y) - noise)


def faults(one: Case, folder: Path) -> Iterator[str]:
    """Draw and encode a case, and name what is wrong with it."""
    board = one.storyboard
    dark = 0

    def watched() -> Iterator[Planes]:
        nonlocal dark
        for planes in frames(board, one.images(), one.mattes()):
            dark += not has_edges(planes, board)
            yield planes

    path = folder / "case.mp4"
    try:
        size = {"width": board.width, "height": board.height, "frames": board.frames}
        encode(watched(), path, metadata={}, **size)
        with av.open(str(path)) as video:
            if sum(1 for packet in video.demux(video=0) if packet.size) != board.frames:
                yield "wrong number of frames"
    except Exception:
        traceback.print_exc()
        yield "crash"
    if dark:
        yield "black or missing edge"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found: Counter[str] = Counter()
    start, drawn = time.perf_counter(), 0
    with tempfile.TemporaryDirectory() as name:
        for n in range(options.seed, options.seed + options.runs):
            one = case(random.Random(n))
            drawn += one.storyboard.frames
            for fault in faults(one, Path(name)):
                found[fault] += 1
                print(f"seed {n}: {fault}: {one}")
    for fault in ("crash", "wrong number of frames", "black or missing edge"):
        print(f"{fault}: {found[fault]} of {options.runs}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{drawn} frames in {time.perf_counter() - start:.0f} s, peak {peak:.0f} MB with the images")


if __name__ == "__main__":
    main()
