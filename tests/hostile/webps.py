"""Hostile WebP files."""

from __future__ import annotations

import struct

from tests.hostile.case import CANARY, Case, accepted, refused
from tests.hostile.jpegs import MEGABYTE, endless_exif, overlapping_exif
from tests.hostile.seeds import encode, seeds


def chunk(name: bytes, body: bytes = b"", *, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return name + struct.pack("<L", size) + body + bytes(len(body) & 1)


def webp(*pieces: bytes, length: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(pieces)
    return b"RIFF" + struct.pack("<L", len(body) if length is None else length) + body


def canvas(width: int = 320, height: int = 300, flags: int = 0) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sides)


def frame(picture: bytes, x: int = 0, y: int = 0, width: int = 320, height: int = 300) -> bytes:
    places = b"".join(n.to_bytes(3, "little") for n in (x, y, width - 1, height - 1, 40))
    return chunk(b"ANMF", places + b"\0" + picture)


def cases() -> list[Case]:
    lossy, lossless = encode("WEBP", quality=50), encode("WEBP", lossless=True, method=0)
    one, exact = lossy[12:], lossless[12:]
    tiny = encode("WEBP", size=(16, 16), quality=10)[12:]
    anim = chunk(b"ANIM", bytes(6))
    alpha = encode("WEBP", "RGBA", quality=50)
    lie = bytearray(exact)
    lie[9:13] = struct.pack("<L", 0x3FFF | 0x3FFF << 14)
    return [
        *(refused(f"webp-cut-at-{part}-eighths", lossy[: len(lossy) * part // 8]) for part in range(1, 8)),
        *(
            refused(f"webp-lossless-cut-at-{part}-quarters", lossless[: len(lossless) * part // 4])
            for part in (1, 2, 3)
        ),
        refused("webp-cut-at-its-start", lossy[:12]),
        refused("webp-cut-in-its-chunk", lossy[:17]),
        accepted("webp-says-4-gb", webp(one, length=2**32 - 2)),
        refused("webp-says-4-bytes", webp(one, length=4)),
        refused("webp-canvas-of-2-to-48", webp(canvas(2**24, 2**24), one), "megapixels"),
        refused("webp-canvas-16383x16383", webp(canvas(16383, 16383), one), "268 megapixels"),
        refused("webp-canvas-7000x7000-picture-320x300", webp(canvas(7000, 7000), one), "damaged"),
        refused("webp-canvas-1x1-picture-320x300", webp(canvas(1, 1), one), ""),
        refused("webp-canvas-short", webp(chunk(b"VP8X", b"\0"), one), ""),
        refused("webp-lossless-16384x16384", webp(bytes(lie)), "268 megapixels"),
        accepted(
            "webp-first-frame-7000x7000-of-16x16",
            webp(canvas(7000, 7000, 2), anim, frame(tiny, 0, 0, 16, 16)),
        ),
        accepted(
            "webp-10000-frames", lambda: webp(canvas(flags=2), anim, frame(tiny, 0, 0, 16, 16) * 10_000)
        ),
        refused("webp-300000-frames", lambda: webp(canvas(flags=2), anim, frame(b"")[:24] * 300_000), ""),
        refused("webp-frame-outside", webp(canvas(flags=2), anim, frame(one, 90_000, 90_000)), "damaged"),
        refused("webp-frame-of-nothing", webp(canvas(flags=2), anim, frame(b"")), "damaged"),
        accepted("webp-frame-in-frame", webp(canvas(flags=2), anim, frame(frame(one)))),
        refused("webp-no-frame", webp(canvas(flags=2), anim), "damaged"),
        refused("webp-no-picture", webp(canvas()), "damaged"),
        refused("webp-alpha-alone", webp(canvas(flags=16), chunk(b"ALPH", bytes(99))), "damaged"),
        refused("webp-alpha-nonsense", webp(canvas(flags=16), chunk(b"ALPH", b"\x01" * 99), one), "damaged"),
        accepted("webp-alpha", alpha),
        accepted(
            "webp-9-mb-profile", lambda: webp(canvas(flags=32), chunk(b"ICCP", b"\xaa" * 9 * MEGABYTE), one)
        ),
        accepted("webp-endless-exif", webp(canvas(flags=8), one, chunk(b"EXIF", endless_exif()))),
        accepted(
            "webp-exif-overlaps",
            lambda: webp(canvas(flags=8), one, chunk(b"EXIF", overlapping_exif(9 * MEGABYTE))),
        ),
        accepted("webp-9-mb-xmp", lambda: webp(canvas(flags=4), one, chunk(b"XMP ", CANARY * 690_000))),
        accepted("webp-flags-lie", webp(canvas(flags=0x2C), one)),
        refused("webp-million-empty-chunks", lambda: webp(chunk(b"none") * MEGABYTE, one), "too many pieces"),
        refused("webp-chunk-of-4-gb", webp(chunk(b"none", b"", length=2**32 - 1), one), "damaged"),
        refused("webp-two-pictures-of-two-kinds", webp(canvas(), one, exact), ""),
        accepted("webp-two-pictures", webp(canvas(), one, one)),
        accepted("webp-tail", webp(one) + CANARY * 1000),
        refused("webp-is-wave", lossy.replace(b"WEBP", b"WAVE", 1), "known kind"),
        refused("webp-is-rifx", lossy.replace(b"RIFF", b"RIFX", 1), "known kind"),
        refused("webp-in-webp", webp(lossy), "damaged"),
        refused(
            "webp-noise", webp(chunk(b"VP8 ", one[8:18] + bytes(n * 7 % 256 for n in range(2000)))), "damaged"
        ),
        refused(
            "webp-lossless-noise",
            webp(chunk(b"VP8L", exact[8:13] + bytes(n * 7 % 256 for n in range(2000)))),
            "",
        ),
        accepted("webp-animated", seeds()["animated.webp"]),
    ]
