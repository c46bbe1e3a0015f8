"""The provider's own SDKs, unmodified, against a served engine: this year's and last year's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import RunServer

MODEL = "bytedance/seedance-v1-lite/reference-to-video"
OLDER = "1.0.14"
_KEY = {"Authorization": "Bearer sk-test"}
_TASK = {"prompt": "push in", "duration": 2, "seed": 1}
_PROGRAM = """
import json, sys
import wavespeed
from wavespeed import Client

base, key, calls = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
told = [wavespeed.__version__]
for call in calls:
    name, args, options = json.loads(json.dumps(call).replace("<the last>", str(told[-1])))
    try:
        told.append(getattr(Client(api_key=key, base_url=base), name)(*args, **options))
    except Exception as error:
        told.append({"error": f"{type(error).__name__}: {error}"})
print("\\n" + json.dumps(told))
"""

Call = tuple[str, list[Any], dict[str, Any]]
Sdk = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def url(run_server: RunServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An engine with the key `sk-test`."""
    return _serve(run_server, tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def impatient_url(run_server: RunServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An engine whose sync mode does not wait."""
    return _serve(run_server, tmp_path_factory.mktemp("engine"), "--sync-wait", "0")


@pytest.fixture(scope="module")
def older_sdk(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder with the older SDK; it is installed beside nothing, so that the newer one stays in use."""
    folder = tmp_path_factory.mktemp("sdk")
    command = ["install", "--quiet", "--no-deps", "--disable-pip-version-check", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *command, f"wavespeed=={OLDER}"], check=True)
    return str(folder)


@pytest.fixture(params=["2.", OLDER])
def sdk(request: pytest.FixtureRequest) -> Sdk:
    """Make calls with an SDK in a process of its own; "<the last>" stands for the last call's result."""
    path = request.getfixturevalue("older_sdk") if request.param == OLDER else ""

    def run(base: str, *calls: Call, key: str = "sk-test") -> list[Any]:
        command = [sys.executable, "-c", _PROGRAM, base, key, json.dumps(calls)]
        environment = os.environ | {"PYTHONPATH": path}
        program = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert program.returncode == 0, program.stderr
        version, *told = json.loads(program.stdout.splitlines()[-1])
        assert version.startswith(request.param)
        return told

    return run


def _serve(run_server: RunServer, folder: Path, *options: str) -> str:
    command = ("-m", "seedance", "serve", "--port", "0", "--api-key", "sk-test", *options)
    return run_server(*command, log=folder / "log", SEEDANCE_DATA_DIR=str(folder))


def test_an_sdk_uploads_and_runs(sdk: Sdk, url: str, photo: Path) -> None:
    """It uploads an image, runs the model by polls and in sync mode, and is given a video to download."""
    task = _TASK | {"reference_images": ["<the last>"]}
    _, polled, _, waited = sdk(
        url,
        ("upload", [str(photo)], {}),
        ("run", [MODEL, task], {"poll_interval": 0.1, "timeout": 60}),
        ("upload", [str(photo)], {}),
        ("run", [MODEL, task], {"enable_sync_mode": True}),
    )
    for result in (polled, waited):
        video = httpx.get(result["outputs"][0])
        assert video.headers["Content-Type"] == "video/mp4"
        assert video.content[4:8] == b"ftyp"


def test_an_sdk_makes_an_image(sdk: Sdk, url: str) -> None:
    """The call of its own live tests: another provider's model, a prompt, one output."""
    call = ("run", ["wavespeed-ai/z-image/turbo", {"prompt": "A cat"}], {"poll_interval": 0.1, "timeout": 60})
    (result,) = sdk(url, call)
    assert httpx.get(result["outputs"][0]).content[:2] == b"\xff\xd8"


def test_an_sdk_learns_that_its_wait_is_over(sdk: Sdk, impatient_url: str) -> None:
    """It calls the answer a time-out, with the id under which the task goes on."""
    model, task = "vendor/some-video", {"prompt": "push in", "duration": 12}
    thrown, told = sdk(
        impatient_url,
        ("run", [model, task], {"enable_sync_mode": True}),
        ("run_no_throw", [model, task], {"enable_sync_mode": True}),
    )
    assert thrown["error"].startswith("RuntimeError: Sync mode timed out (task_id: ")
    assert (told["status"], told["outputs"]) == ("processing", None)
    later = httpx.get(f"{impatient_url}/api/v3/predictions/{told['task_id']}", headers=_KEY)
    assert later.json()["data"]["status"] in ("created", "processing", "completed")


def test_an_sdk_is_told_of_a_failure(sdk: Sdk, url: str, tmp_path: Path) -> None:
    """An image that is none fails in the making, moderation at once; both reach the caller as failures."""
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"this is no picture")
    task = _TASK | {"reference_images": ["<the last>"]}
    _, failed, moderated, waited = sdk(
        url,
        ("upload", [str(broken)], {}),
        ("run", [MODEL, task], {"poll_interval": 0.1, "timeout": 60}),
        ("run", ["vendor/image", {"prompt": "seedance:moderate"}], {"poll_interval": 0.1, "timeout": 60}),
        ("run", ["vendor/image", {"prompt": "seedance:moderate"}], {"enable_sync_mode": True}),
    )
    assert "Prediction failed (task_id: " in failed["error"]
    assert "[Image 1]" in failed["error"]
    assert "flagged by moderation" in moderated["error"]
    assert "flagged by moderation" in waited["error"]


def test_an_sdk_is_told_of_refusals(sdk: Sdk, url: str) -> None:
    """A bad request, a private image, a wrong key and an unknown task, in the provider's words."""
    bad, private, unknown = sdk(
        url,
        ("run", [MODEL, {"reference_images": ["x"]}], {}),
        ("run", [MODEL, _TASK | {"reference_images": ["http://10.0.0.1/a.jpg"]}], {}),
        ("get_result", ["unknown"], {}),
    )
    assert "HTTP 400" in bad["error"]
    assert 'field \\"prompt\\" is required and must not be empty' in bad["error"]
    assert "private or local network URLs are not allowed" in private["error"]
    assert "HTTP 404" in unknown["error"]
    assert "Prediction not found" in unknown["error"]
    (wrong,) = sdk(url, ("run", [MODEL, _TASK], {}), key="sk-wrong")
    assert "HTTP 401" in wrong["error"]
