from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seedance import mp4
from seedance.engine import Engine
from seedance.engine.api import build
from seedance.engine.contract import Parts
from seedance.engine.media import Media
from seedance.engine.records import Records
from seedance.models import PREVIEW_MODEL

pytestmark = pytest.mark.anyio

SUBMIT = "/api/v3/bytedance/seedance-v1-lite/reference-to-video"
KEY = {"Authorization": "Bearer anna"}
OTHER_KEY = {"Authorization": "Bearer ben"}


class Queue:
    """Nobody renders; the bell's rings are counted."""

    rings = 0

    def ring(self) -> None:
        self.rings += 1


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    records = Records(f"sqlite:///{tmp_path / 'engine.sqlite'}")
    return Parts(records, Queue(), Media(tmp_path), ("anna", "ben"))  # type: ignore[arg-type]


@pytest.fixture
async def http(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build(parts))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine.test", headers=KEY) as http:
        yield http
    parts.records.close()


async def upload(http: httpx.AsyncClient, content: bytes = b"pixels") -> str:
    wanted = {"filename": "a.jpg", "size": len(content), "content_type": "image/jpeg"}
    ticket = (await http.post("/api/v3/media/uploads", json=wanted)).json()["data"]
    target = ticket["upload"]
    put = http.build_request(target["method"], target["url"], headers=target["headers"], content=content)
    del put.headers["Authorization"]
    stored = await http.send(put)
    assert stored.is_success
    address: str = ticket["download_url"]
    return address


async def submit(http: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    body = {"prompt": "a fox", "reference_images": [await upload(http)], **changes}
    return await http.post(SUBMIT, json=body)


def refusal(response: httpx.Response, status: int) -> str:
    assert response.status_code == status
    assert set(response.json()) == {"code", "message"}
    assert response.json()["code"] == status
    message: str = response.json()["message"]
    return message


async def test_an_accepted_task_answers_as_the_contract_says(http: httpx.AsyncClient, parts: Parts) -> None:
    """The envelope and the prediction have the provider's fields, and the queue is told."""
    answer = (await submit(http, duration=7, seed=-1)).json()
    task = answer["data"]
    assert (answer["code"], answer["message"]) == (200, "success")
    assert task["model"] == PREVIEW_MODEL
    assert (task["status"], task["outputs"], task["error"]) == ("created", [], "")
    assert task["urls"] == {"get": f"http://engine.test/api/v3/predictions/{task['id']}/result"}
    assert task["created_at"].endswith("Z")
    assert {"has_nsfw_contents", "timings"} < set(task)
    assert parts.queue.rings == 1  # type: ignore[attr-defined]
    claimed = parts.records.claim_task()
    assert claimed is not None
    assert (claimed.id, claimed.input["duration"]) == (task["id"], 7)
    assert 0 <= claimed.input["seed"] < 2**31


@pytest.mark.parametrize("path", ["/api/v3/predictions/{}", "/api/v3/predictions/{}/result"])
async def test_a_task_is_told_on_both_paths(http: httpx.AsyncClient, path: str) -> None:
    """Clients ask with and without `/result`; another key does not learn that the task exists."""
    id = (await submit(http)).json()["data"]["id"]
    assert (await http.get(path.format(id))).json()["data"]["id"] == id
    hidden = await http.get(path.format(id), headers=OTHER_KEY)
    assert refusal(hidden, 404) == "Prediction not found"


async def test_a_failed_task_is_a_good_answer(http: httpx.AsyncClient, parts: Parts) -> None:
    """HTTP 200 and code 200, as at the provider; the failure is in the data, with the task's code."""
    id = (await submit(http)).json()["data"]["id"]
    assert parts.records.claim_task()
    assert (await http.get(f"/api/v3/predictions/{id}")).json()["data"]["progress"] == 0.0
    parts.records.finish(id, status="failed", error="no luck", code=1403)
    answer = (await http.get(f"/api/v3/predictions/{id}")).json()
    assert answer["code"] == 200
    assert (answer["data"]["status"], answer["data"]["error"]) == ("failed", "no luck")
    assert (answer["data"]["code"], answer["data"]["outputs"]) == (1403, [])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prompt": ""}, 'field "prompt" is required and must not be empty'),
        ({"prompt": None}, 'field "prompt" is required and must not be empty'),
        ({"prompt": "x" * 2001}, 'field "prompt": 2001 characters; at most 2000 are allowed.'),
        ({"reference_images": []}, 'field "reference_images" is required and must not be empty'),
        ({"reference_images": "http://a"}, 'field "reference_images" is required'),
        ({"reference_images": [1]}, 'field "reference_images" must be a list of URLs'),
        ({"reference_images": ["http://a"] * 5}, 'field "reference_images": 5 given; 1 to 4'),
        ({"reference_images": ["http://10.0.0.1/a.jpg"]}, "Invalid image URL"),
        ({"reference_images": ["http://engine.test/media/uploads/nothing/a.jpg"]}, "Invalid image URL"),
        ({"reference_images": ["file:///etc/passwd"]}, "Invalid image URL"),
        ({"duration": 1}, 'field "duration": 1 given; a whole number from 2 to 12'),
        ({"duration": "5"}, 'field "duration"'),
        ({"camera_fixed": "yes"}, 'field "camera_fixed"'),
        ({"seed": -2}, 'field "seed"'),
    ],
)
async def test_a_bad_field_is_refused_by_name(
    http: httpx.AsyncClient, parts: Parts, changes: dict[str, Any], told: str
) -> None:
    """The refusal has the provider's form, names the field, and no task is made."""
    assert told in refusal(await submit(http, **changes), 400)
    assert parts.records.claim_task() is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff"])
async def test_a_body_that_is_no_object_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    """Broken JSON is a bad request in the provider's form."""
    assert refusal(await http.post(SUBMIT, content=body), 400)


async def test_an_unknown_model_is_refused(http: httpx.AsyncClient) -> None:
    """Only the reference-to-video family is served; other paths answer in the same form."""
    assert refusal(await http.post("/api/v3/some/text-to-video", json={}), 400) == "model not found"
    assert refusal(await http.get("/api/v2/anything"), 404)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer carl", "anna", "Basic anna"])
async def test_without_a_known_key_nothing_is_told(http: httpx.AsyncClient, header: str) -> None:
    """Every call of the API asks for one of the keys."""
    headers = {"Authorization": header}
    wanted = {"filename": "a.jpg", "size": 6, "content_type": "image/jpeg"}
    assert refusal(await http.get("/api/v3/predictions/x", headers=headers), 401)
    assert refusal(await http.post(SUBMIT, json={}, headers=headers), 401)
    assert refusal(await http.post("/api/v3/media/uploads", json=wanted, headers=headers), 401)


async def test_an_upload_of_another_key_cannot_be_used(http: httpx.AsyncClient) -> None:
    """Whoever learns an image's address still cannot make a video of it."""
    url = await upload(http)
    body = {"prompt": "a fox", "reference_images": [url]}
    assert "Invalid image URL" in refusal(await http.post(SUBMIT, json=body, headers=OTHER_KEY), 400)


async def test_an_upload_is_given_back_as_it_came(http: httpx.AsyncClient) -> None:
    """By ticket and by form alike; the browser is told not to guess the type."""
    back = await http.get(await upload(http, b"by ticket"))
    assert (back.content, back.headers["Content-Type"]) == (b"by ticket", "image/jpeg")
    assert back.headers["X-Content-Type-Options"] == "nosniff"
    form = await http.post("/api/v3/media/upload/binary", files={"file": ("../../ä b.jpg", b"by form")})
    assert form.json()["data"]["filename"] == "__b.jpg"
    assert (await http.get(form.json()["data"]["download_url"])).content == b"by form"


async def test_a_ticket_is_for_these_bytes_once(http: httpx.AsyncClient, tmp_path: Path) -> None:
    """Another length is refused, a second PUT too, and an unknown or late one."""
    wanted = {"filename": "a.jpg", "size": 6, "content_type": "image/jpeg"}
    ticket = (await http.post("/api/v3/media/uploads", json=wanted)).json()["data"]
    url = ticket["upload"]["url"]
    assert "6 bytes" in refusal(await http.put(url, content=b"short"), 400)
    assert "6 bytes" in refusal(await http.put(url, content=b"too long"), 400)
    assert (await http.put(url, content=b"pixels")).is_success
    assert refusal(await http.put(url, content=b"others"), 412)
    assert (await http.get(ticket["download_url"])).content == b"pixels"
    assert refusal(await http.put("/media/uploads/unknown", content=b"pixels"), 404)
    early = Records(f"sqlite:///{tmp_path / 'engine.sqlite'}", clock=lambda: time.time() - 7200)
    late = early.add_upload("acc", "a.jpg", "image/jpeg", 6)
    early.close()
    assert refusal(await http.put(f"/media/uploads/{late.token}", content=b"pixels"), 404)


@pytest.mark.parametrize("size", [0, -1, 10_000_001])
async def test_an_upload_out_of_size_gets_no_ticket(http: httpx.AsyncClient, size: int) -> None:
    """A file is refused before its bytes travel."""
    wanted = {"filename": "a.jpg", "size": size, "content_type": "image/jpeg"}
    assert 'field "size"' in refusal(await http.post("/api/v3/media/uploads", json=wanted), 400)


@pytest.fixture
def content(photo: Path) -> bytes:
    return photo.read_bytes()


async def test_from_picture_to_video(tmp_path: Path, content: bytes) -> None:
    """The real engine renders a submitted task; its whole video is fetched without a key, also in parts."""
    async with Engine(tmp_path / "engine", executor="process:1") as engine, httpx.AsyncClient(
        transport=engine.transport(), base_url="http://engine.test", headers=KEY
    ) as http:  # fmt: skip
        url = await upload(http, content)
        body = {"prompt": "a fox", "reference_images": [url], "duration": 2, "seed": 7}
        task = (await http.post(SUBMIT, json=body)).json()["data"]
        async with asyncio.timeout(40):
            while task["status"] in ("created", "processing"):
                await asyncio.sleep(0.05)
                task = (await http.get(task["urls"]["get"])).json()["data"]
        assert (task["status"], task["has_nsfw_contents"]) == ("completed", [False])
        assert task["timings"]["inference"] > 0
        del http.headers["Authorization"]
        video = await http.get(task["outputs"][0])
        part = await http.get(task["outputs"][0], headers={"Range": "bytes=4-7"})
    (tmp_path / "v.mp4").write_bytes(video.content)
    assert mp4.fault(tmp_path / "v.mp4") == ""
    assert video.headers["Content-Type"] == "video/mp4"
    assert (part.status_code, part.content) == (206, b"ftyp")


async def test_a_fault_of_the_engine_is_an_answer(tmp_path: Path) -> None:
    """A full disk reaches the caller as HTTP 500 in the provider's form, in one process as over a network."""
    async with Engine(tmp_path, executor="process:1") as engine:
        with sqlite3.connect(tmp_path / "engine.sqlite") as db:
            db.execute(
                "CREATE TRIGGER full BEFORE INSERT ON engine_uploads BEGIN SELECT RAISE(ABORT, 'x'); END"
            )
        db.close()
        async with httpx.AsyncClient(transport=engine.transport(), base_url="http://e", headers=KEY) as http:
            wanted = {"filename": "a.jpg", "size": 6, "content_type": "image/jpeg"}
            answer = await http.post("/api/v3/media/uploads", json=wanted)
    assert refusal(answer, 500) == "Internal server error"
