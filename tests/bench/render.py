"""Time the preview engine against ffmpeg's zoompan and xfade: four 12-megapixel photos become 5 seconds.

Usage: python -m tests.bench.render [--runs 5]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from seedance.engine.director import FPS, Storyboard, direct
from seedance.engine.encoder import encode
from seedance.engine.renderer import frames

SIZE = 4608, 2592
COUNT, SECONDS = 4, 5


class Run(NamedTuple):
    wall: float
    cpu: float
    peak: float  # MB
    job: float  # wall without the start of Python and its imports


class Photos(list[Path]):
    """Photos that are opened when they are asked for, as the renderer likes them."""

    def __getitem__(self, index: int) -> Image.Image:  # type: ignore[override]
        return Image.open(super().__getitem__(index))


def photo(path: Path, seed: int) -> Path:
    """Write a synthetic photo: detail of every size, in colour."""
    noise = np.random.default_rng(seed)
    picture = np.full((SIZE[1], SIZE[0], 3), 128, np.float32)
    for octave in range(1, 11):
        coarse = noise.normal(size=(2**octave, 2**octave, 3)).astype(np.float32)
        picture += 60 / 1.5**octave * cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path, quality=90)
    return path


def plan() -> Storyboard:
    return direct("", [SIZE] * COUNT, duration=SECONDS, camera_fixed=False, seed=1)


def engine(photos: Sequence[Path], target: Path) -> None:
    storyboard = plan()
    encode(
        frames(storyboard, Photos(photos)),
        target,
        width=storyboard.width,
        height=storyboard.height,
        frames=storyboard.frames,
        metadata={"title": "bench"},
    )


def ffmpeg(photos: Sequence[Path], target: Path) -> list[str]:
    """Give the command line of the same job: the same shots, dissolves and size, a push in for every move."""
    storyboard = plan()
    inputs = [word for path in photos for word in ("-i", str(path))]
    graph, before = "", "s0"
    for n, shot in enumerate(storyboard.shots):
        length = shot.end - shot.first
        graph += (
            f"[{n}:v]zoompan=z='1+0.1*on/{length}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d={length}"
            f":s={storyboard.width}x{storyboard.height}:fps={FPS}[s{n}];"
        )
    for n, (shot, after) in enumerate(zip(storyboard.shots, storyboard.shots[1:], strict=False), start=1):
        length = (shot.end - after.first) / FPS
        graph += f"[{before}][s{n}]xfade=duration={length:.4f}:offset={after.first / FPS:.4f}[x{n}];"
        before = f"x{n}"
    return [
        *(
            "ffmpeg",
            "-v",
            "error",
            "-y",
            *inputs,
            "-filter_complex",
            graph.rstrip(";"),
            "-map",
            f"[{before}]",
        ),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", str(target)),
    ]


def timed(command: list[str]) -> Run:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, float(said or wall))


def report(name: str, runs: Sequence[Run], target: Path) -> Run:
    middle = Run(*(statistics.median(values) for values in zip(*runs, strict=True)))
    print(
        f"{name:<23} {middle.wall:.2f} s wall, {middle.job:.2f} s for the job, {middle.cpu:.2f} s CPU, "
        f"{middle.peak:.0f} MB peak, {target.stat().st_size / 1e6:.2f} MB file;",
        "jobs:",
        *(f"{run.job:.2f}" for run in runs),
    )
    return middle


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("Usage")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--photos", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--engine", nargs="+", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.photos:
        for n in range(COUNT):
            photo(options.photos / f"{n}.jpg", n)
        return
    if options.engine:
        start = time.perf_counter()
        engine(options.engine[1:], options.engine[0])
        print(time.perf_counter() - start)
        return

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: Linux counts the memory of the parent into the peak of a child.
        subprocess.run([sys.executable, __file__, "--photos", name], check=True)
        photos = [folder / f"{n}.jpg" for n in range(COUNT)]
        ours, theirs = folder / "engine.mp4", folder / "ffmpeg.mp4"
        command = [sys.executable, __file__, "--engine", str(ours), *map(str, photos)]
        present = shutil.which("ffmpeg") is not None
        runs, others = [], []
        for _ in range(options.runs):
            runs.append(timed(command))
            if present:
                others.append(timed(ffmpeg(photos, theirs)))
        print(plan().describe())
        new = report("engine", runs, ours)
        print(f"  {SECONDS / new.job:.1f} times realtime")
        if present:
            old = report("ffmpeg zoompan + xfade", others, theirs)
            print(f"engine over ffmpeg: job {new.job / old.job:.2f}, CPU {new.cpu / old.cpu:.2f}", end="")
            print(f" (with the start of Python: wall {new.wall / old.wall:.2f})")
        else:
            print("ffmpeg is not installed: nothing to compare with")


if __name__ == "__main__":
    main()
