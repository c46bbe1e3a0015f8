from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from seedance import mp4
from seedance.engine import Engine
from seedance.engine.api import build
from seedance.engine.contract import MAX_BODY, Parts
from seedance.engine.inputs import fails_on_purpose
from seedance.models import PREVIEW_MODEL
from tests.engine.calls import (
    IMAGE,
    KEY,
    OTHER_KEY,
    SUBMIT,
    TICKET,
    client,
    make_parts,
    query,
    queue_of,
    refusal,
    submit,
    submitted,
    upload,
)

pytestmark = pytest.mark.anyio


async def test_an_accepted_task_answers_as_the_contract_says(http: httpx.AsyncClient, parts: Parts) -> None:
    """The envelope and the prediction have the provider's fields, and the queue is told."""
    answer = (await submit(http, duration=7, seed=-1)).json()
    task = answer["data"]
    assert (answer["code"], answer["message"]) == (200, "success")
    assert (task["model"], task["requested_model"]) == (PREVIEW_MODEL, SUBMIT.removeprefix("/api/v3/"))
    assert (task["status"], task["outputs"], task["error"]) == ("created", [], "")
    assert task["urls"] == {"get": f"http://engine.test/api/v3/predictions/{task['id']}/result"}
    assert task["created_at"].endswith("Z")
    assert {"has_nsfw_contents", "timings"} < set(task)
    assert queue_of(parts).rings == 1
    claimed = parts.records.claim_task()
    assert claimed is not None
    assert (claimed.id, claimed.input["duration"], claimed.kind) == (task["id"], 7, "video")
    assert claimed.input["seed"] == -1


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
        ({"reference_images": ["file:///etc/passwd"]}, "Invalid image URL"),
        ({"reference_images": ["data:image/png;base64,AAAA"]}, "Invalid image URL: data URIs are not taken"),
        (
            {"reference_images": ["http://engine.test/media/uploads/nothing/a.jpg"]},
            "Invalid image URL: upload",
        ),
        ({"duration": 1}, 'field "duration": 1 given; a whole number from 2 to 12'),
        ({"duration": "5"}, 'field "duration"'),
        ({"duration": None}, 'field "duration"'),
        ({"camera_fixed": "yes"}, 'field "camera_fixed"'),
        ({"seed": -2}, 'field "seed"'),
        ({"enable_sync_mode": 1}, 'field "enable_sync_mode" must be true or false'),
        ({"enable_base64_output": "no"}, 'field "enable_base64_output" must be true or false'),
        ({"webhook_url": 5}, 'field "webhook_url" must be a URL'),
        ({"webhook_url": ""}, "Invalid webhook URL"),
    ],
)
async def test_a_bad_field_is_refused_by_name(
    http: httpx.AsyncClient, parts: Parts, changes: dict[str, Any], told: str
) -> None:
    """The refusal has the provider's form, names the field, and no task is made."""
    assert told in refusal(await submit(http, **changes), 400)
    assert parts.records.claim_task() is None


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/a.jpg",
        "http://127.0.0.1/a.jpg",
        "http://localhost:9000/a.jpg",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/a.jpg",
        "http://2130706433/a.jpg",
        "https://intranet.local/a.jpg",
    ],
)
async def test_a_private_image_is_refused_in_the_contracts_words(http: httpx.AsyncClient, url: str) -> None:
    """Nothing is fetched from inside, whichever model and field names it."""
    told = "Invalid image URL: private or local network URLs are not allowed"
    assert refusal(await submit(http, reference_images=[url]), 400) == told
    assert refusal(await submit(http, IMAGE, image=url), 400) == told


async def test_a_public_image_is_accepted_and_fetched_later(http: httpx.AsyncClient, parts: Parts) -> None:
    """The submit does not wait for the image: its address is on record."""
    own, public = await upload(http), "https://images.example.com/a.jpg"
    await submitted(http, reference_images=[own, public])
    claimed = parts.records.claim_task()
    assert claimed is not None
    assert claimed.images == [own.split("/")[-2], public]
    assert claimed.input["reference_images"] == [own, public]


async def test_an_upload_is_known_by_any_name_of_this_server(http: httpx.AsyncClient, parts: Parts) -> None:
    """Uploaded through one name of this machine and submitted through another, it is the same upload."""
    url = await upload(http)
    await submitted(http, reference_images=[url.replace("engine.test", "127.0.0.1:8765")])
    assert parts.records.claim_task()


async def test_an_upload_of_another_key_cannot_be_used(http: httpx.AsyncClient) -> None:
    """Whoever learns an image's address still cannot make a video of it."""
    body = {"prompt": "a fox", "reference_images": [await upload(http)]}
    assert "Invalid image URL" in refusal(await http.post(SUBMIT, json=body, headers=OTHER_KEY), 400)


@pytest.mark.parametrize(
    ("model", "body", "kind", "images"),
    [
        ("bytedance/seedance-v1-lite/text-to-video", {"prompt": "a fox"}, "video", 0),
        ("vendor/model/i2v-480p", {"image": "IMAGE", "last_image": "IMAGE"}, "video", 2),
        ("vendor/reference-to-video", {"prompt": "a fox", "images": ["IMAGE"] * 6}, "video", 4),
        ("wavespeed-ai/z-image/turbo", {"prompt": "a cat"}, "image", 0),
        ("vendor/edit", {"prompt": "a cat", "image": "IMAGE"}, "image", 0),
    ],
)
async def test_every_model_id_makes_something(
    http: httpx.AsyncClient, parts: Parts, model: str, body: dict[str, Any], kind: str, images: int
) -> None:
    """Ids about video make one of the images they have; all others make an image of the prompt."""
    url = await upload(http)
    told = json.loads(json.dumps(body).replace("IMAGE", url))
    await submitted(http, f"/api/v3/{model}", **told)
    claimed = parts.records.claim_task()
    assert claimed is not None
    assert (claimed.model, claimed.kind, len(claimed.images)) == (model, kind, images)


async def test_a_sibling_takes_fields_as_they_can_be_taken(http: httpx.AsyncClient, parts: Parts) -> None:
    """What other models call by our fields' names in other forms does not keep their requests away."""
    path = "/api/v3/vendor/some-video"
    for duration, seed, seconds in (("8s", "x", 5), (30, -1, 12), (None, 2**40, 5), (4.4, True, 4)):
        await submitted(http, path, duration=duration, seed=seed, resolution="720p")
        claimed = parts.records.claim_task()
        assert claimed is not None
        assert claimed.input["duration"] == seconds
        assert -1 <= claimed.input["seed"] < 2**31
        assert claimed.input["resolution"] == "720p"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, 'field "prompt" is required and must not be empty'),
        ({"prompt": " "}, 'field "prompt" is required and must not be empty'),
        ({"prompt": 5}, 'field "prompt" is required'),
        ({"prompt": "x" * 2001}, 'field "prompt": 2001 characters'),
        ({"image": 5}, 'field "image" must be a URL'),
        ({"images": []}, 'field "images" is required and must not be empty'),
        ({"images": ["https://a.example.com/a.jpg"] * 11}, 'field "images": 11 given; at most 10'),
    ],
)
async def test_a_sibling_is_refused_what_it_cannot_be_made_of(
    http: httpx.AsyncClient, body: dict[str, Any], told: str
) -> None:
    """Its prompt and its images are checked as those of the model itself."""
    assert told in refusal(await http.post("/api/v3/vendor/some-video", json=body), 400)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the request body is not valid JSON"),
        (b"{", "the request body is not valid JSON"),
        (b"\xff", "the request body is not valid JSON"),
        (b'{"prompt": "\\ud800"}', "the request body is not valid JSON"),
        (b'{"duration": NaN}', "the request body is not valid JSON"),
        (b'{"duration": 1e999}', "the request body is not valid JSON"),
        (b'{"duration": ' + b"9" * 5000 + b"}", "the request body is not valid JSON"),
        (b"[" * 100_000, "the request body is not valid JSON"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "the request body is nested deeper than 32 levels"),
        (b"[]", "the request body must be a JSON object"),
        (b'"text"', "the request body must be a JSON object"),
    ],
)
async def test_a_body_that_is_no_object_is_refused(http: httpx.AsyncClient, body: bytes, told: str) -> None:
    """Broken JSON is a bad request, said plainly; so is what could not be told again as JSON."""
    assert refusal(await http.post(SUBMIT, content=body), 400) == told


async def test_an_endless_body_is_not_read(http: httpx.AsyncClient) -> None:
    """A body is read up to its limit and no further."""
    body = b'{"prompt": "' + b"x" * MAX_BODY + b'"}'
    assert "larger than" in refusal(await http.post(SUBMIT, content=body), 413)


@pytest.mark.parametrize("model", ["flux", "a//b", "a/ b", "a/b/", "a/%2e%2e/b", "a%2Fb", "a/" + "x" * 61])
async def test_what_is_no_model_id_is_refused(http: httpx.AsyncClient, model: str) -> None:
    """An id is parts of letters, digits, dots and dashes, with slashes between them."""
    assert refusal(await http.post(f"/api/v3/{model}", json={"prompt": "x"}), 400) == "model not found"


async def test_other_paths_and_methods_are_refused_in_the_same_form(http: httpx.AsyncClient) -> None:
    """A call of another kind is never taken for a model's."""
    assert refusal(await http.get("/api/v2/anything"), 404)
    assert refusal(await http.post("/api/v3/balance", json={}), 405)
    assert refusal(await http.post("/api/v3/predictions/x", json={}), 405)
    assert refusal(await http.get(SUBMIT), 405)
    assert refusal(await http.post("/api/v3/media/other", json={}), 404)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer carl", "anna", "Basic anna"])
async def test_without_a_known_key_nothing_is_told(http: httpx.AsyncClient, header: str) -> None:
    """Every call of the API asks for one of the keys."""
    http.headers["Authorization"] = header
    reads = ("predictions/x", "predictions/x/result", "balance", "models", "webhook/secret")
    writes = ("a/b", "predictions", "predictions/delete", "model/price", "model/pricing", "media/uploads")
    for path in reads:
        assert refusal(await http.get(f"/api/v3/{path}"), 401)
    for path in (*writes, SUBMIT.removeprefix("/api/v3/")):
        assert refusal(await http.post(f"/api/v3/{path}", json=TICKET), 401)
    assert refusal(await http.post("/api/v3/media/upload/binary", files={"file": b"x"}), 401)


async def test_a_prompt_with_the_magic_word_is_moderated(http: httpx.AsyncClient, parts: Parts) -> None:
    """The task is accepted, and has then failed with the code of content moderation and its flag."""
    task = await submitted(http, prompt="a fox, seedance:moderate")
    assert (task["status"], task["error"]) == ("created", "")
    told = await query(http, task)
    assert (told["status"], told["code"], told["has_nsfw_contents"]) == ("failed", 1200, [True])
    assert "moderation" in told["error"]
    assert parts.records.claim_task() is None


async def test_a_full_queue_says_when_to_come_again(http: httpx.AsyncClient, parts: Parts) -> None:
    """HTTP 429 with Retry-After, and no task; a task that fails at once needs no room."""
    queue_of(parts).capacity = 1
    await submitted(http)
    full = await submit(http)
    assert "No task was created" in refusal(full, 429)
    assert int(full.headers["Retry-After"]) > 0
    assert parts.records.counts()["created"] == 1


async def test_a_key_has_its_submissions_a_minute(tmp_path: Path) -> None:
    """Refused in the contract's words; refused requests do not count; another key has its own minute."""
    parts = make_parts(tmp_path, rate_limit=2)
    async with client(build(parts)) as http:
        assert refusal(await submit(http, prompt=""), 400)
        await submitted(http)
        await submitted(http, IMAGE)
        limited = await submit(http)
        assert refusal(limited, 429).endswith("2 predictions per 1 minute")
        assert "Retry-After" not in limited.headers
        other = await http.post(IMAGE, json={"prompt": "a fox"}, headers=OTHER_KEY)
        assert other.is_success
    parts.records.close()


async def test_a_share_of_tasks_fails_on_purpose(tmp_path: Path) -> None:
    """The same request always comes out the same; of many, the share that was asked for fails."""
    shares = [fails_on_purpose({"prompt": "a fox", "seed": seed}, 0.25) for seed in range(4000)]
    assert 0.22 < sum(shares) / 4000 < 0.28
    assert not any(fails_on_purpose({"seed": seed}, 0.0) for seed in range(-1, 100))
    assert 0.1 < sum(fails_on_purpose({"seed": -1}, 0.25) for _ in range(1000)) / 1000 < 0.4
    parts = make_parts(tmp_path, fail=1.0)
    async with client(build(parts)) as http:
        told = await query(http, await submitted(http))
    assert (told["status"], told["code"]) == ("failed", 1403)
    parts.records.close()


@pytest.fixture
def content(photo: Path) -> bytes:
    return photo.read_bytes()


async def test_from_picture_to_video(tmp_path: Path, content: bytes) -> None:
    """The real engine renders a submitted task; its whole video is fetched without a key, also in parts."""
    async with Engine(tmp_path / "engine", executor="process:1") as engine, httpx.AsyncClient(
        transport=engine.transport(), base_url="http://engine.test", headers=KEY
    ) as http:  # fmt: skip
        url = await upload(http, content)
        task = await submitted(http, reference_images=[url], duration=2, seed=7)
        picture = await submitted(http, IMAGE, enable_sync_mode=True)
        async with asyncio.timeout(40):
            while task["status"] in ("created", "processing"):
                await asyncio.sleep(0.05)
                task = await query(http, task)
        assert (task["status"], task["has_nsfw_contents"]) == ("completed", [False])
        assert task["timings"]["inference"] > 0
        del http.headers["Authorization"]
        video = await http.get(task["outputs"][0])
        part = await http.get(task["outputs"][0], headers={"Range": "bytes=4-7"})
        image = await http.get(picture["outputs"][0])
        numbers = (await http.get("/metrics")).text.splitlines()
    (tmp_path / "v.mp4").write_bytes(video.content)
    assert mp4.fault(tmp_path / "v.mp4") == ""
    assert video.headers["Content-Type"] == "video/mp4"
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert "seedance_render_seconds_count 2.0" in numbers
    assert (image.headers["Content-Type"], image.content[:2]) == ("image/jpeg", b"\xff\xd8")


async def test_a_fault_of_the_engine_is_an_answer(tmp_path: Path) -> None:
    """A full disk reaches the caller as HTTP 500 in the provider's form, in one process as over a network."""
    async with Engine(tmp_path, executor="process:1") as engine:
        with sqlite3.connect(tmp_path / "engine.sqlite") as db:
            db.execute(
                "CREATE TRIGGER full BEFORE INSERT ON engine_uploads BEGIN SELECT RAISE(ABORT, 'x'); END"
            )
        db.close()
        async with httpx.AsyncClient(transport=engine.transport(), base_url="http://e", headers=KEY) as http:
            answer = await http.post("/api/v3/media/uploads", json=TICKET)
    assert refusal(answer, 500) == "Internal server error"
