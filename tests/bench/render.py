"""Time the preview engine against ffmpeg's zoompan and xfade: four 12-megapixel photos become 5 seconds.

Beside it: the same with depth (where `SEEDANCE_MATTE_MODEL` names a model, its time is in that), the same
with ffmpeg's preset, and the encoding alone of the engine's ready frames. Runs alternate, each in a process
of its own; the ratios are medians of those of neighbouring runs. moviepy runs, too, where it is installed.
SSIM is told against a near-lossless render of the same storyboard. `tests.bench.first_video` times a whole
engine.

Usage: python -m tests.bench.render [--runs 5]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from seedance.engine import encoder, matte
from seedance.engine.director import direct
from seedance.engine.planes import Planes
from seedance.engine.renderer import frames
from seedance.engine.storyboard import FPS, Storyboard

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


def plan(depth: bool = False) -> Storyboard:
    storyboard = direct("", [SIZE] * COUNT, duration=SECONDS, camera_fixed=False, seed=1)
    shots = (replace(shot, depth=depth, focus=None, transition="dissolve") for shot in storyboard.shots)
    return replace(storyboard, shots=tuple(shots))


def ready(path: Path, storyboard: Storyboard) -> Iterator[Planes]:
    """Read frames that were drawn before."""
    width, height = storyboard.width, storyboard.height
    for frame in np.memmap(path, np.uint8, "r").reshape(-1, width * height * 3 // 2):
        y, u, v = np.split(frame, [width * height, width * height * 5 // 4])
        yield Planes(y.reshape(height, width), *(c.reshape(height // 2, width // 2) for c in (u, v)))


def found(photos: Sequence[Path]) -> list[matte.Matte | None]:
    """Have the model, if there is one, look at the photos; they show nothing: each gets a disk as subject."""
    matte.find(Photos(photos))
    at = (np.arange(256, dtype=np.float32) + 0.5) / 256
    disk = np.clip(256 * (0.28 - np.hypot(at - 0.5, at[:, None] - 0.5)), 0, 1)
    return [matte.judged(disk) for _ in photos]


def job(kind: str, photos: Sequence[Path], target: Path) -> None:
    if kind == "moviepy":
        moviepy(photos, target)
        return
    storyboard = plan(kind == "depth")
    mattes = found(photos) if kind == "depth" else []
    drawn = frames(storyboard, Photos(photos), mattes) if kind != "encode" else ready(photos[0], storyboard)
    if kind == "draw":
        with target.open("wb") as raw:
            for planes in drawn:
                raw.writelines(planes)
        return
    if kind == "reference":
        encoder._QUANTISER = 4
    if kind == "veryfast":
        encoder._X264 = {"preset": "veryfast", "crf": "20"}
    size = {"width": storyboard.width, "height": storyboard.height, "frames": storyboard.frames}
    encoder.encode(drawn, target, metadata={"title": "bench"}, **size)


def ffmpeg(photos: Sequence[Path], target: Path, preset: str = "veryfast", crf: int = 20) -> list[str]:
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
        *("-c:v", "libx264", "-preset", preset, "-crf", str(crf), "-pix_fmt", "yuv420p", str(target)),
    ]


def moviepy(photos: Sequence[Path], target: Path) -> None:
    """Make the same video as a moviepy script would."""
    from moviepy import CompositeVideoClip, ImageClip, vfx

    storyboard, clips, before = plan(), [], 0
    for path, shot in zip(photos, storyboard.shots, strict=True):
        length = (shot.end - shot.first) / FPS
        clip = ImageClip(str(path)).with_start(shot.first / FPS).with_duration(length)
        cover = max(storyboard.width / clip.w, storyboard.height / clip.h)
        clip = clip.resized(lambda t, cover=cover, length=length: cover * (1 + 0.1 * t / length))
        clip = clip.with_position("center")
        if before > shot.first:
            clip = clip.with_effects([vfx.CrossFadeIn((before - shot.first) / FPS)])
        clips.append(clip)
        before = shot.end
    video = CompositeVideoClip(clips, size=(storyboard.width, storyboard.height))
    video.write_videofile(
        str(target),
        fps=FPS,
        codec="libx264",
        preset="veryfast",
        ffmpeg_params=["-crf", "20", "-pix_fmt", "yuv420p"],
        logger=None,
    )


def restlessness() -> int:
    """Tell by how many levels, at most, the frames of a fixed camera differ that does not pull focus."""
    storyboard = direct("", [SIZE], duration=2, camera_fixed=True, seed=1)
    shots = tuple(replace(shot, focus=None) for shot in storyboard.shots)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (1296, 2304, 3), np.uint8))
    first, *others = frames(replace(storyboard, shots=shots), [picture])
    return max(int(cv2.absdiff(a, b).max()) for frame in others for a, b in zip(first, frame, strict=True))


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


def ssim(video: Path, reference: Path) -> str:
    command = ["ffmpeg", "-i", str(video), "-i", str(reference), "-lavfi", "ssim", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return re.findall(r"All:([\d.]+)", said)[-1]  # type: ignore[no-any-return]


def report(name: str, runs: Sequence[Run], target: Path, quality: str) -> None:
    middle = Run(*(statistics.median(values) for values in zip(*runs, strict=True)))
    print(
        f"{name:<22} {middle.wall:.2f} s wall, {middle.job:.2f} s for the job, {middle.cpu:.2f} s CPU, "
        f"{middle.peak:.0f} MB peak, {target.stat().st_size / 1e6:.2f} MB file, SSIM {quality}"
    )


def compare(name: str, runs: Sequence[Run], others: Sequence[Run]) -> None:
    pairs = list(zip(runs, others, strict=True))
    wall, cpu, job = (
        statistics.median(getattr(a, field) / getattr(b, field) for a, b in pairs)
        for field in ("wall", "cpu", "job")
    )
    print(f"{name}: job {job:.2f}, CPU {cpu:.2f}, wall with the start of Python {wall:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("Usage")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--photos", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--job", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.photos:
        for n in range(COUNT):
            photo(options.photos / f"{n}.jpg", n)
        return
    if options.job:
        kind, target, *photos = options.job
        start = time.perf_counter()
        job(kind, [Path(path) for path in photos], Path(target))
        print(time.perf_counter() - start)
        return

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = [sys.executable, "-m", "tests.bench.render"]
        # In a process of its own: Linux counts the memory of the parent into the peak of a child.
        subprocess.run([*own, "--photos", name], check=True)
        photos = [folder / f"{n}.jpg" for n in range(COUNT)]
        names = [str(path) for path in photos]
        raw = folder / "frames.yuv"
        subprocess.run([*own, "--job", "draw", str(raw), *names], check=True, stdout=subprocess.DEVNULL)
        commands = {
            "engine": [*own, "--job", "plain", str(folder / "engine.mp4"), *names],
            "engine, depth": [*own, "--job", "depth", str(folder / "engine, depth.mp4"), *names],
            "engine, veryfast": [*own, "--job", "veryfast", str(folder / "engine, veryfast.mp4"), *names],
            "encoding alone": [*own, "--job", "encode", str(folder / "encoding alone.mp4"), str(raw)],
        }
        quality = dict.fromkeys(commands, "-")
        if shutil.which("ffmpeg"):
            reference = folder / "reference.mp4"
            for kind, command in (
                ("engine", [*own, "--job", "reference", str(reference), *names]),
                ("ffmpeg", ffmpeg(photos, reference, "ultrafast", 4)),
            ):
                if kind == "ffmpeg":
                    commands[kind] = ffmpeg(photos, folder / "ffmpeg.mp4")
                subprocess.run(commands[kind], check=True, stdout=subprocess.DEVNULL)
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                quality[kind] = ssim(folder / f"{kind}.mp4", reference)
                if kind == "engine":
                    subprocess.run(commands["engine, veryfast"], check=True, stdout=subprocess.DEVNULL)
                    quality["engine, veryfast"] = ssim(folder / "engine, veryfast.mp4", reference)
        if importlib.util.find_spec("moviepy"):
            commands["moviepy"] = [*own, "--job", "moviepy", str(folder / "moviepy.mp4"), *names]
            quality["moviepy"] = "-"
        else:
            print("moviepy is not installed: left out")
        runs: dict[str, list[Run]] = {kind: [] for kind in commands}
        for _ in range(options.runs):
            for kind, command in commands.items():
                runs[kind].append(timed(command))
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        for kind in commands:
            report(kind, runs[kind], folder / f"{kind}.mp4", quality[kind])
        if "ffmpeg" in runs:
            compare("engine over ffmpeg", runs["engine"], runs["ffmpeg"])
            compare("engine with depth over ffmpeg", runs["engine, depth"], runs["ffmpeg"])
            compare("engine at ffmpeg's preset over ffmpeg", runs["engine, veryfast"], runs["ffmpeg"])
        else:
            print("ffmpeg is not installed: nothing to compare with")
        if "moviepy" in runs:
            compare("engine over moviepy", runs["engine"], runs["moviepy"])
        compare("engine over encoding alone", runs["engine"], runs["encoding alone"])
        from tests.engine.test_renderer import off_the_path  # not in the processes that are timed

        print(f"off the intended path at 0.05 px a frame: {np.sqrt((off_the_path() ** 2).mean()):.4f} px rms")
        print(f"frames of a fixed camera differ by {restlessness()} levels")


if __name__ == "__main__":
    main()
