"""Hostile JPEG files."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache

from tests.hostile.case import CANARY, Case, accepted, refused
from tests.hostile.seeds import encode, seeds

MEGABYTE = 1_000_000
Segment = tuple[int, bytes]


def segment(code: int, body: bytes = b"", *, length: int | None = None) -> bytes:
    return b"\xff" + bytes((code,)) + struct.pack(">H", len(body) + 2 if length is None else length) + body


@cache
def plain(progressive: bool = False) -> bytes:
    return encode("JPEG", progressive=progressive)


def parts(data: bytes) -> list[Segment]:
    """Return the segments after SOI; a scan's data are with its SOS, and the last one is EOI."""
    found, at = [], 2
    while at < len(data):
        code = data[at + 1]
        if code == 0xD9:
            return [*found, (code, b"")]
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if code == 0xDA:
            end = next(
                n
                for n in range(end, len(data))
                if data[n] == 0xFF and data[n + 1] not in (0, *range(0xD0, 0xD8))
            )
        found.append((code, data[at:end]))
        at = end
    raise ValueError("no end")


def frame(data: bytes) -> bytes:
    """Return the segment that tells the size."""
    return next(body for code, body in parts(data) if code in (0xC0, 0xC2))


def joined(pieces: list[Segment]) -> bytes:
    return b"\xff\xd8" + b"".join(body for _, body in pieces) + b"\xff\xd9"


def with_frame(change: Callable[[bytearray], None], progressive: bool = False) -> bytes:
    """Return a JPEG whose SOF segment was changed."""
    sound = frame(plain(progressive))
    changed = bytearray(sound)
    change(changed)
    return plain(progressive).replace(sound, bytes(changed))


def sized(width: int, height: int, progressive: bool = False) -> bytes:
    def change(segment: bytearray) -> None:
        segment[5:9] = struct.pack(">HH", height, width)

    return with_frame(change, progressive)


def at_byte(n: int, value: int) -> bytes:
    def change(segment: bytearray) -> None:
        segment[n] = value

    return with_frame(change)


def after_start(extra: bytes) -> bytes:
    data = plain()
    return data[:2] + extra + data[2:]


def before_scan(extra: bytes) -> bytes:
    pieces = parts(plain())
    at = next(n for n, (code, _) in enumerate(pieces) if code == 0xDA)
    return joined([*pieces[:at], (0, extra), *pieces[at:]])


def without(code: int) -> bytes:
    return joined([piece for piece in parts(plain()) if piece[0] != code])


def scans(number: int, size: tuple[int, int] = (1600, 1200)) -> bytes:
    """Return a progressive JPEG whose last scan comes again and again."""
    pieces = parts(encode("JPEG", progressive=True, size=size, quality=20))
    last = max(n for n, (code, _) in enumerate(pieces) if code == 0xDA)
    return joined([*pieces[:last], *[pieces[last]] * number])


def exif(entries: bytes, count: int, tail: bytes = b"") -> bytes:
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", count) + entries + tail


def endless_exif() -> bytes:
    """Return EXIF whose directories point to one another and to themselves."""
    pointer = struct.pack(">HHLL", 0x8769, 4, 1, 8) + struct.pack(">HHLL", 0x8825, 4, 1, 8)
    return exif(pointer + struct.pack(">HHLL", 0xA005, 4, 1, 8), 3, struct.pack(">L", 8))


def overlapping_exif(size: int = 65_000) -> bytes:
    """Return EXIF of 5,000 entries, each of which claims nearly all of it."""
    entries = b"".join(struct.pack(">HHLL", tag + 0x9000, 7, size - 100, 8) for tag in range(5_000))
    return exif(entries, 5_000).ljust(size, b"\0")


def cases() -> list[Case]:
    progressive = plain(progressive=True)
    ends, at = [], 2
    for code, body in parts(progressive)[:-1]:
        ends.append((f"{code:02x}", at + len(body) // 2))
        at += len(body)
    cut = [
        refused(f"jpeg-cut-{n:02}-in-{code}", progressive[:end])
        for n, (code, end) in enumerate(ends)
        if n < len(ends) - 1
    ]
    scan = parts(plain())[-2][1]
    broken = "damaged"
    much = "too much besides the picture"
    huge_exif = b"Exif\0\0" + overlapping_exif()
    return [
        *cut,
        refused("jpeg-600-scans", lambda: scans(600), "scans at 1.9 megapixels; at most 208 scans"),
        refused("jpeg-60000-scans", lambda: plain(True)[:-2] + segment(0xDA, bytes(6)) * 60_000, much),
        accepted("jpeg-150-scans", lambda: scans(140, (400, 300))),
        refused("jpeg-says-65535x65535", sized(65535, 65535), "4295 megapixels"),
        refused("jpeg-says-65500x65500-progressive", sized(65500, 65500, True), "megapixels"),
        refused("jpeg-says-7000x7000-in-10-scans", sized(7000, 7000, True), "at most 8 scans"),
        refused("jpeg-says-1x65535", sized(1, 65535), "too small"),
        refused("jpeg-says-0x0", sized(0, 0)),
        refused("jpeg-height-comes-later", before_scan(segment(0xDC, b"\x01\x2c")).replace(*_height_gone())),
        accepted("jpeg-says-6000x6000-has-320x300", sized(6000, 6000)),
        refused("jpeg-12-bits", at_byte(4, 12), broken),
        refused("jpeg-5-components", at_byte(9, 5), broken),
        refused("jpeg-0-components", at_byte(9, 0), broken),
        refused("jpeg-sampling-0x0", at_byte(11, 0), broken),
        refused("jpeg-sampling-15x15", at_byte(11, 0xFF), broken),
        refused("jpeg-table-99", at_byte(12, 99), broken),
        refused("jpeg-lossless", at_byte(1, 0xC3), "rare kind"),
        refused("jpeg-differential", at_byte(1, 0xC5), "rare kind"),
        refused("jpeg-arithmetic", at_byte(1, 0xC9), "rare kind"),
        refused("jpeg-arithmetic-progressive", at_byte(1, 0xCA), "rare kind"),
        refused("jpeg-no-quantisation", without(0xDB), broken),
        refused("jpeg-no-frame", without(0xC0), ""),
        refused("jpeg-no-scan", without(0xDA), ""),
        refused("jpeg-two-frames", before_scan(frame(sized(900, 900))), broken),
        refused("jpeg-frame-twice", before_scan(frame(plain())), broken),
        refused(
            "jpeg-huffman-overfull", before_scan(segment(0xC4, b"\0" + b"\xff" * 16 + bytes(4080))), broken
        ),
        refused("jpeg-huffman-index-77", before_scan(segment(0xC4, b"\x77" + bytes(16))), broken),
        refused("jpeg-scan-of-nothing", plain().replace(scan[:6], segment(0xDA, b"\0")[:6]), ""),
        refused("jpeg-segment-length-0", after_start(segment(0xE1, length=0)), broken),
        refused("jpeg-segment-length-1", after_start(segment(0xE1, length=1)), broken),
        refused("jpeg-segment-beyond-the-end", plain()[:2] + segment(0xE1, b"Exif\0\0", length=65535)),
        refused("jpeg-only-its-start", b"\xff\xd8\xff", broken),
        refused("jpeg-starts-3-times", b"\xff\xd8" * 3 + b"\xff", broken),
        refused("jpeg-ends-at-once", b"\xff\xd8\xff\xd9", broken),
        refused("jpeg-9-mb-of-fill", lambda: after_start(b"\xff" * 9 * MEGABYTE), much),
        refused("jpeg-9-mb-of-junk", lambda: before_scan(b"\x01" * 9 * MEGABYTE), much),
        refused("jpeg-9-mb-of-escapes", lambda: after_start(b"\xff\0" * (9 * MEGABYTE // 2)), much),
        refused("jpeg-2-million-comments", lambda: after_start(segment(0xFE) * 2 * MEGABYTE), much),
        refused("jpeg-million-comments-in-the-picture", lambda: _in_scan(segment(0xFE) * MEGABYTE), much),
        refused("jpeg-million-tables", lambda: before_scan(segment(0xDD, b"\0\0") * MEGABYTE), much),
        refused("jpeg-starts-million-times", lambda: b"\xff\xd8" * 4 * MEGABYTE + plain(), much),
        accepted("jpeg-9-mb-of-fill-in-the-picture", lambda: _in_scan(b"\xff" * 9 * MEGABYTE)),
        accepted("jpeg-4-million-restarts", lambda: _in_scan(b"\xff\xd0" * 4 * MEGABYTE)),
        accepted("jpeg-9-mb-of-tail", lambda: plain() + CANARY * (9 * MEGABYTE // len(CANARY))),
        accepted("jpeg-a-zip-behind", plain() + b"PK\x03\x04" + CANARY),
        accepted("jpeg-two-in-one", plain() + sized(65535, 65535)),
        accepted("jpeg-of-several", seeds()["several.mpo"]),
        accepted("jpeg-of-4-billion", after_start(segment(0xE2, b"MPF\0" + _index(0xFFFFFFFF)))),
        accepted("jpeg-index-points-to-itself", after_start(segment(0xE2, b"MPF\0" + endless_exif()))),
        accepted("jpeg-endless-exif", after_start(segment(0xE1, b"Exif\0\0" + endless_exif()))),
        accepted("jpeg-exif-overlaps", after_start(segment(0xE1, huge_exif))),
        accepted("jpeg-exif-overlaps-100-times", lambda: after_start(segment(0xE1, huge_exif) * 100)),
        accepted("jpeg-exif-of-2-bytes", after_start(segment(0xE1, b"Exif\0\0MM"))),
        accepted("jpeg-exif-points-far", after_start(segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"))),
        accepted("jpeg-orientation-99", after_start(segment(0xE1, b"Exif\0\0" + _held(99)))),
        accepted("jpeg-icc-9-mb", lambda: after_start(_icc(b"\xaa" * 65_000, 138))),
        accepted("jpeg-icc-in-255-equal-parts", lambda: after_start(_icc(b"nonsense", 255))),
        accepted("jpeg-icc-part-short", after_start(segment(0xE2, b"ICC_PROFILE\0\x01\x01"))),
        refused("jpeg-icc-part-too-short", after_start(segment(0xE2, b"ICC_PROFILE\0")), broken),
        refused("jpeg-adobe-short", after_start(segment(0xEE, b"Adobe\0")), broken),
        refused("jpeg-jfif-short", after_start(segment(0xE0, b"JFIF\0")), broken),
        accepted(
            "jpeg-xmp-of-64-kb", after_start(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<" * 65_000))
        ),
        accepted(
            "jpeg-in-its-thumbnail", after_start(segment(0xE1, b"Exif\0\0" + _held(1) + plain()[:60_000]))
        ),
        accepted(
            "jpeg-photoshop-of-4-gb",
            after_start(segment(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\xff\xff\xff\xff")),
        ),
    ]


def _height_gone() -> tuple[bytes, bytes]:
    sound = frame(plain())
    return sound, sound[:5] + b"\0\0" + sound[7:]


def _in_scan(extra: bytes) -> bytes:
    """Return a JPEG with more at the end of its picture's data."""
    return plain()[:-2] + extra + plain()[-2:]


def _index(number: int) -> bytes:
    return exif(
        struct.pack(">HHLL", 0xB000, 7, 4, 0x30313030) + struct.pack(">HHLL", 0xB001, 4, 1, number), 2
    )


def _held(value: int) -> bytes:
    return exif(struct.pack(">HHLHH", 0x0112, 3, 1, value, 0), 1, bytes(4))


def _icc(body: bytes, number: int) -> bytes:
    pieces = (segment(0xE2, b"ICC_PROFILE\0" + bytes((n, number)) + body) for n in range(1, number + 1))
    return b"".join(pieces)
