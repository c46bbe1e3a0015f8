"""Frames become an MP4 file that plays while it loads. The only importer of PyAV."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from seedance.engine.planes import Planes
from seedance.engine.storyboard import FPS

_WAITING = 4  # frames between renderer and encoder: enough to even out, 6 MB at most
_THREADS = 4  # x264 codes differently with another number: fixed, so that no machine's cores change the bytes
# A constant quantiser is a fifth cheaper than a constant rate factor at the same SSIM: x264 need not look at
# each frame twice.
_X264 = {
    "preset": "ultrafast",
    "x264-params": "cabac=1:subme=1:no-deblock=0:8x8dct=1:bframes=3:b-adapt=0:ipratio=1.5"
    ":open-gop=0:cpu-independent=1",
}
_QUANTISER, _NOISY_QUANTISER = 18, 22


def encode(
    planes: Iterable[Planes],
    path: Path,
    *,
    width: int,
    height: int,
    frames: int,
    metadata: Mapping[str, str],
    noisy: bool = False,
    on_frame: Callable[[int], None] | None = None,
) -> None:
    """Write `planes` to `path` as H.264, 24 frames a second, with `metadata` (title, comment) as MP4 tags.

    The same frames and metadata give the same bytes, however many cores there are. `noisy` frames, those with
    film grain, are coded less finely: noise costs most of the bytes, and hides the rest. `on_frame` is told,
    in the calling thread, how many frames were handed over. What it or `planes` raises ends the encoder and
    comes back here, as does the encoder's own failure; `path` is removed then.

    Raises:
        ValueError: `planes` gave more or fewer than `frames` frames.
    """
    waiting: queue.Queue[Planes | None] = queue.Queue(_WAITING)

    def hand_over(frame: Planes | None) -> bool:
        while not writing.done():
            try:
                waiting.put(frame, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    try:
        with ThreadPoolExecutor(1, thread_name_prefix="encoder") as pool:
            writing = pool.submit(_write, iter(waiting.get, None), path, width, height, metadata, noisy)
            count = 0
            try:
                for count, frame in enumerate(planes, start=1):
                    if count > frames:
                        raise ValueError(f"the renderer gave more than the {frames} frames of the video")
                    if not hand_over(frame):
                        break
                    if on_frame:
                        on_frame(count)
            finally:
                hand_over(None)
            writing.result()
        if count < frames:
            raise ValueError(f"the renderer gave {count} frames for a video of {frames}")
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write(
    planes: Iterable[Planes],
    path: Path,
    width: int,
    height: int,
    metadata: Mapping[str, str],
    noisy: bool,
) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        output.metadata.update(metadata)
        options = {"qp": str(_NOISY_QUANTISER if noisy else _QUANTISER), **_X264}
        stream = output.add_stream("libx264", rate=FPS, options=options)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, FPS)
        context.gop_size = 2 * FPS
        context.thread_count, context.thread_type = _THREADS, "FRAME"
        context.colorspace = Colorspace.ITU709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        context.color_range = ColorRange.MPEG
        output.start_encoding()
        for number, picture in enumerate(planes):
            frame = av.VideoFrame(width, height, "yuv420p")
            frame.pts = number
            for target, plane in zip(frame.planes, picture, strict=True):
                rows = np.frombuffer(target, np.uint8).reshape(-1, target.line_size)  # type: ignore[call-overload]
                rows[: plane.shape[0], : plane.shape[1]] = plane
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
