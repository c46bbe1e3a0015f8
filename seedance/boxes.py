"""The boxes of AVIF and HEIC files (ISO 14496-12 and 23008-12), counted before a decoder sees them.

Such a picture may be put together from others, tile by tile, and these from others again: what a decoder
would have to do can be far more than the picture shows.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

CUT_SHORT: Final = "the image is cut short or damaged."
MAX_ITEMS: Final = 1_000  # pictures, tiles and notes; a telephone's 48 megapixels are some 250
_MAX_BOXES: Final = 20_000
_MAX_DEPTH: Final = 4  # of pictures made of pictures
_CODED: Final = {b"av01", b"avc1", b"hvc1", b"j2k1", b"jpeg", b"lhv1", b"mski", b"svc1", b"unci", b"vvc1"}
_NOTES: Final = {b"Exif", b"mime"}
_FOLDERS: Final = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # boxes of boxes: how many bytes come before these


class Unfit(Exception):
    """An image file that no decoder should see. The text says why, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a decoder would meet."""

    size: tuple[int, int]
    """Width and height of the largest picture."""
    pixels: int
    """How many are decoded at most for a picture that is put together from others."""
    notes: tuple[int, ...]
    """Where the kind of each item stands that is EXIF or XMP: four bytes each."""


@dataclass(slots=True)
class _Pictures:
    """What the boxes say: properties in their order, items, and which items are made of which."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    """For each property its width and height; 0, 0 where it is about something else."""
    kinds: dict[int, bytes] = field(default_factory=dict)
    properties: dict[int, list[int]] = field(default_factory=dict)
    """For each item the numbers of its properties, from 1."""
    made_of: dict[int, list[int]] = field(default_factory=dict)
    notes: list[int] = field(default_factory=list)


def measure_boxes(data: bytes, codecs: set[bytes]) -> Measure:
    """Measure what the boxes of a file announce.

    Raises:
        Unfit: cut short, in another codec than `codecs`, or in too many pieces.
    """
    found = _Pictures()
    for name, start, end in _boxes(data, 0, len(data)):
        _READERS.get(name, _skip)(found, data, start, end)
    others = _CODED.intersection(found.kinds.values()) - codecs
    if others:
        raise Unfit("its picture is in a rare format; save it again as JPEG.")
    if len(found.kinds) > MAX_ITEMS or sum(map(len, found.made_of.values())) > 2 * MAX_ITEMS:
        raise Unfit(f"it is put together from more than {MAX_ITEMS:,} pieces; save it again as JPEG.")
    size = max(found.sizes, key=math.prod, default=(0, 0))
    known: dict[int, int] = {}
    pixels = max((_pixels(found, item, known, 0) for item in found.made_of), default=0)
    return Measure(size, pixels, tuple(found.notes))


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box within: its name, and where its content starts and ends."""
    folders = [(at, end)]
    count = 0
    while folders:
        at, end = folders.pop()
        while at + 8 <= end:
            length, name = struct.unpack_from(">L4s", data, at)
            start = at + 8
            if length == 1:
                (length,) = struct.unpack_from(">Q", data, start)
                start += 8
            stop = at + length if length else end
            if not start <= stop <= end:
                raise Unfit(CUT_SHORT)
            count += 1
            if count > _MAX_BOXES:
                raise Unfit("it is in too many pieces; save it again as JPEG.")
            if name in _FOLDERS:
                folders.append((start + _FOLDERS[name], stop))
            yield name, start, stop
            at = stop


def _pixels(found: _Pictures, item: int, known: dict[int, int], depth: int) -> int:
    """Return how many pixels must be decoded for an item."""
    if item in known:
        return known[item]
    if depth > _MAX_DEPTH:
        raise Unfit("its picture is made of pictures that are made of pictures; save it again as JPEG.")
    if parts := found.made_of.get(item):
        known[item] = sum(_pixels(found, part, known, depth + 1) for part in parts)
    else:
        sizes = [found.sizes[n - 1] for n in found.properties.get(item, []) if 0 < n <= len(found.sizes)]
        known[item] = max(map(math.prod, sizes), default=0)
    return known[item]


def _skip(found: _Pictures, data: bytes, start: int, end: int) -> None:
    pass


def _read_properties(found: _Pictures, data: bytes, start: int, end: int) -> None:
    """`ipco`: the properties, of which only the pictures' sizes (`ispe`) matter here."""
    at = start
    while at + 8 <= end:
        length, name = struct.unpack_from(">L4s", data, at)
        if length < 8 or at + length > end:
            raise Unfit(CUT_SHORT)
        found.sizes.append(struct.unpack_from(">LL", data, at + 12) if name == b"ispe" else (0, 0))
        at += length


def _read_item(found: _Pictures, data: bytes, start: int, end: int) -> None:
    """`iinf`: what kind each item is."""
    version = data[start]
    (count,) = struct.unpack_from(">L" if version else ">H", data, start + 4)
    if count > MAX_ITEMS:
        raise Unfit(f"it is put together from more than {MAX_ITEMS:,} pieces; save it again as JPEG.")
    for _, entry, _ in _boxes(data, start + (8 if version else 6), end):
        form = ">LH" if data[entry] >= 3 else ">HH"
        item, _ = struct.unpack_from(form, data, entry + 4)
        at = entry + 4 + struct.calcsize(form)
        found.kinds[item] = data[at : at + 4]
        if found.kinds[item] in _NOTES:
            found.notes.append(at)


def _read_associations(found: _Pictures, data: bytes, start: int, end: int) -> None:
    """`ipma`: which properties each item has."""
    version, wide = data[start], data[start + 3] & 1
    (count,) = struct.unpack_from(">L", data, start + 4)
    at = start + 8
    for _ in range(min(count, MAX_ITEMS)):
        (item,) = struct.unpack_from(">L" if version else ">H", data, at)
        at += 4 if version else 2
        number = data[at]
        mask, form = (0x7FFF, f">{number}H") if wide else (0x7F, f">{number}B")
        found.properties.setdefault(item, []).extend(n & mask for n in struct.unpack_from(form, data, at + 1))
        at += 1 + number * (2 if wide else 1)
        if at > end:
            raise Unfit(CUT_SHORT)


def _read_references(found: _Pictures, data: bytes, start: int, end: int) -> None:
    """`iref`: which items an item is made of (`dimg`)."""
    letter = "L" if data[start] else "H"
    for name, at, _ in _boxes(data, start + 4, end):
        if name == b"dimg":
            item, count = struct.unpack_from(f">{letter}H", data, at)
            parts = struct.unpack_from(f">{count}{letter}", data, at + struct.calcsize(f">{letter}H"))
            found.made_of.setdefault(item, []).extend(parts)
            if len(found.made_of[item]) > 2 * MAX_ITEMS:
                raise Unfit(f"it is put together from more than {MAX_ITEMS:,} pieces; save it again as JPEG.")


_READERS: Final = {
    b"ipco": _read_properties,
    b"iinf": _read_item,
    b"ipma": _read_associations,
    b"iref": _read_references,
}
