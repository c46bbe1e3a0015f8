from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image

from seedance.engine.camera import Move, View
from seedance.engine.encoder import encode
from seedance.engine.planes import Planes
from seedance.engine.renderer import frames
from seedance.engine.storyboard import Shot, Storyboard

WIDTH, HEIGHT = 320, 192
BASE = np.random.default_rng(0).integers(60, 180, (HEIGHT // 8, 2 * WIDTH // 8), np.uint8)


def moving(number: int) -> Planes:
    """Make one frame of a pattern that slides by."""
    y = np.kron(BASE, np.ones((8, 8), np.uint8))[:, 2 * number % WIDTH :][:, :WIDTH]
    u = np.full((HEIGHT // 2, WIDTH // 2), 100, np.uint8)
    return Planes(np.ascontiguousarray(y), u, u + 50)


def write(path: Path, length: int = 60, **changes: object) -> Path:
    options = {"width": WIDTH, "height": HEIGHT, "frames": length, "metadata": {}, **changes}
    encode((moving(n) for n in range(length)), path, **options)  # type: ignore[arg-type]
    return path


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("encoder")]


@pytest.mark.parametrize("length", [1, 2, 60, 121])
def test_every_frame_arrives_once_and_on_time(tmp_path: Path, length: int) -> None:
    """A player decodes exactly the frames that were given, 24 a second from time 0."""
    with av.open(str(write(tmp_path / "v.mp4", length))) as video:
        stream = video.streams.video[0]
        assert stream.average_rate == 24
        times = [frame.time for frame in video.decode(stream)]
    assert times == pytest.approx([n / 24 for n in range(length)])


def test_the_picture_survives(tmp_path: Path) -> None:
    """Decoded frames are the given ones, in order, within a mean of 2.5 levels."""
    with av.open(str(write(tmp_path / "v.mp4"))) as video:
        for number, frame in enumerate(video.decode(video=0)):
            decoded = frame.to_ndarray().astype(int)
            wanted = np.concatenate([p.ravel() for p in moving(number)]).reshape(decoded.shape)
            assert np.abs(decoded - wanted).mean() < 2.5


def test_noise_is_coded_less_finely(tmp_path: Path) -> None:
    """Frames with film grain take two thirds of the bytes that they would."""
    noise = np.random.default_rng(1).integers(-8, 9, (24, HEIGHT, WIDTH))
    grainy = [
        planes._replace(y=(planes.y + grain).astype(np.uint8))
        for planes, grain in zip(map(moving, range(24)), noise, strict=True)
    ]
    sizes = []
    for noisy in (False, True):
        path = tmp_path / f"{noisy}.mp4"
        encode(grainy, path, width=WIDTH, height=HEIGHT, frames=24, metadata={}, noisy=noisy)
        sizes.append(path.stat().st_size)
    assert sizes[1] < 0.67 * sizes[0]


def test_the_index_comes_before_the_pictures(tmp_path: Path) -> None:
    """A browser can start before the file is complete: moov before mdat."""
    data = write(tmp_path / "v.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_a_closed_group_starts_every_two_seconds(tmp_path: Path) -> None:
    """Every 48th frame is a keyframe and an IDR, so that a player can jump there."""
    with av.open(str(write(tmp_path / "v.mp4", 100))) as video:
        packets = [packet for packet in video.demux(video=0) if packet.size]
    keys = sorted(packet.pts * packet.time_base * 24 for packet in packets if packet.is_keyframe)  # type: ignore[operator]
    assert keys == [0, 48, 96]
    for packet in packets:
        kinds = {kind & 31 for kind in nal_headers(bytes(packet))}
        assert (5 in kinds) == packet.is_keyframe


def nal_headers(packet: bytes) -> Iterator[int]:
    at = 0
    while at < len(packet):
        size = int.from_bytes(packet[at : at + 4], "big")
        yield packet[at + 4]
        at += 4 + size


def test_colours_are_tagged(tmp_path: Path) -> None:
    """The file says H.264, 4:2:0, BT.709 and limited range: no player has to guess."""
    with av.open(str(write(tmp_path / "v.mp4"))) as video:
        context = video.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.width, context.height) == (WIDTH, HEIGHT)
        assert context.colorspace == Colorspace.ITU709
        assert context.color_primaries == ColorPrimaries.BT709
        assert context.color_trc == ColorTrc.BT709
        assert context.color_range == ColorRange.MPEG


def test_metadata_is_kept_and_no_time_is_noted(tmp_path: Path) -> None:
    """Title and comment come back as given, and the file does not say when it was made."""
    comment = json.dumps({"prompt": "Zwei Hühner 🐔", "seed": 7}, ensure_ascii=False)
    path = write(tmp_path / "v.mp4", metadata={"title": "Hühner", "comment": comment})
    with av.open(str(path)) as video:
        assert video.metadata["title"] == "Hühner"
        assert video.metadata["comment"] == comment
        assert "creation_time" not in video.metadata
    data = path.read_bytes()
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.index(box) + 8
        assert data[at : at + 8] == bytes(8)


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    """Encoding is repeatable, and the number of cores leaves no trace."""
    first = write(tmp_path / "a.mp4").read_bytes()
    assert write(tmp_path / "b.mp4").read_bytes() == first
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        assert write(tmp_path / "c.mp4").read_bytes() == first
    finally:
        os.sched_setaffinity(0, cores)


def test_progress_counts_every_frame_in_the_callers_thread(tmp_path: Path) -> None:
    """on_frame hears 1, 2, 3 … up to the last frame, where the caller is."""
    told: list[tuple[int, int]] = []
    write(tmp_path / "v.mp4", on_frame=lambda n: told.append((n, threading.get_ident())))
    assert told == [(n + 1, threading.get_ident()) for n in range(60)]


class Broken(Exception):
    pass


def test_a_failing_source_hands_its_exception_back(tmp_path: Path) -> None:
    """What the renderer raises reaches the caller, and no half file stays."""

    def source() -> Iterator[Planes]:
        yield from map(moving, range(20))
        raise Broken

    with pytest.raises(Broken):
        encode(source(), tmp_path / "v.mp4", width=WIDTH, height=HEIGHT, frames=60, metadata={})
    assert list(tmp_path.iterdir()) == []


def test_a_failing_encoder_hands_its_exception_back(tmp_path: Path) -> None:
    """A frame that does not fit ends the job with the encoder's own error, long before the source ends."""
    drawn = 0

    def source() -> Iterator[Planes]:
        nonlocal drawn
        for number in range(10_000):
            drawn += 1
            planes = moving(number)
            yield (
                planes
                if number != 5
                else Planes(planes.u, planes.u, planes.v[:, :-3])._replace(
                    y=np.zeros((HEIGHT + 64, WIDTH + 64), np.uint8)
                )
            )

    with pytest.raises(ValueError, match="broadcast"):
        encode(source(), tmp_path / "v.mp4", width=WIDTH, height=HEIGHT, frames=10_000, metadata={})
    assert drawn < 1000
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_opened_is_an_error_not_a_hang(tmp_path: Path) -> None:
    """The encoder fails before its first frame, and says so."""
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "nowhere" / "v.mp4")


def test_a_cancelled_job_stops_both_sides(tmp_path: Path) -> None:
    """An exception of on_frame ends the encoder, asks for no more frames and comes back to the caller."""
    numbers = count()

    def tell(done: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(
            map(moving, numbers),
            tmp_path / "v.mp4",
            width=WIDTH,
            height=HEIGHT,
            frames=60,
            metadata={},
            on_frame=tell,
        )
    assert next(numbers) == 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "told"), [(59, "59 frames for a video of 60"), (61, "more than the 60 frames")]
)
def test_a_wrong_number_of_frames_is_an_error(tmp_path: Path, given: int, told: str) -> None:
    """A video shorter or longer than ordered is not handed out as if it were right."""
    with pytest.raises(ValueError, match=told):
        write(tmp_path / "v.mp4", given, frames=60)
    assert list(tmp_path.iterdir()) == []


def test_a_storyboard_becomes_a_video_of_the_right_colours(tmp_path: Path) -> None:
    """From picture to decoded video, colours stay within 3 levels of the source."""
    colours = [(200, 40, 30), (30, 120, 200)]
    images = [Image.new("RGB", (640, 360), colour) for colour in colours]
    whole = Move(View(0.5, 0.5), View(0.5, 0.5, 1.1))
    shots = tuple(Shot(n, 20 * n, 20 * n + 28, whole, "push in") for n in range(2))
    storyboard = Storyboard(640, 360, 48, shots)
    path = tmp_path / "v.mp4"
    encode(
        frames(storyboard, images),
        path,
        width=storyboard.width,
        height=storyboard.height,
        frames=storyboard.frames,
        metadata={},
    )
    with av.open(str(path)) as video:
        decoded = list(video.decode(video=0))
    assert len(decoded) == storyboard.frames
    for frame, colour in ((decoded[0], colours[0]), (decoded[-1], colours[1])):
        shown = frame.to_ndarray(format="rgb24").reshape(-1, 3).astype(float)
        assert np.abs(shown.mean(0) - colour).max() <= 3
