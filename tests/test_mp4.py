from __future__ import annotations

import struct
from pathlib import Path

import pytest

from seedance import mp4


def box(kind: bytes, size: int = 16, announced: int | None = None) -> bytes:
    return struct.pack(">I4s", size if announced is None else announced, kind) + bytes(size - 8)


def wide_box(kind: bytes, announced: int, body: int = 8) -> bytes:
    return struct.pack(">I4sQ", 1, kind, announced) + bytes(body)


WHOLE = box(b"ftyp") + box(b"moov") + box(b"free", 8) + box(b"mdat", 100)


@pytest.mark.parametrize(
    "data",
    [
        WHOLE,
        box(b"ftyp") + box(b"mdat", 100) + box(b"moov"),
        box(b"ftyp") + box(b"moov") + wide_box(b"mdat", 24),
        box(b"ftyp") + box(b"moov") + box(b"mdat", 50, announced=0),
    ],
    ids=["index first", "index last", "64-bit length", "to the end"],
)
def test_a_whole_file_has_no_fault(tmp_path: Path, data: bytes) -> None:
    """Every order and every way to state a length that the standard allows is accepted."""
    path = tmp_path / "v.mp4"
    path.write_bytes(data)
    assert mp4.fault(path) == ""


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no ftyp box"),
        (b"<!DOCTYPE html><html>Sorry</html>", "not an MP4"),
        (b"short", "not an MP4"),
        (box(b"moov") + box(b"ftyp") + box(b"mdat"), "not an MP4"),
        (WHOLE[:-1], "ends inside a box at byte 40 of 139"),
        (WHOLE[:44], "ends inside a box"),
        (box(b"ftyp") + box(b"moov"), "no mdat box"),
        (box(b"ftyp") + box(b"mdat"), "no moov box"),
        (box(b"ftyp") + box(b"moov", announced=7), "ends inside a box"),
        (box(b"ftyp") + wide_box(b"mdat", 8), "ends inside a box"),
        (box(b"ftyp") + wide_box(b"mdat", 2**63), "ends inside a box"),
        (box(b"ftyp") + wide_box(b"mdat", 0)[:12], "ends inside a box"),
    ],
)
def test_a_fault_is_told(tmp_path: Path, data: bytes, told: str) -> None:
    """Cut, foreign and crooked files are told apart from whole ones, in words."""
    path = tmp_path / "v.mp4"
    path.write_bytes(data)
    assert told in mp4.fault(path)
