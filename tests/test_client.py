from __future__ import annotations

import hashlib
import json
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from seedance import errors
from seedance.client import WaveSpeed
from seedance.images import CleanImage
from seedance.models import DEFAULT_MODEL, Request, Status, Task
from tests.providers import KEY, VIDEO, Fault, Script, told

pytestmark = pytest.mark.anyio

REQUEST = Request("a fox", (Path("a.jpg"),), duration=7, camera_fixed=True, seed=42)
IMAGE = CleanImage("a.jpg", b"pixels", 400, 300, hashlib.sha256(b"pixels").hexdigest())


async def submit(*replies: Fault) -> tuple[Task, Script]:
    script = Script(*replies)
    async with script.client() as client:
        return await client.submit(REQUEST, ["https://u/1"]), script


async def test_a_submit_is_the_documented_post() -> None:
    """The body has the provider's five fields, the model is the path, the key goes in the header alone."""
    task, script = await submit(told())
    (request,) = script.requests
    assert request.method == "POST"
    assert str(request.url) == f"https://api.wavespeed.ai/api/v3/{DEFAULT_MODEL}"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["X-Client-Name"] == "seedance-studio"
    assert json.loads(request.content) == {
        "prompt": "a fox",
        "reference_images": ["https://u/1"],
        "duration": 7,
        "camera_fixed": True,
        "seed": 42,
    }
    assert (task.id, task.status) == ("t1", Status.QUEUED)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (httpx.ConnectError("refused"), errors.NotDelivered),
        (httpx.ConnectTimeout("slow"), errors.NotDelivered),
        (httpx.PoolTimeout("full"), errors.NotDelivered),
        (httpx.ReadTimeout("slow"), errors.OutcomeUnknown),
        (httpx.WriteError("broken pipe"), errors.OutcomeUnknown),
        (httpx.RemoteProtocolError("server disconnected"), errors.OutcomeUnknown),
        (httpx.Response(500, json={"code": 500, "message": "oops"}), errors.OutcomeUnknown),
        (httpx.Response(502, html="<html>Bad gateway</html>"), errors.OutcomeUnknown),
        (httpx.Response(200, html="<html>Maintenance</html>"), errors.OutcomeUnknown),
        (httpx.Response(200, json={"code": 200, "data": None}), errors.OutcomeUnknown),
        (httpx.Response(200, json={"code": 503, "message": "busy"}), errors.OutcomeUnknown),
        (httpx.Response(200, json=[]), errors.OutcomeUnknown),
        (httpx.Response(200, json={"data": {"status": "created"}}), errors.OutcomeUnknown),
        (httpx.Response(302, headers={"Location": "https://elsewhere"}), errors.OutcomeUnknown),
        (httpx.Response(408), errors.OutcomeUnknown),
        (httpx.Response(200, json={"code": 400, "message": "bad field"}), errors.Refused),
        (httpx.Response(400, json={"code": 400, "message": "bad field"}), errors.Refused),
        (httpx.Response(400, json={"message": "Insufficient credits. Top up"}), errors.InsufficientCredit),
        (httpx.Response(401, json={"error": "bad key"}), errors.Unauthorized),
        (httpx.Response(403, html="<html>Forbidden</html>"), errors.Unauthorized),
        (httpx.Response(404, json={"message": "model not found"}), errors.ModelUnavailable),
        (httpx.Response(429, json={"message": "2 predictions per 1 minute"}), errors.RateLimited),
    ],
)
async def test_a_submit_is_one_post_whatever_happens(reply: Fault, kind: type[Exception]) -> None:
    """No fault leads to a second POST; whether a task may exist is told by the error's class."""
    script = Script(reply)
    async with script.client() as client:
        with pytest.raises(kind) as caught:
            await client.submit(REQUEST, ["https://u/1"])
    assert type(caught.value) is kind
    assert len(script.requests) == 1
    assert not script.waits


async def test_a_bare_object_is_an_answer_too() -> None:
    """A submit whose answer has no envelope still gives the task's id."""
    task, _ = await submit(httpx.Response(200, json={"id": "t9", "status": "created"}))
    assert task.id == "t9"


async def test_the_key_is_never_shown() -> None:
    """Not in the client's repr, and masked where the provider echoes it."""
    script = Script(httpx.Response(401, json={"message": f"key {KEY} is not known"}))
    async with script.client() as client:
        with pytest.raises(errors.Unauthorized) as caught:
            await client.submit(REQUEST, [])
        assert KEY not in f"{client!r}{caught.value!r}"
    assert "key *** is not known" in str(caught.value)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"  {KEY}"])
async def test_spaces_around_a_key_do_not_matter(key: str) -> None:
    """A key copied with its line end works."""
    script = Script(told())
    async with script.client(key) as client:
        await client.submit(REQUEST, [])
    assert script.requests[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", ["schlüssel", "two\nlines"])
def test_a_key_that_no_header_can_carry_is_refused_at_once(key: str) -> None:
    """The error says so without repeating the key, before anything is sent."""
    with pytest.raises(errors.NothingSent) as caught:
        Script(told()).client(key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr(" ")])
def test_without_a_key_there_is_no_client(key: SecretStr | None) -> None:
    """The error says how to give one, and what works without."""
    with pytest.raises(errors.MissingKey, match="WAVESPEED_API_KEY"):
        WaveSpeed(key)


def ticket() -> httpx.Response:
    upload = {
        "method": "PUT",
        "url": "https://storage.example/slot?sig=1",
        "headers": {"Content-Type": "image/jpeg", "If-None-Match": "*"},
    }
    data = {"download_url": "https://u/1.jpg", "upload": upload}
    return httpx.Response(200, json={"code": 200, "data": data})


async def test_an_upload_puts_the_bytes_as_the_ticket_says() -> None:
    """The ticket is asked for with the key; the PUT has exactly its headers, and no key."""
    script = Script(ticket(), httpx.Response(204))
    async with script.client() as client:
        assert await client.upload(IMAGE) == "https://u/1.jpg"
    asked, put = script.requests
    assert str(asked.url) == "https://api.wavespeed.ai/api/v3/media/uploads"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    wanted = {"filename": f"{IMAGE.sha256[:16]}.jpeg", "size": 6, "content_type": "image/jpeg"}
    assert json.loads(asked.content) == wanted
    assert (put.method, str(put.url), put.content) == ("PUT", "https://storage.example/slot?sig=1", b"pixels")
    assert put.headers["Content-Type"] == "image/jpeg"
    assert put.headers["If-None-Match"] == "*"
    assert "Authorization" not in put.headers
    assert KEY not in str(put.headers.raw)


async def test_the_name_of_a_users_file_is_not_sent() -> None:
    """File names say more than people think; the provider gets a hash."""
    script = Script(ticket(), httpx.Response(200))
    async with script.client() as client:
        await client.upload(CleanImage("Anna's passport.jpg", b"pixels", 400, 300, IMAGE.sha256))
    assert b"passport" not in script.requests[0].content


@pytest.mark.parametrize(
    "trouble",
    [httpx.ConnectError("no"), httpx.ReadTimeout("no"), httpx.Response(503), httpx.Response(200, json={})],
)
async def test_an_upload_is_repeated_with_a_fresh_ticket(trouble: Fault) -> None:
    """An upload is free: network faults and unreadable tickets are repeated, a few times."""
    script = Script(trouble, ticket(), httpx.Response(412), ticket(), httpx.Response(200))
    async with script.client() as client:
        assert await client.upload(IMAGE) == "https://u/1.jpg"
    assert [request.method for request in script.requests] == ["POST", "POST", "PUT", "POST", "PUT"]
    stubborn = Script(httpx.Response(503))
    async with stubborn.client() as client:
        with pytest.raises(errors.Unavailable, match="HTTP 503"):
            await client.upload(IMAGE)
    assert len(stubborn.requests) == 5


async def test_a_refused_upload_is_not_repeated() -> None:
    """A wrong key stays wrong."""
    script = Script(httpx.Response(401, json={"message": "no"}))
    async with script.client() as client:
        with pytest.raises(errors.Unauthorized, match="nothing was charged"):
            await client.upload(IMAGE)
    assert len(script.requests) == 1


async def test_a_download_carries_no_key_and_is_repeated(tmp_path: Path) -> None:
    """Outputs are public and on another host; a damaged answer is fetched again."""
    script = Script(
        httpx.Response(503), httpx.Response(200, content=VIDEO[:-1]), httpx.Response(200, content=VIDEO)
    )
    async with script.client() as client:
        await client.download("https://cdn.example/v.mp4", tmp_path / "v.mp4")
    assert (tmp_path / "v.mp4").read_bytes() == VIDEO
    assert len(script.requests) == 3
    assert not any("Authorization" in request.headers for request in script.requests)
