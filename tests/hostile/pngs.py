"""Hostile PNG files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from tests.hostile.case import CANARY, Case, accepted, refused
from tests.hostile.jpegs import MEGABYTE, endless_exif, overlapping_exif
from tests.hostile.seeds import encode, seeds

START = b"\x89PNG\r\n\x1a\n"
END = b"\0\0\0\0IEND\xaeB`\x82"


def chunk(name: bytes, body: bytes = b"", *, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return struct.pack(">L", size) + name + body + struct.pack(">L", zlib.crc32(name + body))


def header(width: int = 320, height: int = 300, depth: int = 8, colour: int = 2, *rest: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">LLBB3B", width, height, depth, colour, *(rest or (0, 0, 0))))


def png(*pieces: bytes, end: bytes = END) -> bytes:
    return START + b"".join(pieces) + end


def flat(width: int = 320, height: int = 300, *, line: int | None = None, level: int = 1) -> bytes:
    """Return an IDAT chunk of one colour, streamed so that a huge one takes no memory here."""
    packer = zlib.compressobj(level)
    row = bytes(1 + (3 * width if line is None else line))
    return chunk(b"IDAT", b"".join(packer.compress(row) for _ in range(height)) + packer.flush())


def bomb(megabytes: int) -> bytes:
    """Return that many megabytes of zeros, packed; each is packed like the one before."""
    packer = zlib.compressobj(9)
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = megabytes * MEGABYTE % 65521 << 16 | 1
    return start + block * megabytes + b"\x03\0" + checksum.to_bytes(4)


def chunks(data: bytes) -> Iterable[tuple[bytes, int, int]]:
    at = len(START)
    while at < len(data):
        (length,) = struct.unpack_from(">L", data, at)
        yield data[at + 4 : at + 8], at, at + 12 + length
        at += 12 + length


def cases() -> list[Case]:
    sound = encode("PNG")
    idat = flat()
    broken = "damaged"
    small = [
        refused(f"png-cut-in-{n}-{name.decode().lower()}", sound[: (start + end) // 2])
        for n, (name, start, end) in enumerate(chunks(sound))
        if name != b"IEND"
    ]
    frames = chunk(b"fcTL", bytes(26)) + chunk(b"fdAT", bytes(5))
    return [
        *small,
        accepted("png-7000x7000-in-150-kb", lambda: png(header(7000, 7000), flat(7000, 7000))),
        refused("png-20000x20000", png(header(20_000, 20_000), idat), "400 megapixels"),
        refused("png-of-2-billion", png(header(2**31 - 1, 2**31 - 1), idat), "megapixels"),
        refused("png-of-4-billion", png(header(2**32 - 1, 2**32 - 1), idat), "megapixels"),
        refused("png-0x0", png(header(0, 0), idat)),
        refused("png-1x50000000", png(header(1, 50_000_000), idat), "too small"),
        refused("png-300x150000", png(header(300, 150_000), idat), "too tall"),
        refused("png-says-7000x7000-has-320x300", png(header(7000, 7000), idat), broken),
        accepted("png-says-320x300-has-1-gb", lambda: png(header(), chunk(b"IDAT", bomb(1000)))),
        accepted("png-profile-bomb", lambda: png(header(), chunk(b"iCCP", b"x\0\0" + bomb(1000)), idat)),
        accepted("png-text-bomb", lambda: png(header(), chunk(b"zTXt", b"x\0\0" + bomb(1000)), idat)),
        accepted("png-text-bombs", lambda: png(header(), chunk(b"zTXt", b"x\0\0" + bomb(60)) * 100, idat)),
        accepted(
            "png-utf8-text-bomb", lambda: png(header(), chunk(b"iTXt", b"x\0\1\0\0\0" + bomb(1000)), idat)
        ),
        accepted("png-profile-nonsense", png(header(), chunk(b"iCCP", b"x\0\0nonsense"), idat)),
        accepted("png-profile-empty", png(header(), chunk(b"iCCP"), idat)),
        accepted("png-9-mb-of-text", lambda: png(header(), chunk(b"tEXt", CANARY * 700_000), idat)),
        refused("png-800000-texts", lambda: png(header(), chunk(b"tEXt") * 800_000, idat), "too many pieces"),
        refused(
            "png-800000-empty-pictures", lambda: png(header(), chunk(b"IDAT") * 800_000, idat), "too many"
        ),
        accepted("png-a-piece-for-each-byte", lambda: png(header(), *_single(idat))),
        accepted("png-endless-exif", png(header(), chunk(b"eXIf", endless_exif()), idat)),
        accepted(
            "png-exif-overlaps", lambda: png(header(), chunk(b"eXIf", overlapping_exif(9 * MEGABYTE)), idat)
        ),
        refused("png-header-crc", sound[:20] + b"\x01" + sound[21:], broken),
        refused("png-picture-crc", sound[:-30] + bytes(4) + sound[-26:], broken),
        accepted("png-text-crc", png(header(), chunk(b"tEXt", b"a\0b")[:-1] + b"!", idat)),
        refused("png-no-header", png(idat)),
        refused("png-header-twice", png(header(), header(7000, 7000, 16, 6), idat)),
        refused("png-header-short", png(chunk(b"IHDR", bytes(8)), idat)),
        accepted("png-header-late", png(idat, header())),
        refused("png-no-picture", png(header()), broken),
        refused("png-picture-empty", png(header(), chunk(b"IDAT")), broken),
        accepted("png-picture-short", png(header(), flat(320, 100))),
        refused("png-nothing-but-its-start", START),
        accepted("png-no-end", png(header(), idat, end=b"")),
        accepted("png-a-zip-behind", png(header(), idat) + b"PK\x03\x04" + CANARY),
        accepted("png-another-behind", png(header(), idat) + png(header(60_000, 60_000), idat)),
        refused("png-length-2-billion", png(header(), chunk(b"tEXt", b"x", length=2**31 - 1), idat)),
        refused("png-length-4-billion", png(header(), chunk(b"IDAT", b"x", length=2**32 - 1))),
        refused("png-bit-depth-3", png(header(320, 300, 3, 2), idat), broken),
        refused("png-colour-type-5", png(header(320, 300, 8, 5), idat), broken),
        accepted("png-compression-9", png(header(320, 300, 8, 2, 9, 0, 0), idat)),
        refused("png-interlaced-lie", png(header(320, 300, 8, 2, 0, 0, 1), flat(320, 20)), broken),
        accepted("png-interlaced-flat", png(header(320, 300, 8, 2, 0, 0, 1), flat(320, 620))),
        refused("png-filter-255", png(header(), chunk(b"IDAT", zlib.compress(b"\xff" * 300 * 961))), broken),
        refused("png-no-zlib", png(header(), chunk(b"IDAT", bytes(1000))), broken),
        refused("png-zlib-with-dictionary", png(header(), chunk(b"IDAT", _with_dictionary())), broken),
        refused("png-no-palette", png(header(320, 300, 8, 3), flat(line=320)), broken),
        refused(
            "png-palette-of-1000",
            png(header(320, 300, 8, 3), chunk(b"PLTE", bytes(3000)), flat(line=320)),
            "",
        ),
        accepted("png-palette-odd", png(header(320, 300, 8, 3), chunk(b"PLTE", bytes(4)), flat(line=320))),
        refused(
            "png-transparency-odd",
            png(header(320, 300, 8, 3), chunk(b"PLTE", bytes(9)), chunk(b"tRNS", bytes(999)), flat(line=320)),
        ),
        refused("png-transparency-short", png(header(), chunk(b"tRNS", b"\0"), idat), broken),
        accepted("png-16-bit-key", png(header(320, 300, 16, 0), chunk(b"tRNS", b"\xff\xff"), flat(line=640))),
        accepted(
            "png-50000000-frames", png(header(), chunk(b"acTL", struct.pack(">LL", 2**31 - 1, 0)), idat)
        ),
        accepted(
            "png-20000-frames",
            lambda: png(header(), chunk(b"acTL", struct.pack(">LL", 20_000, 0)), idat, frames * 20_000),
        ),
        refused(
            "png-100000-frames", lambda: png(header(), idat, frames * 100_000, end=b"") + END, "too many"
        ),
        accepted("png-animated", seeds()["animated.png"]),
        refused("png-of-apple", png(chunk(b"CgBI", b"\x50\0\x20\x02"), header(), chunk(b"IDAT", b"\x63\0"))),
        refused("png-is-mng", b"\x8aMNG\r\n\x1a\n" + chunk(b"MHDR", bytes(28)), "known kind"),
        refused("png-is-jng", b"\x8bJNG\r\n\x1a\n" + chunk(b"JHDR", bytes(16)), "known kind"),
        refused("png-lines-turned", png(header(), idat).replace(b"\r\n", b"\n", 1), "known kind"),
        accepted("png-name-of-zeros", png(header(), chunk(b"\0\0\0\0", CANARY), idat)),
    ]


def _single(idat: bytes) -> list[bytes]:
    body = idat[8:-4]
    return [chunk(b"IDAT", body[n : n + 1]) for n in range(len(body))]


def _with_dictionary() -> bytes:
    packer = zlib.compressobj(zdict=bytes(900))
    return packer.compress(bytes(961 * 300)) + packer.flush()
