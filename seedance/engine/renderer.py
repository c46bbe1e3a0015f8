"""A storyboard and its images become frames, straight in the planes that the encoder takes."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from threading import Lock
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from seedance.engine.camera import View
from seedance.engine.grade import vignetted
from seedance.engine.matte import Matte
from seedance.engine.planes import Planes
from seedance.engine.shake import Sway
from seedance.engine.shutter import streak, streaked
from seedance.engine.still import Still
from seedance.engine.storyboard import Shot, Storyboard
from seedance.engine.transitions import Flow, Look, Matrix, flow_between, taken_over
from seedance.engine.weather import overlay

_THREADS = 2
_AHEAD = 3  # frames drawn before they are asked for


def frames(
    storyboard: Storyboard, images: Sequence[Image.Image], mattes: Sequence[Matte | None] = ()
) -> Iterator[Planes]:
    """Draw every frame of `storyboard`, in order; a frame is to be read, not written.

    `images` are upright pictures, taken by index at most one shot ahead, in a thread of the renderer's, and
    let go when they are prepared: a sequence that opens files on access keeps at most two in memory. A JPEG
    not yet loaded is decoded at reduced size. `mattes` are those of the images, if they were sought: shots
    that ask for depth then have two layers.
    """
    cv2.setNumThreads(1)  # frames are drawn side by side instead
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="renderer") as pool:
        stage = _Stage(storyboard, images, mattes or [None] * len(images), pool)
        drawing: deque[Future[Planes]] = deque()
        try:
            for number in range(storyboard.frames):
                drawing.append(pool.submit(stage.drawn, number, stage.layers(number)))
                if len(drawing) > _AHEAD:
                    yield drawing.popleft().result()
            while drawing:
                yield drawing.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


class _Layer(NamedTuple):
    """A shot on screen: its share of the transition, its image, and where a morph needs it the flow."""

    shot: Shot
    share: float
    still: Future[Still]
    flow: Future[Flow | None] | None = None


class _Stage:
    """What is on screen. What is prepared runs in `pool`, begun before all that waits for it."""

    def __init__(
        self,
        storyboard: Storyboard,
        images: Sequence[Image.Image],
        mattes: Sequence[Matte | None],
        pool: ThreadPoolExecutor,
    ) -> None:
        self._storyboard, self._images, self._mattes, self._pool = storyboard, images, mattes, pool
        self._size = storyboard.width, storyboard.height
        self._locks: defaultdict[int, Lock] = defaultdict(Lock)
        self._stills: dict[Shot, Future[Still]] = {}
        self._flows: dict[Shot, Future[Flow | None]] = {}
        self._sways = {
            shot: Sway.drawn(shot.shake, random.Random(f"{storyboard.seed} {number}"))
            for number, shot in enumerate(storyboard.shots)
            if shot.shake
        }
        self._overlay = overlay(storyboard.weather, self._size, storyboard.seed, storyboard.mood)

    def layers(self, frame: int) -> list[_Layer]:
        """List what `frame` shows, lowest first; to be called for each frame in order."""
        shots = self._storyboard.shots
        begun = sum(shot.first <= frame for shot in shots)
        self._stills = {
            shot: self._stills.get(shot) or self._pool.submit(self._still, shot, self._locks[shot.image])
            for shot in shots[: begun + 1]
            if frame < shot.end
        }
        layers: list[_Layer] = []
        for shot, share in self._storyboard.layers(frame):
            layer = _Layer(shot, share, self._stills[shot])
            if layers and shot.transition == "morph":
                if shot not in self._flows:
                    self._flows[shot] = self._pool.submit(self._flow, layers[-1], layer)
                layer = layer._replace(flow=self._flows[shot])
            layers.append(layer)
        return layers

    def drawn(self, frame: int, layers: Sequence[_Layer]) -> Planes:
        """Draw `frame`."""
        look: Look = partial(self._seen, layers[0], frame)
        for below, layer in pairwise(layers):
            flow = layer.flow.result() if layer.flow else None
            if flow:
                flow = flow.seen_by(
                    *(self._since(one, _middle(below, layer), frame) for one in (below, layer))
                )
            look = partial(_over, layer, look, partial(self._seen, layer, frame), flow)
        return self._overlay(vignetted(look(1), self._storyboard.mood), frame)

    def _seen(self, layer: _Layer, frame: int, closer: float) -> Planes:
        view, progress = self._view(layer, frame)
        still = layer.still.result()
        across, down = streak(layer.shot, frame, still.aspect, self._size)
        return streaked(still.shown(view, progress, closer), across, down)

    def _view(self, layer: _Layer, frame: int) -> tuple[View, float]:
        shot, view = layer.shot, layer.shot.view(frame)
        if shot in self._sways:
            view = self._sways[shot].applied(view, layer.still.result().aspect, frame)
        return view, shot.progress(frame)

    def _since(self, layer: _Layer, before: int, frame: int) -> Matrix:
        """Give the matrix from what the camera shows at `frame` to what it showed before."""
        then, now = (layer.still.result().part(*self._view(layer, f)) for f in (before, frame))
        return np.linalg.inv(then) @ now

    def _still(self, shot: Shot, lock: Lock) -> Still:
        with lock:  # two shots may share an image, and Pillow loads one only once
            image, matte = self._images[shot.image], self._mattes[shot.image]
            return Still(image, shot, self._size, self._storyboard.mood, self._storyboard.weather, matte)

    def _flow(self, below: _Layer, above: _Layer) -> Flow | None:
        middle = _middle(below, above)
        return flow_between(self._seen(below, middle, 1), self._seen(above, middle, 1))


def _middle(below: _Layer, above: _Layer) -> int:
    return (above.shot.first + below.shot.end) // 2


def _over(layer: _Layer, below: Look, above: Look, flow: Flow | None, closer: float) -> Planes:
    def magnified(look: Look) -> Look:
        return look if closer == 1 else lambda again: look(closer * again)

    return taken_over(layer.shot.transition, layer.share, magnified(below), magnified(above), flow)
