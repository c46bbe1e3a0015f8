"""How one shot takes over from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from seedance.engine.planes import BLACK, GREY, Plane, Planes, mixed
from seedance.engine.storyboard import Transition

Look = Callable[[float], Planes]
"""Draws a shot's frame; its argument magnifies it about the middle, mirrored at the edges where below 1."""
Field = NDArray[np.float32]
Matrix = NDArray[np.float64]

_SOFT = 0.16  # of the frame: how wide the edge of a wipe is
_ZOOM = 2.6  # how far a match zoom would magnify, did it not switch half-way
_SHUTTER = 1 / 12  # share of a match zoom that its motion blur spans
_TAPS = 6  # pictures that make up that blur
_ALIKE = 0.25  # share of points that flow must take there and back for a morph to look right
_SIDE = 320  # pixels: the longer side of the pictures that flow is sought between


class Flow(NamedTuple):
    """For each point of either picture, coarsely, how far off the other has it: x and y in frames."""

    there: Field
    back: Field

    def seen_by(self, below: Matrix, above: Matrix) -> Flow:
        """Give the flow after both cameras have moved on; the matrices take a frame to where it was found."""
        return Flow(_carried(self.there, below, above), _carried(self.back, above, below))


def taken_over(kind: Transition, share: float, below: Look, above: Look, flow: Flow | None = None) -> Planes:
    """Draw the frame at `share`, 0 to 1, of a transition; `flow` is the morph's (None: a dissolve)."""
    eased = share * share * (3 - 2 * share)
    if kind == "fade":
        return _dimmed(below(1), 1 - 2 * eased) if eased < 0.5 else _dimmed(above(1), 2 * eased - 1)
    if kind == "match zoom":
        return _match_zoom(share, below, above)
    if kind == "morph" and flow:
        return mixed(_bent(below(1), flow.there, eased), _bent(above(1), flow.back, 1 - eased), eased)
    if kind.startswith("wipe"):
        pairs = zip(below(1), above(1), strict=True)
        return Planes(*(_wiped(kind.removeprefix("wipe "), eased, a, b) for a, b in pairs))
    return mixed(below(1), above(1), eased)


def flow_between(below: Planes, above: Planes) -> Flow | None:
    """Find what of one picture went where in the other; None where the two are not alike."""
    scale = _SIDE / max(below.y.shape)
    size = round(below.y.shape[1] * scale), round(below.y.shape[0] * scale)
    a, b = (cv2.resize(planes.y, size, interpolation=cv2.INTER_AREA) for planes in (below, above))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = search.calc(a, b, None), search.calc(b, a, None)  # type: ignore[call-overload]
    x, y = np.meshgrid(*(np.arange(length, dtype=np.float32) for length in size))
    again = cv2.remap(back, x + there[..., 0], y + there[..., 1], cv2.INTER_LINEAR)
    off = np.hypot(*np.moveaxis(there + again, -1, 0))
    inside = (np.abs(x + there[..., 0] - size[0] / 2) <= size[0] / 2) & (
        np.abs(y + there[..., 1] - size[1] / 2) <= size[1] / 2
    )
    if np.mean((off < 1) & inside) < _ALIKE:
        return None
    frame = np.array(size, np.float32)
    return Flow(*(cv2.GaussianBlur(field, (0, 0), 2) / frame for field in (there, back)))


def _carried(field: Field, own: Matrix, other: Matrix) -> Field:
    rows, columns = field.shape[:2]
    size = np.array([columns, rows])
    x, y = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    here = np.dstack([x, y])
    found = cv2.perspectiveTransform(here, own)
    x, y = np.moveaxis((found * size - 0.5).astype(np.float32), -1, 0)
    flow = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gone = cv2.perspectiveTransform(found + flow, np.linalg.inv(other))
    return (gone - here).astype(np.float32)  # type: ignore[no-any-return]


def _dimmed(planes: Planes, light: float) -> Planes:
    dimmed = (
        cv2.convertScaleAbs(plane, alpha=light, beta=dark * (1 - light))
        for plane, dark in zip(planes, (BLACK, GREY, GREY), strict=True)
    )
    return Planes(*dimmed)  # type: ignore[arg-type]


def _wiped(direction: str, share: float, below: Plane, above: Plane) -> Plane:
    flat = direction in ("left", "right")
    length = below.shape[1] if flat else below.shape[0]
    along = (np.arange(length) + 0.5) / length
    if direction in ("left", "up"):
        along = 1 - along
    t = np.clip((share * (1 + _SOFT) - along) / _SOFT, 0, 1)
    weight = (t * t * (3 - 2 * t)).astype(np.float32)
    weights = np.ascontiguousarray(np.broadcast_to(weight if flat else weight[:, None], below.shape))
    return cv2.blendLinear(above, below, weights, 1 - weights)  # type: ignore[return-value]


def _match_zoom(share: float, below: Look, above: Look) -> Planes:
    """Rush into one picture and arrive in the other as fast, through one blurred switch half-way."""
    opacity = min(max((share - 0.36) / 0.28, 0.0), 1.0)
    opacity *= opacity * (3 - 2 * opacity)
    pull = float(np.log(_ZOOM))
    sides = []
    for look, start, speed, seen in (
        (below, pull * share**2, 2 * pull * share, opacity < 1),
        (above, -pull * (1 - share) ** 2, 2 * pull * (1 - share), opacity > 0),
    ):
        if not seen:
            continue
        taps = max(1, round(_TAPS * speed / pull))
        picture = look(float(np.exp(start)))
        for n in range(1, taps):
            tap = look(float(np.exp(start + speed * _SHUTTER * n / taps)))
            picture = mixed(picture, tap, 1 / (n + 1))
        sides.append(picture)
    return sides[0] if len(sides) == 1 else mixed(sides[0], sides[1], opacity)


def _bent(planes: Planes, flow: Field, share: float) -> Planes:
    """Draw `planes` with each point `share` of its way along `flow`."""
    bent = []
    for plane in planes:
        rows, columns = plane.shape
        field = cv2.resize(flow, (columns, rows), interpolation=cv2.INTER_LINEAR)
        x = np.arange(columns, dtype=np.float32) - field[..., 0] * np.float32(share * columns)
        y = np.arange(rows, dtype=np.float32)[:, None] - field[..., 1] * np.float32(share * rows)
        bent.append(cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return Planes(*bent)  # type: ignore[arg-type]
