from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from seedance.engine import matte


def disk(radius: float, soft: float = 2.0, x: float = 0.5) -> NDArray[np.float32]:
    """Draw what a model says of a round subject; radius and x in shares of the picture."""
    at = (np.arange(256, dtype=np.float32) + 0.5) / 256
    far = np.hypot(at - x, at[:, None] - 0.5)
    return np.clip((radius - far) * 256 / soft + 0.5, 0, 1).astype(np.float32)


def varint(value: int) -> bytes:
    """Encode a number below 2^14 as protocol buffers do."""
    return bytes([value & 127 | 128, value >> 7])


def field(number: int, value: int | bytes) -> bytes:
    """Encode a field of a protocol buffer."""
    if isinstance(value, int):
        return bytes([number << 3]) + varint(value)
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def named(name: str, *sides: int) -> bytes:
    """Describe a tensor of floats for an ONNX graph."""
    lengths = b"".join(field(1, field(1, side)) for side in sides)
    return field(1, name.encode()) + field(2, field(1, field(1, 1) + field(2, lengths)))


def brightness() -> bytes:
    """Make an ONNX model to which the bright is the subject: one weight for each colour, then a sigmoid."""
    weights, bias = np.full(3, 8, np.float32), np.full(1, -24, np.float32)
    parts = [
        field(
            1, b"".join(field(1, name) for name in (b"x", b"w", b"b")) + field(2, b"c") + field(4, b"Conv")
        ),
        field(1, field(1, b"c") + field(2, b"y") + field(4, b"Sigmoid")),
        field(2, b"g"),
    ]
    for name, values, sides in ((b"w", weights, (1, 3, 1, 1)), (b"b", bias, (1,))):
        tensor = b"".join(field(1, side) for side in sides) + field(2, 1) + field(8, name)
        parts.append(field(5, tensor + field(9, values.tobytes())))
    parts += [field(11, named("x", 1, 3, 256, 256)), field(12, named("y", 1, 1, 256, 256))]
    return field(1, 7) + field(8, field(2, 13)) + field(7, b"".join(parts))


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "brightness.onnx"
    path.write_bytes(brightness())
    monkeypatch.setenv("SEEDANCE_MATTE_MODEL", str(path))


@pytest.mark.usefixtures("model")
def test_a_models_subject_is_found_in_its_picture() -> None:
    """Whatever the picture's shape, its box is told in shares of it; each image has its own answer."""
    picture = Image.new("RGB", (600, 400), (20, 20, 20))
    ImageDraw.Draw(picture).ellipse((60, 40, 300, 280), fill="white")
    found, none = matte.find([picture, Image.new("RGB", (400, 400), (20, 20, 20))])
    assert none is None
    assert found is not None
    assert found.solid
    assert found.box == pytest.approx((0.1, 0.1, 0.5, 0.7), abs=0.01)


def test_a_distinct_subject_has_its_place() -> None:
    """Its box is told in shares of the picture, and it can be cut out."""
    found = matte.judged(disk(0.2, x=0.4))
    assert found is not None
    assert found.solid
    assert found.box == pytest.approx((0.2, 0.3, 0.6, 0.7), abs=0.01)


@pytest.mark.parametrize(
    "share",
    [disk(0.01), disk(0.6), disk(0.3) * np.float32(0.5), np.zeros((256, 256), np.float32)],
    ids=["a speck", "nearly all", "half of it", "nothing"],
)
def test_what_a_model_is_not_sure_of_is_no_subject(share: NDArray[np.float32]) -> None:
    """Nor is a speck, nor what fills the picture."""
    assert matte.judged(share) is None


def test_small_pieces_are_left_out() -> None:
    """They neither move with the subject nor widen its place; what is nearly as large does."""
    small, large = disk(0.03, x=0.9), disk(0.14, x=0.85)
    alone, beside, both = (matte.judged(np.maximum(disk(0.2, x=0.3), more)) for more in (0, small, large))
    assert alone is not None
    assert beside is not None
    assert both is not None
    assert beside.box == alone.box
    assert beside.share[128, 230] == 0
    assert both.box.right > 0.95


def test_a_subject_that_would_be_seen_through_is_not_cut_out() -> None:
    """It has its place, but a broad part of it is neither there nor away."""
    share = disk(0.25)
    cv2.rectangle(share, (120, 120), (136, 136), 0.5, -1)
    found = matte.judged(share)
    assert found is not None
    assert not found.solid


def test_without_a_model_nothing_is_a_subject(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The images are not even opened; a file that is none is told in the log, once."""
    image = Image.new("RGB", (400, 300))
    monkeypatch.delenv("SEEDANCE_MATTE_MODEL", raising=False)
    assert matte.find([image, image]) == [None, None]
    (tmp_path / "other.onnx").write_bytes(b"no model")
    with caplog.at_level(logging.WARNING):
        for name in ("none.onnx", "other.onnx"):
            monkeypatch.setenv("SEEDANCE_MATTE_MODEL", str(tmp_path / name))
            assert matte.find([image]) == matte.find([image]) == [None]
    assert len(caplog.records) == 2
    assert "SEEDANCE_MATTE_MODEL" in caplog.text
