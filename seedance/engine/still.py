"""One image of a shot, prepared once, and what a camera sees of it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seedance.engine import focus
from seedance.engine.camera import View
from seedance.engine.depth import tilted
from seedance.engine.grade import graded
from seedance.engine.matte import Matte
from seedance.engine.parallax import Cutout, cut, laid, nearer
from seedance.engine.planes import Plane, Planes, from_image, mixed
from seedance.engine.storyboard import SURROUND_SHARE, Mood, Shot, Weather
from seedance.engine.surround import surrounded

DETAIL = 1.6
"""Pixels prepared per pixel shown: below about 1.5 a linear warp looks soft, above 2 it shimmers."""
_DETAIL_KEPT = 1.5, 2.0  # an image that has about as many is taken as it is
_CLOSEST = 1.5  # a move that is closer than this from end to end is not prepared any finer: memory


class Still:
    """An image as a shot shows it: a little larger than the frame of `size`, in planes."""

    def __init__(
        self,
        image: Image.Image,
        shot: Shot,
        size: tuple[int, int],
        mood: Mood | None = None,
        weather: Weather | None = None,
        matte: Matte | None = None,
    ) -> None:
        self._shot, self._size = shot, size
        width, height = size
        self.aspect = (image.width / image.height) / (width / height)
        across, down = max(1.0, self.aspect), max(1.0, 1 / self.aspect)
        if shot.fit == "surround":
            across, down = SURROUND_SHARE / down, SURROUND_SHARE / across
        closeness = min(shot.move.start.zoom, shot.move.end.zoom, _CLOSEST)
        picture = _prepared(image, closeness * width * across, closeness * height * down)
        planes = graded(from_image(picture), mood, weather)
        if shot.fit == "surround":
            detail = planes.y.shape[1] / (width * across)
            planes = surrounded(planes, _even(detail * width), _even(detail * height))
            self.aspect = 1.0
        self._cutout: Cutout | None = None
        if shot.depth and matte and not shot.focus and (parted := cut(planes, matte, shot)):
            planes, self._cutout = parted
        frame_width = planes.y.shape[1] * min(1.0, 1 / self.aspect)
        self._levels = focus.levels(planes, frame_width) if shot.focus else [planes]
        self._last: dict[int, tuple[NDArray[np.float64], Planes]] = {}

    def shown(self, view: View, progress: float, closer: float = 1.0) -> Planes:
        """Draw the frame that shows `view` at `progress` through the shot; the last one may be given again.

        `closer` magnifies the frame about its middle; where it is below 1 the picture is mirrored at its
        edges.
        """
        if not self._shot.focus:
            return self._at(0, view, progress, closer)
        sharpness = focus.blur(self._shot.focus, progress) * (len(self._levels) - 1)
        level = min(int(sharpness), len(self._levels) - 2)
        share = sharpness - level
        if share < 0.002 or share > 0.998:
            return self._at(level + round(share), view, progress, closer)
        below, above = (self._at(level + n, view, progress, closer) for n in (0, 1))
        return mixed(below, above, share)

    def part(self, view: View, progress: float, closer: float = 1.0) -> NDArray[np.float64]:
        """Give the matrix from the frame to the part of the picture that it shows, both 0 to 1 both ways."""
        across, down = view.extent(self.aspect)
        across, down = across / closer, down / closer
        matrix = np.array([[across, 0, view.x - across / 2], [0, down, view.y - down / 2], [0, 0, 1.0]])
        tilts = self._shot.depth and not self._cutout
        return matrix @ tilted(self._shot, progress) if tilts else matrix

    def _at(self, level: int, view: View, progress: float, closer: float) -> Planes:
        matrix = self.part(view, progress, closer)
        front = matrix
        if self._cutout:
            front = nearer(self._shot, progress, self._cutout.box, matrix[0, 0]) @ matrix
        moved = np.vstack([matrix, front])
        if (last := self._last.get(level)) and np.array_equal(moved, last[0]):
            return last[1]
        border = cv2.BORDER_REFLECT if closer < 1 else cv2.BORDER_REPLICATE
        width, height = self._size
        y, u, v = self._levels[level]
        planes = Planes(
            _warped(y, matrix, width, height, 0.5, border),
            _warped(u, matrix, width // 2, height // 2, 0.25, border),
            _warped(v, matrix, width // 2, height // 2, 0.25, border),
        )
        if self._cutout:
            planes = laid(planes, self._cutout, y.shape[::-1], front)
        self._last[level] = moved, planes
        return planes


def _warped(
    plane: Plane, matrix: NDArray[np.float64], width: int, height: int, phase: float, border: int
) -> Plane:
    rows, columns = plane.shape
    # A source sample lies in the middle of its pixel, a target sample at `phase` of its width.
    source = np.array([[columns, 0, -0.5], [0, rows, -0.5], [0, 0, 1]])
    target = np.array([[1 / width, 0, phase / width], [0, 1 / height, 0.5 / height], [0, 0, 1]])
    whole = source @ matrix @ target
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if whole[2, 0] == whole[2, 1] == 0:
        return cv2.warpAffine(plane, whole[:2], (width, height), flags=flags, borderMode=border)  # type: ignore[return-value]
    return cv2.warpPerspective(plane, whole, (width, height), flags=flags, borderMode=border)  # type: ignore[return-value]


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))


def _prepared(image: Image.Image, width: float, height: float) -> Image.Image:
    """Give the image as RGB, with about `DETAIL` times that many pixels."""
    least, most = _DETAIL_KEPT
    image.draft("RGB", (round(least * width), round(least * height)))
    picture = image if image.mode == "RGB" else image.convert("RGB")
    if least <= picture.width / width <= most and not (picture.width % 2 or picture.height % 2):
        return picture
    size = _even(DETAIL * width), _even(DETAIL * height)
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
