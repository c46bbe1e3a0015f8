"""The public endpoint, called as programs call it: Gradio's Python client, plain HTTP, MCP."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import av
import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from seedance.mp4 import fault


@pytest.fixture
def client(page_url: str, tmp_path: Path) -> Client:
    return Client(page_url, verbose=False, download_files=str(tmp_path))


def test_endpoint_streams_status_and_returns_video_and_info(client: Client, photos: list[Path]) -> None:
    """A Python caller sees each stage go by and gets the video file and what is known of it."""
    images = [handle_file(str(photo)) for photo in photos[:2]]
    job = client.submit(images[0], "push in", 3, image_2=images[1], seed=4, api_name="/generate_video")
    video, info = job.result(timeout=120)
    stages = [update[1]["status"] for update in job.outputs()]
    assert stages[0] == "new"
    assert "running" in stages
    assert stages[-1] == "done"
    assert {"status", "seed", "engine", "task_id", "inference_ms"} <= info.keys()
    assert (info["status"], info["seed"], info["engine"]) == ("done", 4, "local")
    path = video["video"] if isinstance(video, dict) else video
    with av.open(path) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 72


def test_endpoint_is_the_only_public_one(client: Client) -> None:
    """The API shows one endpoint with exactly the promised parameters and defaults."""
    api = client.view_api(return_format="dict", print_info=False)
    assert list(api["named_endpoints"]) == ["/generate_video"]
    parameters = api["named_endpoints"]["/generate_video"]["parameters"]
    defaults = {p["parameter_name"]: p["parameter_default"] for p in parameters if p["parameter_has_default"]}
    required = [p["parameter_name"] for p in parameters if not p["parameter_has_default"]]
    assert required == ["image_1", "prompt"]
    assert defaults == {
        "duration": 5,
        "camera_fixed": False,
        "seed": -1,
        "image_2": None,
        "image_3": None,
        "image_4": None,
    }


@pytest.mark.parametrize(
    ("prompt", "options", "message"),
    [
        ("", {}, "prompt: write what should happen"),
        ("x" * 2001, {}, "at most 2000"),
        ("x", {"duration": 20}, "duration: 20 given; a whole number from 2 to 12"),
        ("x", {"duration": 2.5}, "duration: 2.5 given"),
        ("x", {"seed": 2**31}, "seed: 2147483648 given"),
        ("x [Image 3]", {}, "[Image 3]"),
    ],
)
def test_bad_input_is_refused_in_words(
    client: Client, photo: Path, prompt: str, options: dict[str, object], message: str
) -> None:
    """A caller who breaks a limit is told which field and what is allowed."""
    with pytest.raises(AppError, match=re.escape(message)):
        client.predict(handle_file(str(photo)), prompt, **options, api_name="/generate_video")


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "{root}/assets/examples/fox.jpg", "{upload}/../../secret.jpg"]
)
def test_files_that_were_not_uploaded_are_not_read(page_url: str, path: str, photo: Path) -> None:
    """A path is taken only where Gradio put an upload: no caller makes the server read its own files."""
    upload = upload_file(page_url, photo)
    root = Path(__file__).parents[2]
    events = call(page_url, path.format(root=root, upload=upload))
    assert "event: error" in events
    assert "event: complete" not in events


def test_plain_http_works_as_the_readme_says(page_url: str, photo: Path) -> None:
    """Three calls of curl do it: upload, call, read the events."""
    events = call(page_url, upload_file(page_url, photo))
    assert "event: complete" in events
    video, info = json.loads(events.rsplit("data: ", 1)[1])
    assert info["status"] == "done"
    url = (video.get("video") or video)["url"]
    assert httpx.get(url).content[4:8] == b"ftyp"


def upload_file(page_url: str, photo: Path) -> str:
    with photo.open("rb") as file:
        paths = httpx.post(f"{page_url}/gradio_api/upload", files={"files": file}).json()
    return str(paths[0])


def call(page_url: str, path: str) -> str:
    """Call the endpoint over plain HTTP and return all of its events."""
    image = {"path": path, "meta": {"_type": "gradio.FileData"}}
    endpoint = f"{page_url}/gradio_api/call/generate_video"
    answer = httpx.post(endpoint, json={"data": [image, "push in", 2, False, 1, None, None, None]})
    return httpx.get(f"{endpoint}/{answer.json()['event_id']}", timeout=120).text


@pytest.fixture
def photo_uri(photo: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()


@pytest.mark.anyio
async def test_mcp_tool_works_and_tells_errors(page_url: str, photo_uri: str, tmp_path: Path) -> None:
    """An MCP client finds the tool, sees progress as text, gets a whole video, and reads errors."""
    told: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async with (
        streamable_http_client(f"{page_url}/gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tool = next(tool for tool in (await session.list_tools()).tools if tool.name == "generate_video")
        assert tool.inputSchema["required"] == ["image_1", "prompt"]
        request = {"image_1": photo_uri, "prompt": "push in", "duration": 2}
        result = await session.call_tool(tool.name, request, progress_callback=note)
        assert not result.isError
        (url,) = re.findall(r"http://\S+\.mp4", "\n".join(part.text for part in result.content))
        refused = await session.call_tool(tool.name, request | {"duration": 99})
    assert any("Rendering" in message for message in told)
    async with httpx.AsyncClient() as client:
        video = (await client.get(url)).raise_for_status()
    assert video.headers["content-type"] == "video/mp4"
    (tmp_path / "video.mp4").write_bytes(video.content)
    assert fault(tmp_path / "video.mp4") == ""
    assert refused.isError
    assert "2 to 12" in refused.content[0].text
