"""The provider's own SDK, unmodified, against the engine."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from wavespeed import Client

MODEL = "bytedance/seedance-v1-lite/reference-to-video"


@pytest.fixture
def sdk(engine_url: str) -> Client:
    return Client(api_key="sk-test", base_url=engine_url)


def test_sdk_uploads_and_runs(sdk: Client, photo: Path) -> None:
    """The official SDK uploads an image, runs the model and is given a video to download."""
    url = sdk.upload(str(photo))
    request = {"prompt": "push in", "reference_images": [url], "duration": 2, "seed": 1}
    result = sdk.run(MODEL, request, poll_interval=0.1, timeout=60)
    video = httpx.get(result["outputs"][0])
    assert video.headers["Content-Type"] == "video/mp4"
    assert video.content[4:8] == b"ftyp"


def test_sdk_sees_refusals(sdk: Client, engine_url: str) -> None:
    """The official SDK is told of a bad request, a wrong key and an unknown task as by the provider."""
    with pytest.raises(RuntimeError, match=r'400.*field \\"prompt\\" is required and must not be empty'):
        sdk.run(MODEL, {"reference_images": ["x"]})
    with pytest.raises(RuntimeError, match=r"404.*Prediction not found"):
        sdk.get_result("unknown")
    with pytest.raises(RuntimeError, match="401"):
        Client(api_key="sk-wrong", base_url=engine_url).run(MODEL, {"prompt": "x"})
