"""How image files are built, read before a decoder sees them: what a file holds, and what of it to decode.

Decoders are slow where a file repeats itself: comments, scans, frames, tiles. That is counted here. Of JPEG,
PNG and WebP only what makes the first picture goes on to a decoder: no metadata, second image or tail.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from seedance.boxes import CUT_SHORT, Unfit, measure_boxes
from seedance.exif import orientation

Kind = Literal["JPEG", "PNG", "WEBP", "AVIF", "HEIF"]

MAX_PROFILE: Final = 4_000_000  # bytes; the profiles of printers take up to 3 MB
_MAX_CHUNKS: Final = 50_000  # of a PNG or WebP; a photograph of 30 MB has some thousands
_MAX_SEGMENTS: Final = 5_000  # of a JPEG; a photograph has some dozens, one with large notes some hundreds
_MAX_JUNK: Final = 65_536  # bytes between the segments of a JPEG
_TOO_FULL: Final = "it holds too much besides the picture; save it again as a plain JPEG."
_AVIF_BRANDS: Final = {b"avif", b"avis"}
_HEIC_BRANDS: Final = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS")
_JPEG_SIZES: Final = {0xC0, 0xC1, 0xC2}  # what browsers read: Huffman-coded, baseline or progressive
_JPEG_OTHERS: Final = set(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_KEPT: Final = {0xC4, 0xDB, 0xDD, 0xE0, 0xEE}  # tables, restart interval, JFIF, Adobe's colour note
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_WEBP_KEPT: Final = (b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L")
_WEBP_NOTES: Final = 0x20 | 0x08 | 0x04  # flags: there is a profile, EXIF, XMP


@dataclass(slots=True)
class Anatomy:
    """What is known of an image file before it is decoded."""

    kind: Kind
    data: bytes = b""
    """The file as a decoder should see it."""
    size: tuple[int, int] = (0, 0)
    """Width and height as stored, in pixels; of AVIF and HEIC those of the largest image within."""
    scans: int = 1
    """How often a decoder goes over the picture: more than once in a progressive JPEG."""
    pixels: int = 0
    """How many pixels are decoded in all, where the picture is put together from others (AVIF, HEIC)."""
    orientation: int | None = None
    """EXIF's, 1 to 8; None where the decoder tells it (AVIF) or has followed it already (HEIC)."""
    profile: bytes | None = None
    """The ICC profile, empty without one; None where the decoder tells it."""


def examine(data: bytes) -> Anatomy:
    """Tell what an image file is and holds.

    Raises:
        Unfit: of no allowed kind, cut short, or built to be costly; it tells which.
    """
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _examine_jpeg(data)
        if data.startswith(_PNG_START):
            return _examine_png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _examine_webp(data)
        if data[4:8] == b"ftyp":
            return _examine_heif(data)
    except (struct.error, IndexError):
        raise Unfit(CUT_SHORT) from None
    raise Unfit("not an image of a known kind; use JPEG, PNG, WebP, AVIF or HEIC.")


def _examine_jpeg(data: bytes) -> Anatomy:
    found = Anatomy("JPEG", scans=0, orientation=1, profile=b"")
    head, profile, at, junk, count = [b"\xff\xd8"], {}, 2, 0, 0
    while not found.scans:
        marker = _JPEG_MARKER.search(data, at)
        if marker is None:
            raise Unfit(CUT_SHORT)
        junk += marker.start() - at
        count += 1
        if junk > _MAX_JUNK or count > _MAX_SEGMENTS:
            raise Unfit(_TOO_FULL)
        code, start = data[marker.start() + 1], marker.start()
        if code in (0x01, 0xD8):
            at = start + 2
            continue
        (length,) = struct.unpack_from(">H", data, start + 2)
        at = start + 2 + length
        body = data[start + 4 : at]
        if code == 0xD9 or length < 2:
            raise Unfit(CUT_SHORT)
        if code in _JPEG_OTHERS:
            raise Unfit("a rare kind of JPEG that browsers do not show; save it again as a plain JPEG.")
        if code in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", body, 1)
            found.size = (width, height)
        if code == 0xE1 and body.startswith(b"Exif\0\0"):
            found.orientation = orientation(body[6:])
        elif code == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            profile[body[12]] = body[14:]
        if code in _JPEG_SIZES | _JPEG_KEPT:
            head.append(data[start:at])
        if code == 0xDA:
            found.scans, end = _count_scans(data, at)
            head.append(data[start:end])
    found.data = b"".join(head)
    found.profile = b"".join(profile[n] for n in sorted(profile))
    return found


def _count_scans(data: bytes, at: int) -> tuple[int, int]:
    """Return how many scans there are, the first one's data being at `at`, and where the picture ends."""
    scans = 1
    for _ in range(_MAX_SEGMENTS):
        marker = _JPEG_MARKER.search(data, at)
        if marker is None or marker.start() + 4 > len(data):
            return scans, len(data)
        code, start = data[marker.start() + 1], marker.start()
        if code == 0xD9:
            return scans, start + 2
        scans += code == 0xDA
        at = start + 2 + struct.unpack_from(">H", data, start + 2)[0]
    raise Unfit(_TOO_FULL)


def _examine_png(data: bytes) -> Anatomy:
    found = Anatomy("PNG", orientation=1, profile=b"")
    kept, picture, at = [_PNG_START], [], len(_PNG_START)
    for _ in range(_MAX_CHUNKS):
        if at == len(data):
            break
        length, name = struct.unpack_from(">L4s", data, at)
        start, at = at, at + 12 + length
        (checksum,) = struct.unpack_from(">L", data, at - 4)
        body = data[start + 8 : at - 4]
        if name in (*_PNG_KEPT, b"IDAT") and zlib.crc32(data[start + 4 : at - 4]) != checksum:
            raise Unfit("the image is damaged and cannot be decoded.")
        if name == b"IEND":
            break
        if name == b"IHDR":
            found.size = struct.unpack_from(">LL", body)
        if name in _PNG_KEPT:
            kept.append(data[start:at])
        elif name == b"IDAT":
            picture.append(body)
        elif name == b"eXIf":
            found.orientation = orientation(body)
        elif name == b"iCCP":
            found.profile = _unpack(body.partition(b"\0")[2][1:])
    else:
        raise Unfit("it is in too many pieces; save it again as a plain PNG.")
    found.data = b"".join((*kept, _png_chunk(b"IDAT", b"".join(picture)), _png_chunk(b"IEND", b"")))
    return found


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(body, zlib.crc32(name)))


def _unpack(packed: bytes) -> bytes:
    """Return a packed colour profile, or nothing where it is broken or too large."""
    try:
        profile = zlib.decompressobj().decompress(packed, MAX_PROFILE + 1)
    except zlib.error:
        return b""
    return profile if len(profile) <= MAX_PROFILE else b""


def _examine_webp(data: bytes) -> Anatomy:
    found = Anatomy("WEBP", orientation=1, profile=b"")
    kept: dict[bytes, bytes] = {}
    for name, start, end in _webp_chunks(data):
        body = data[start + 8 : end]
        if name == b"EXIF":
            found.orientation = orientation(body.removeprefix(b"Exif\0\0"))
        elif name == b"ICCP":
            found.profile = body
        elif name in _WEBP_KEPT and name not in kept:  # of an animation the first frame alone
            if name == b"VP8X":
                body = bytes((body[0] & ~_WEBP_NOTES,)) + body[1:]
            kept[name] = data[start : start + 8] + body + bytes(len(body) & 1)
            found.size = max(found.size, _webp_size(name, body), key=math.prod)
    body = b"WEBP" + b"".join(kept.values())
    found.data = b"RIFF" + struct.pack("<L", len(body)) + body
    return found


def _webp_size(name: bytes, body: bytes) -> tuple[int, int]:
    """Return the width and height that a chunk tells; 0, 0 where it is about something else."""
    if name == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if name == b"VP8L":
        (bits,) = struct.unpack_from("<L", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's name and where it starts and ends."""
    end = min(len(data), 8 + struct.unpack_from("<L", data, 4)[0])
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > end:
            return
        name, length = struct.unpack_from("<4sL", data, at)
        if at + 8 + length > len(data):
            raise Unfit(CUT_SHORT)
        yield name, at, at + 8 + length
        at += 8 + length + (length & 1)
    raise Unfit("it is in too many pieces; save it again as a plain WebP.")


def _examine_heif(data: bytes) -> Anatomy:
    (length,) = struct.unpack_from(">L", data)
    brands = [data[n : n + 4] for n in (8, *range(16, min(length, 256), 4))]
    if brands[0] in _AVIF_BRANDS or (brands[0] in (b"mif1", b"msf1") and _AVIF_BRANDS & set(brands)):
        kind: Kind = "AVIF"
    elif brands[0] in _HEIC_BRANDS:
        kind = "HEIF"
    else:
        raise Unfit("not an image of a known kind; use JPEG, PNG, WebP, AVIF or HEIC.")
    measure = measure_boxes(data, {b"av01"} if kind == "AVIF" else {b"hvc1"})
    plain = bytearray(data)
    for at in measure.notes:  # items of a kind that no decoder knows are passed over
        plain[at : at + 4] = b"skip"
    held = None if kind == "AVIF" else 1
    return Anatomy(kind, bytes(plain), measure.size, pixels=measure.pixels, orientation=held)
