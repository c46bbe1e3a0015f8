"""What a hostile file is, and a look for metadata that shares no code with what is tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

CANARY = b"CANARY-7d1f03"


@dataclass(frozen=True)
class Case:
    """A file by its name, made when it is wanted: some are large."""

    name: str
    make: Callable[[], bytes]
    told: str | None = ""
    """A part of the message that refuses it; None where it is a fair image that must be accepted."""

    def __str__(self) -> str:
        return self.name


def refused(name: str, make: Callable[[], bytes] | bytes, told: str = "") -> Case:
    return Case(name, make if callable(make) else lambda: make, told)


def accepted(name: str, make: Callable[[], bytes] | bytes) -> Case:
    return Case(name, make if callable(make) else lambda: make, None)


def metadata_in(jpeg: bytes) -> int:
    """Return how many bytes of a JPEG file are neither picture, tables nor the plain 18 bytes of JFIF."""
    found, at = len(CANARY) * jpeg.count(CANARY), 2
    while True:
        code, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        if code == 0xE0 and length == 16 and jpeg[at + 4 : at + 9] == b"JFIF\0":
            found += 0
        elif 0xE0 <= code <= 0xEF or code == 0xFE:
            found += 2 + length
        at += 2 + length
        if code == 0xDA:
            return found + len(jpeg) - (jpeg.index(b"\xff\xd9", at) + 2)
