"""What strangers may try on a page that is open to all: refused, and nothing of another's is seen."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError


def call(url: str, fn: str, data: list[Any], event: object = None) -> list[dict[str, Any]]:
    """Call a private handler as the page's own script does, and return its messages."""
    config = httpx.get(f"{url}/config").json()
    (index,) = [it["id"] for it in config["dependencies"] if it["api_name"] == fn][:1]
    session = secrets.token_hex(5)
    body = {"data": data, "fn_index": index, "session_hash": session, "trigger_id": 1, "event_data": event}
    httpx.post(f"{url}/gradio_api/queue/join", json=body).raise_for_status()
    messages = []
    with stream(f"{url}/gradio_api/queue/data?session_hash={session}") as lines:
        for line in lines:
            if line.startswith("data: "):
                messages.append(json.loads(line[6:]))
                if messages[-1]["msg"] in ("process_completed", "close_stream"):
                    break
    return messages


@contextmanager
def stream(url: str) -> Iterator[Iterator[str]]:
    with httpx.stream("GET", url, timeout=60) as response:
        yield response.iter_lines()


def test_files_of_the_machine_are_not_served(
    page_url: str, page_folder: Path, tmp_path: Path, photo: Path
) -> None:
    """Neither the journal nor the images nor the program nor the system can be read by their paths."""
    client = Client(page_url, verbose=False, download_files=str(tmp_path))
    client.predict(handle_file(str(photo)), "a secret fox", 2, api_name="/generate_video")
    house = page_folder
    image = next((house / "images").iterdir())
    tries = [
        house / "journal.sqlite", house / "engine" / "engine.sqlite", image, house / "holders", house,
        house / "videos", house / "videos" / ".." / "journal.sqlite", Path("/etc/passwd"),
        Path("/proc/self/environ"), Path(__file__).parents[2] / "app.py", Path(__file__),
    ]  # fmt: skip
    for path in tries:
        for route in (f"/gradio_api/file={path}", f"/file={path}", f"/gradio_api/file={str(path)[1:]}"):
            answer = httpx.get(page_url + route)
            assert answer.status_code in (403, 404, 405), (route, answer.status_code)
            assert b"secret fox" not in answer.content


def test_another_visitors_video_is_as_if_it_were_not_there(
    page_url: str, tmp_path: Path, photo: Path
) -> None:
    """Neither an empty nor a guessed token lists or shows what somebody else made."""
    client = Client(page_url, verbose=False, download_files=str(tmp_path))
    client.predict(handle_file(str(photo)), "a secret fox", 2, api_name="/generate_video")
    for token in ("", "x", "a" * 32, None, "%", 5, {"$ne": ""}):
        told = json.dumps(call(page_url, "arrive", [token]))
        assert "process_completed" in told
        assert "secret fox" not in told
        assert "secret fox" not in json.dumps(call(page_url, "find", ["", token]))


def test_a_guessed_video_is_not_served(page_url: str, page_folder: Path) -> None:
    """A video's address holds its unguessable id: a guessed one, or the folder itself, is not there."""
    for name in ("", "1.mp4", "video.mp4", "0" * 32 + ".mp4", "%2e%2e/journal.sqlite", "..%5cjournal.sqlite"):
        answer = httpx.get(f"{page_url}/gradio_api/file={page_folder / 'videos'}/{name}")
        assert answer.status_code in (403, 404), (name, answer.status_code)


@pytest.mark.parametrize("act", ["look", "send", "show", "delete"])
def test_nothing_is_done_with_a_video_of_others(
    page_url: str, page_folder: Path, tmp_path: Path, photo: Path, act: str
) -> None:
    """Who knows a video's id and not its owner's token can neither see nor repeat nor delete it."""
    client = Client(page_url, verbose=False, download_files=str(tmp_path))
    _, info = client.predict(handle_file(str(photo)), "a secret fox", 2, api_name="/generate_video")
    click = {"act": act, "video": info["id"]}
    values = [[info["id"]], "", "b" * 32] if act in ("look", "send") else ["", "b" * 32]
    told = call(page_url, "choose" if act in ("look", "send") else "touch", values, event=click)
    assert told[-1]["msg"] == "process_completed"
    assert "secret fox" not in json.dumps(told)
    assert (page_folder / "videos" / f"{info['id']}.mp4").exists()


def test_five_images_are_refused_though_the_page_would_not_send_them(page_url: str, photo: Path) -> None:
    """The handler counts again what the gallery promises."""
    with photo.open("rb") as file:
        (path,) = httpx.post(f"{page_url}/gradio_api/upload", files={"files": file}).json()
    image = {"image": {"path": path, "meta": {"_type": "gradio.FileData"}}, "caption": None}
    form = [[image] * 5, "push in", 2, 1, False, 1, "auto", "", "c" * 32]
    assert "1 to 4 reference images" in json.dumps(call(page_url, "start", form))


def test_too_large_a_file_is_refused_while_it_comes(page_url: str) -> None:
    """The limit of an image holds before anything is kept."""
    files = {"files": ("big.jpg", b"\xff\xd8\xff" + bytes(11_000_000))}
    answer = httpx.post(f"{page_url}/gradio_api/upload", files=files, timeout=60)
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("x" * 100_000, "at most 2000"),
        ("\u202e\u2066\u200f", "write what should happen"),
        ("  \n\t ", "write what should happen"),
        ("a fox [Image 4]", r"\[Image 4\]"),
        ("\x00\x01\x1b", "write what should happen"),
        ("a fox --seed 1", "“--seed”"),
    ],
)
def test_odd_prompts_are_refused_in_words(page_url: str, photo: Path, prompt: str, words: str) -> None:
    """Endless, invisible, or meant as parameters: the words say what is wrong."""
    client = Client(page_url, verbose=False)
    with pytest.raises(AppError, match=words):
        client.predict(handle_file(str(photo)), prompt, api_name="/generate_video")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://2130706433:{port}/",
        "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://192.0.0.192/",
        "http://[2002:7f00:1::]/", "http://[::ffff:127.0.0.1]:{port}/", "http://0.0.0.0:{port}/", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_addresses_inside_are_not_fetched(page_url: str, url: str) -> None:
    """A caller who gives an address instead of a file makes the server ask nothing inside."""
    port = page_url.rpartition(":")[2]
    image = {"path": url.format(port=port), "meta": {"_type": "gradio.FileData"}}
    endpoint = f"{page_url}/gradio_api/call/generate_video"
    answer = httpx.post(endpoint, json={"data": [image, "push in", 2, False, 1, None, None, None]})
    events = httpx.get(f"{endpoint}/{answer.json()['event_id']}", timeout=120).text
    assert "event: error" in events
    assert "event: complete" not in events
