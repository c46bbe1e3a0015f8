"""What a worker of `decoding` runs: `python -m seedance.decoder`."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageFile

from seedance import pixels
from seedance.decoding import READY
from seedance.errors import InvalidImage

CPU: Final = 8  # seconds for one image; the slowest photographs at the limits take some 2
MEMORY: Final = 1 << 30  # bytes of address space, this program included
_QUALITIES: Final = (95, 85, 70, 50)

try:
    import resource
except ImportError:  # Windows has no such limits: there the parent's watch alone ends a hang
    resource = None  # type: ignore[assignment]


def main() -> None:
    """Answer one line after the other until the parent closes its end, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library may print goes elsewhere
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_AS", MEMORY)
    out.write(READY)
    out.flush()
    for line in sys.stdin.buffer:
        _allow(CPU)
        answer, data = _answer(json.loads(line))
        out.write(json.dumps(answer | {"size": len(data)}).encode() + b"\n" + data)
        out.flush()


def _answer(job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        picture = pixels.open_upright(Path(job["path"]), "image", side=job["side"])
        return {"width": picture.width, "height": picture.height}, _encode(picture)
    except InvalidImage as error:
        return {"reason": error.reason}, b""
    except MemoryError:
        return {"reason": pixels.TOO_MUCH_MEMORY}, b""


def _encode(picture: Image.Image) -> bytes:
    """Return the picture as JPEG of the best quality that stays within `MAX_BYTES`: only noise is not 95."""
    # Pillow gives an optimised JPEG room for 2 bytes a pixel, and fails where noise takes more.
    ImageFile.MAXBLOCK = 8 * picture.width * picture.height
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
        if buffer.tell() <= pixels.MAX_BYTES:
            break
    return buffer.getvalue()


def _allow(seconds: int) -> None:
    """Allow that much CPU time from now on; what uses more is ended by the system."""
    if resource is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit("RLIMIT_CPU", math.ceil(used.ru_utime + used.ru_stime) + seconds)


def _limit(name: str, value: int) -> None:
    """Set a soft limit, where the system has it."""
    kind = getattr(resource, name, None)
    if kind is not None:
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, hard))


if __name__ == "__main__":
    main()
