"""The one thing that EXIF data are read for: how the camera was held."""

from __future__ import annotations

import struct
from typing import Final

_ORIENTATION: Final = 0x0112
_LONG: Final = 4  # the type of a field that takes 4 bytes; it should be a short


def orientation(exif: bytes) -> int:
    """Return the orientation that EXIF data (in TIFF form) tell, 1 to 8, and 1 where they tell none.

    Only the first directory is read, whatever it points to: a full parser can be kept busy for hours.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    try:
        if order is None:
            return 1
        (start,) = struct.unpack_from(order + "L", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, start)
        for at in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, at)
            if tag == _ORIENTATION:
                (value,) = struct.unpack_from(order + ("L" if kind == _LONG else "H"), exif, at + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
