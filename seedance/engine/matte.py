"""What of a picture is its subject: a matte, found by a model that the host may provide.

The model is U2-Net-p (or another of the U2-Net family) as an ONNX file, at the path that the environment
variable `SEEDANCE_MATTE_MODEL` of the rendering machine names. Without one nothing is a subject.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seedance.engine.framing import Box

_LOG: Final = logging.getLogger(__name__)
_SIDE: Final = 256  # pixels that the model sees, both ways
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of the pictures that it was taught with
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
_UNDECIDED: Final = 0.3  # mean of 4a(1 - a) over the mean of a: above, the model does not know
_COVERAGE: Final = 0.004, 0.62  # of the picture
_EDGE: Final = 0.5
_GREY: Final = 9, 0.015
"""How broad what is neither subject nor background may be in the model's pixels; of the subject, how much may
be broader: a part that would be seen through."""
_PIECE: Final = 0.15, 9
"""How large a piece must be, of the largest, and how broad its soft edge may be in the model's pixels."""


class Matte(NamedTuple):
    """How much of each point is the subject, 0 to 1, coarsely, and where it is."""

    share: NDArray[np.float32]
    box: Box
    solid: bool
    """Whether it can be cut out: it is unclear at its edge alone."""


def find(images: Sequence[Image.Image]) -> list[Matte | None]:
    """Find the subject of each image; None where there is no model, or it does not find a distinct one."""
    path = os.environ.get("SEEDANCE_MATTE_MODEL", "")
    if not path or not _is_model(path):
        return [None] * len(images)
    net = cv2.dnn.readNetFromONNX(path)  # not kept: it holds 150 MB
    return [judged(_seen(net, images[number])) for number in range(len(images))]


def judged(share: NDArray[np.float32]) -> Matte | None:
    """Return what a model says as a matte where it is decisive, else None."""
    mean = float(share.mean())
    if (
        not _COVERAGE[0] <= mean <= _COVERAGE[1]
        or float((4 * share * (1 - share)).mean()) > _UNDECIDED * mean
    ):
        return None
    rows, columns = share.shape
    main = _main(share)
    subject = main > _EDGE
    down, across = (np.flatnonzero(subject.any(axis)) for axis in (1, 0))
    box = Box(across[0] / columns, down[0] / rows, (across[-1] + 1) / columns, (down[-1] + 1) / rows)
    broad, most = _GREY
    grey = cv2.inRange(share, 0.1, 0.9)
    grey = cv2.morphologyEx(grey, cv2.MORPH_OPEN, np.ones((broad, broad), np.uint8))
    return Matte(main, box, solid=bool(np.count_nonzero(grey) <= most * np.count_nonzero(subject)))


def _main(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leave out small pieces: they are often parts of things, and things of their own."""
    least, soft = _PIECE
    count, labels, told, _ = cv2.connectedComponentsWithStats((share > _EDGE).astype(np.uint8))
    areas = told[1:count, cv2.CC_STAT_AREA]
    kept = np.isin(labels, 1 + np.flatnonzero(areas >= least * areas.max(initial=0))).astype(np.uint8)
    near = cv2.dilate(kept, np.ones((soft, soft), np.uint8))
    return share * near.astype(np.float32)


def _seen(net: cv2.dnn.Net, image: Image.Image) -> NDArray[np.float32]:
    picture = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    pixels = np.asarray(picture, np.float32)
    pixels = (pixels / max(float(pixels.max()), 1.0) - _MEAN) / _SPREAD
    net.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))
    said = net.forward(net.getUnconnectedOutLayersNames()[0])[0, 0]
    share: NDArray[np.float32] = (said - said.min()) / max(float(said.max() - said.min()), 1e-6)
    return share


@cache
def _is_model(path: str) -> bool:
    """Tell whether a file can be loaded as a model; where it cannot, the log says so once."""
    try:
        cv2.dnn.readNetFromONNX(path)
    except cv2.error as error:
        _LOG.warning("SEEDANCE_MATTE_MODEL: no model at %s, previews have no subjects: %s", path, error)
        return False
    return True
