"""Is this file a whole MP4? Told from its top-level boxes (ISO/IEC 14496-12, §4.2), nothing is decoded."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Final

REQUIRED: Final = frozenset({b"ftyp", b"moov", b"mdat"})


def fault(path: Path) -> str:
    """Return what is wrong with the file, or an empty text when it is a whole MP4."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        seen: set[bytes] = set()
        at = 0
        while at < size:
            box = _box(file, at, size)
            if box is None and not seen:
                return "it is not an MP4"
            if box is None:
                return f"it ends inside a box at byte {at} of {size}"
            kind, length = box
            if not seen and kind != b"ftyp":
                return "it is not an MP4"
            seen.add(kind)
            at += length
    missing = sorted(REQUIRED - seen)
    return f"it has no {missing[0].decode()} box" if missing else ""


def _box(file: BinaryIO, at: int, size: int) -> tuple[bytes, int] | None:
    """Return the type and whole length of the box at that byte, None where it does not fit in the file."""
    file.seek(at)
    header = file.read(16)
    if len(header) < 8:
        return None
    length, kind = struct.unpack(">I4s", header[:8])
    least = 8
    if length == 1:  # the length is the 64 bits after the type
        if len(header) < 16:
            return None
        (length,) = struct.unpack(">Q", header[8:])
        least = 16
    elif length == 0:  # the box reaches to the end of the file
        length = size - at
    return (kind, length) if least <= length <= size - at else None
