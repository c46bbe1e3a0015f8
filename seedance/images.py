"""Reference images: checked, turned upright, stripped, encoded anew. Nothing else is ever uploaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from seedance import decoding
from seedance.pixels import MAX_BYTES, MAX_PIXELS, open_upright, upright_size

__all__ = ["MAX_BYTES", "MAX_PIXELS", "UPLOAD_SIDE", "CleanImage", "clean", "open_upright", "upright_size"]

UPLOAD_SIDE: Final = 2048  # pixels on the long side: above the model's 720p output by a wide margin


@dataclass(frozen=True, slots=True)
class CleanImage:
    """A reference image as it is sent: upright sRGB pixels and no metadata, encoded as JPEG."""

    name: str
    """The file's name as the user knows it; it never leaves this machine."""
    data: bytes
    width: int
    height: int
    sha256: str

    content_type: str = "image/jpeg"


def clean(path: Path, name: str | None = None) -> CleanImage:
    """Read one reference image (JPEG, PNG, WebP, AVIF or HEIC) and make it fit to send.

    The same file always gives the same bytes. The long side is at most `UPLOAD_SIDE` pixels. The file is
    decoded in a process of its own: whatever it does to a decoder, this process goes on. Blocks; threads may
    call it side by side.

    Raises:
        InvalidImage: not such an image, damaged, or outside the limits of `pixels`; it names the file.
    """
    name = name or path.name
    sent = decoding.decode(path, name, side=UPLOAD_SIDE)
    digest = hashlib.sha256(sent.data).hexdigest()
    return CleanImage(name, sent.data, sent.width, sent.height, sha256=digest)
