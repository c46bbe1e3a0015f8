from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seedance.engine import matte


def disk(radius: float, soft: float = 2.0, x: float = 0.5) -> NDArray[np.float32]:
    """Draw what a model says of a round subject; radius and x in shares of the picture."""
    at = (np.arange(256, dtype=np.float32) + 0.5) / 256
    far = np.hypot(at - x, at[:, None] - 0.5)
    return np.clip((radius - far) * 256 / soft + 0.5, 0, 1).astype(np.float32)


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
    """The images are not even opened; a file that is not there is told in the log, once."""
    image = Image.new("RGB", (400, 300))
    monkeypatch.delenv("SEEDANCE_MATTE_MODEL", raising=False)
    assert matte.find([image, image]) == [None, None]
    monkeypatch.setenv("SEEDANCE_MATTE_MODEL", str(tmp_path / "none.onnx"))
    with caplog.at_level(logging.WARNING):
        assert matte.find([image]) == matte.find([image]) == [None]
    assert len(caplog.records) == 1
    assert "SEEDANCE_MATTE_MODEL" in caplog.text
