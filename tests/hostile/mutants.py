"""Sound images, damaged by chance: the same seed and number always give the same file."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from typing import Final

from tests.hostile.seeds import seeds

_START: Final = 700  # bytes at a file's start, where most of its structure is
_ODD: Final = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutant(seed: int, number: int) -> tuple[str, bytes]:
    """Return a damaged image and the name of the sound one."""
    chance = random.Random(f"{seed}/{number}")
    name = chance.choice(sorted(seeds()))
    data = bytearray(seeds()[name])
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        chance.choice(_WAYS)(data, chance)
    if name.endswith(".png") and chance.random() < 0.6:
        _mend(data)
    return name, bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    end = min(len(data), _START) if chance.random() < 0.6 else len(data)
    return chance.randrange(max(1, end))


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 4, 30))):
        if data:
            data[_place(data, chance) % len(data)] ^= 1 << chance.randrange(8)


def _overwrite(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    new = chance.randbytes(chance.choice((1, 2, 4, 40)))
    data[at : at + len(new)] = new


def _lie(data: bytearray, chance: random.Random) -> None:
    """Put an odd number where a length, a count or an offset may be."""
    at, form = _place(data, chance), chance.choice((">H", "<H", ">L", "<L"))
    new = struct.pack(form, chance.choice(_ODD) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF))
    data[at : at + len(new)] = new


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _drop(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + chance.choice((1, 2, 8, 100, 3000))]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    piece = bytes(data[at : at + chance.choice((1, 4, 60, 2000))])
    data[at:at] = piece * chance.choice((1, 2, 50))


def _splice(data: bytearray, chance: random.Random) -> None:
    """Put a piece of another image in."""
    other = seeds()[chance.choice(sorted(seeds()))]
    start, at = chance.randrange(len(other)), _place(data, chance)
    data[at:at] = other[start : start + chance.choice((20, 300, 5000))]


def _swap(data: bytearray, chance: random.Random) -> None:
    length, at, other = chance.choice((1, 4, 50)), _place(data, chance), _place(data, chance)
    data[at : at + length], data[other : other + length] = (
        data[other : other + length],
        data[at : at + length],
    )


def _mend(data: bytearray) -> None:
    """Make a PNG's checksums right again, so that the damage is looked at."""
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">L", data, at)
        if at + 12 + length > len(data):
            return
        struct.pack_into(">L", data, at + 8 + length, zlib.crc32(data[at + 4 : at + 8 + length]))
        at += 12 + length


_WAYS: Final[tuple[Callable[[bytearray, random.Random], None], ...]] = (
    _flip, _flip, _overwrite, _overwrite, _lie, _lie, _lie, _cut, _drop, _repeat, _splice, _swap,
)  # fmt: skip
