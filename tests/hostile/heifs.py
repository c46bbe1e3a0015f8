"""Hostile HEIC and AVIF files, put together box by box from a sound one's coded picture."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from tests.hostile.case import CANARY, Case, accepted, refused
from tests.hostile.jpegs import MEGABYTE, endless_exif, overlapping_exif
from tests.hostile.seeds import encode, seeds

TILE = (320, 304)


def box(name: bytes, body: bytes = b"", *, length: int | None = None) -> bytes:
    return struct.pack(">L", len(body) + 8 if length is None else length) + name + body


def full(name: bytes, body: bytes = b"", version: int = 0, flags: int = 0) -> bytes:
    return box(name, bytes((version,)) + flags.to_bytes(3) + body)


@dataclass
class Item:
    """One item of a file: its kind, bytes, size, what it is made of, and its other properties' numbers."""

    kind: bytes
    data: bytes = b""
    size: tuple[int, int] = TILE
    parts: Sequence[int] = ()
    properties: Sequence[int] = ()
    extents: list[tuple[int, int]] = field(default_factory=list)


@cache
def coded(kind: str) -> tuple[bytes, bytes]:
    """Return a picture's configuration box and its coded bytes."""
    data = encode(kind, size=TILE, **({"speed": 9} if kind == "AVIF" else {}))
    name = b"av1C" if kind == "AVIF" else b"hvcC"
    at = data.index(name) - 4
    config = data[at : at + struct.unpack_from(">L", data, at)[0]]
    at = data.index(b"mdat") - 4
    return config, data[at + 8 : at + struct.unpack_from(">L", data, at)[0]]


def heif(
    items: list[Item], kind: str = "HEIF", *, primary: int = 1, extra: Sequence[bytes] = (), more: bytes = b""
) -> bytes:
    """Write a file. Its properties: the codec's configuration, `pixi`, each item's size, then `extra`."""
    config, _ = coded(kind)
    properties = [config, full(b"pixi", b"\x03\x08\x08\x08"), *(_size(it.size) for it in items), *extra]
    links = b""
    for n, item in enumerate(items, start=1):
        numbers = [2, 2 + n, *([1] if item.kind in (b"hvc1", b"av01") else []), *item.properties]
        links += struct.pack(f">HB{len(numbers)}H", n, len(numbers), *numbers)
    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic" if kind == "HEIF" else b"avif\0\0\0\0mif1avifmiaf")
    entries = b"".join(
        full(b"infe", struct.pack(">HH", n, 0) + it.kind + b"\0", 2) for n, it in enumerate(items, 1)
    )
    made = b"".join(
        box(b"dimg", struct.pack(f">HH{len(it.parts)}H", n, len(it.parts), *it.parts))
        for n, it in enumerate(items, 1)
        if it.parts
    )

    def meta(start: int) -> bytes:
        places = b""
        for n, item in enumerate(items, start=1):
            extents = item.extents or [(start, len(item.data))]
            places += struct.pack(">HHHH", n, 0, 0, len(extents))
            places += b"".join(struct.pack(">LL", *extent) for extent in extents)
            start += len(item.data)
        boxes = (
            full(b"hdlr", bytes(4) + b"pict" + bytes(13)),
            full(b"pitm", struct.pack(">H", primary)),
            full(b"iloc", struct.pack(">BBH", 0x44, 0, len(items)) + places, 1),
            full(b"iinf", struct.pack(">H", len(items)) + entries),
            box(b"iprp", box(b"ipco", b"".join(properties)) + _links(links, len(items))),
            full(b"iref", made) if made else b"",
            more,
        )
        return full(b"meta", b"".join(boxes))

    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + box(b"mdat", b"".join(it.data for it in items))


def _links(links: bytes, number: int) -> bytes:
    return full(b"ipma", struct.pack(">L", number) + links, 0, 1)


def _size(size: tuple[int, int]) -> bytes:
    return full(b"ispe", struct.pack(">LL", *size))


def one(kind: str, **changes: object) -> Item:
    item = Item(b"av01" if kind == "AVIF" else b"hvc1", coded(kind)[1])
    for name, value in changes.items():
        setattr(item, name, value)
    return item


def grid(kind: str, columns: int, rows: int, size: tuple[int, int] | None = None, **tile: object) -> bytes:
    """Return a picture of that many times the same tile."""
    width, height = size or (TILE[0] * columns, TILE[1] * rows)
    shape = struct.pack(">BBBBLL", 0, 1, rows - 1, columns - 1, width, height)
    made = Item(b"grid", shape, (width, height), parts=[2] * (columns * rows))
    return heif([made, one(kind, **tile)], kind)


def four(kind: str) -> bytes:
    """Return a sound picture of 2×2 tiles."""
    shape = struct.pack(">BBBBLL", 0, 0, 1, 1, 0, 0)[:4] + struct.pack(">HH", 640, 608)
    return heif([Item(b"grid", shape, (640, 608), parts=[2, 3, 4, 5]), *[one(kind)] * 4], kind)


def nested(kind: str, depth: int) -> bytes:
    """Return grids of 2×2 grids of 2×2 grids, so many deep."""
    items = []
    for n in range(1, depth + 1):
        shape = struct.pack(">BBBBLL", 0, 1, 1, 1, 640, 608)
        items.append(Item(b"grid", shape, (640, 608), parts=[n + 1] * 4))
    return heif([*items, one(kind)], kind)


def _named(kind: str) -> list[Case]:
    sound = heif([one(kind)], kind)
    note = "avif" if kind == "AVIF" else "heic"
    codec = b"av01" if kind == "AVIF" else b"hvc1"
    damaged, pieces = "damaged", "put together from more than"
    exif = Item(b"Exif", bytes(4) + overlapping_exif(9 * MEGABYTE))
    cases = [
        *(refused(f"cut-at-{part}-eighths", sound[: len(sound) * part // 8]) for part in range(1, 8)),
        refused("cut-after-ftyp", sound[: sound.index(b"meta") - 4]),
        refused("cut-after-meta", sound[: sound.index(b"mdat") - 4]),
        accepted("made-by-hand", sound),
        accepted("grid-of-2x2", four(kind)),
        refused("grid-of-256x256", lambda: grid(kind, 256, 256 - 1, (640, 608)), pieces),
        refused("grid-of-50x40-of-one", lambda: grid(kind, 50, 40), "megapixels"),
        refused(
            "grid-of-40x40-shown-as-640x608", lambda: grid(kind, 40, 40, (640, 608)), "pieces have 156 mega"
        ),
        refused("grid-says-60000x60000", grid(kind, 2, 2, (60_000, 60_000)), "megapixels"),
        refused("grid-in-grid-in-grid", lambda: nested(kind, 8), "made of pictures"),
        refused("grid-of-itself", heif([Item(b"grid", bytes(12), parts=[1] * 4)], kind), "made of pictures"),
        refused("grid-of-nothing", heif([Item(b"grid", struct.pack(">BBBBLL", 0, 1, 1, 1, 640, 608))], kind)),
        refused(
            "grid-of-missing",
            heif([Item(b"grid", struct.pack(">BBBBLL", 0, 1, 1, 1, 640, 608), parts=[7, 8, 9, 9])], kind),
        ),
        refused(
            "grid-of-mirrors", heif([Item(b"iden", parts=[2]), Item(b"iden", parts=[1])], kind), "made of"
        ),
        refused(
            "overlay-of-1100",
            heif([Item(b"iovl", bytes(2000), (640, 608), [2] * 1100), one(kind)], kind),
            "mega",
        ),
        refused("5000-items", lambda: heif([one(kind)] + [Item(codec)] * 5_000, kind), pieces),
        refused(
            "900-pictures-in-one-place", lambda: heif([one(kind, size=(60_000, 60_000))] * 900, kind), "mega"
        ),
        refused("says-65535x65535", heif([one(kind, size=(65535, 65535))], kind), "megapixels"),
        refused("says-4-billion", heif([one(kind, size=(2**32 - 1, 2**32 - 1))], kind), "megapixels"),
        refused("says-0x0", heif([one(kind, size=(0, 0))], kind)),
        refused("says-1x1", heif([one(kind, size=(1, 1))], kind)),
        refused("codec-jpeg", heif([Item(b"jpeg", coded(kind)[1])], kind), "rare format"),
        refused("codec-j2k1", heif([Item(b"j2k1", coded(kind)[1])], kind), "rare format"),
        refused("codec-unci", heif([Item(b"unci", bytes(320 * 304 * 3))], kind), "rare format"),
        refused("codec-vvc1", heif([Item(b"vvc1", coded(kind)[1])], kind), "rare format"),
        refused("codec-none", heif([Item(b"\0\0\0\0", coded(kind)[1])], kind)),
        refused("bytes-from-beyond", heif([one(kind, extents=[(2**32 - 9, 2**31)])], kind)),
        refused("bytes-of-nothing", heif([one(kind, extents=[(0, 1)])], kind)),
        refused("bytes-from-60000-places", lambda: heif([one(kind, extents=[(100, 65535)] * 60_000)], kind)),
        refused("primary-missing", heif([one(kind)], kind, primary=9)),
        accepted(
            "properties-of-missing-item", heif([one(kind)], kind, more=_links(struct.pack(">HB", 9, 0), 1))
        ),
        refused("property-999", heif([one(kind, properties=[999])], kind)),
        refused(
            "1-mb-of-properties", lambda: heif([one(kind)], kind, extra=[box(b"free")] * 130_000), "pieces"
        ),
        refused("million-empty-boxes", lambda: sound + box(b"free") * MEGABYTE, "too many pieces"),
        accepted("9-mb-behind", lambda: sound + box(b"free", CANARY * 690_000)),
        accepted("exif-overlaps", lambda: heif([one(kind), exif], kind, more=_notes(2))),
        accepted(
            "exif-endless", heif([one(kind), Item(b"Exif", bytes(4) + endless_exif())], kind, more=_notes(2))
        ),
        refused("box-of-size-3", sound + struct.pack(">L", 3) + b"free", damaged),
        refused("box-of-2-to-63", sound + struct.pack(">L4sQ", 1, b"free", 2**63), damaged),
        accepted("box-of-64-bits-of-0", sound + struct.pack(">L4sQ", 1, b"free", 0)),
        refused("meta-in-meta-in-meta", lambda: _deep(sound), ""),
        refused("ftyp-alone", sound[:28]),
        refused("ftyp-of-4-gb", struct.pack(">L", 2**32 - 1) + sound[4:]),
        refused("iinf-says-4-billion", sound.replace(b"iinf\0\0\0\0\0\1", b"iinf\1\0\0\0\xff\xff")),
        refused("brand-unknown", sound.replace(sound[8:12], b"xyz!", 1), "known kind"),
        refused("brand-mp41", sound.replace(sound[8:12], b"mp41", 1), "known kind"),
    ]
    return [Case(f"{note}-{case.name}", case.make, case.told) for case in cases]


def _notes(item: int) -> bytes:
    """Say that an item describes the first one."""
    return full(b"iref", box(b"cdsc", struct.pack(">HHH", item, 1, 1)))


def _deep(sound: bytes) -> bytes:
    inner = b""
    for _ in range(3_000):
        inner = full(b"meta", inner)
    return sound[: sound.index(b"meta") - 4] + inner


def cases() -> list[Case]:
    turned = encode("HEIF")
    return [
        *_named("HEIF"),
        *_named("AVIF"),
        accepted("heic-as-telephones-write", turned),
        accepted("avif-animated", seeds()["animated.avif"]),
        refused("avif-named-heic", encode("AVIF", speed=9).replace(b"ftypavif", b"ftypheic", 1), ""),
        refused("heic-named-avif", turned.replace(b"ftypheic", b"ftypavif", 1), ""),
    ]
