from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from seedance.engine.api import build
from seedance.engine.contract import Parts
from seedance.engine.records import Records
from seedance.engine.uploads import MAX_BYTES
from tests.engine.calls import TICKET, client, get_ticket, put, refusal, upload

pytestmark = pytest.mark.anyio


async def test_an_upload_is_given_back_as_it_came(http: httpx.AsyncClient) -> None:
    """By ticket and by form alike; the browser is told not to guess the type; ranges are served."""
    url = await upload(http, b"by ticket")
    back = await http.get(url)
    assert (back.content, back.headers["Content-Type"]) == (b"by ticket", "image/jpeg")
    assert back.headers["X-Content-Type-Options"] == "nosniff"
    part = await http.get(url, headers={"Range": "bytes=3-"})
    assert (part.status_code, part.content) == (206, b"ticket")
    form = await http.post("/api/v3/media/upload/binary", files={"file": ("../../ä b.jpg", b"by form")})
    assert form.json()["data"]["filename"] == "__b.jpg"
    assert (await http.get(form.json()["data"]["download_url"])).content == b"by form"


async def test_a_ticket_has_the_contracts_fields(http: httpx.AsyncClient) -> None:
    """The type of content may be left out, as the official SDK does where it cannot guess it."""
    answer = await http.post("/api/v3/media/uploads", json={"filename": "a", "size": 6})
    ticket = answer.json()["data"]
    assert set(ticket) == {"type", "download_url", "filename", "size", "upload"}
    assert ticket["upload"]["headers"] == {
        "Content-Type": "application/octet-stream",
        "If-None-Match": "*",
    }
    assert (ticket["upload"]["method"], ticket["size"]) == ("PUT", 6)


async def test_a_ticket_is_for_these_bytes_once(http: httpx.AsyncClient) -> None:
    """Another length is refused, a second PUT too, and an unknown one; the first bytes stay."""
    ticket = await get_ticket(http)
    target = ticket["upload"]
    assert "6 bytes" in refusal(await put(http, target, b"short"), 400)
    assert "6 bytes" in refusal(await put(http, target, b"too long"), 400)
    assert refusal(await http.get(ticket["download_url"]), 404)
    assert (await put(http, target, b"pixels")).is_success
    assert refusal(await put(http, target, b"others"), 412)
    assert (await http.get(ticket["download_url"])).content == b"pixels"
    unknown = target | {"url": target["url"].replace("uploads/", "uploads/x")}
    assert refusal(await put(http, unknown, b"pixels"), 404)


async def test_of_two_puts_at_once_one_wins(http: httpx.AsyncClient, tmp_path: Path) -> None:
    """What was answered with success is what is given back, and nothing of the other stays."""
    ticket = await get_ticket(http)
    contents = [b"%06d" % number for number in range(4)]
    answers = await asyncio.gather(*(put(http, ticket["upload"], content) for content in contents))
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200, 412, 412, 412]
    kept = (await http.get(ticket["download_url"])).content
    assert kept == contents[statuses.index(200)]
    assert len(list((tmp_path / "uploads").iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda target: {"url": target["url"][:-1] + ("0" if target["url"][-1] != "0" else "1")},
            "not signed",
        ),
        (lambda target: {"url": target["url"].partition("?")[0]}, "not signed"),
        (lambda target: {"url": target["url"].replace("expires=", "expires=9")}, "not signed"),
        (lambda target: {"headers": target["headers"] | {"Content-Type": "text/html"}}, "exactly"),
        (lambda target: {"headers": {"Content-Type": "image/jpeg"}}, "exactly"),
    ],
)
async def test_a_ticket_holds_as_it_was_written(http: httpx.AsyncClient, change: Any, told: str) -> None:
    """Its address is signed, and its headers must come along, as the provider's storage demands."""
    target = (await get_ticket(http))["upload"]
    assert told in refusal(await put(http, target | change(target), b"pixels"), 403)


async def test_a_key_must_not_come_along(http: httpx.AsyncClient) -> None:
    """Storage refuses a second way of authentication: a client that sends its key there is told."""
    target = (await get_ticket(http))["upload"]
    told = refusal(await put(http, target, b"pixels", Authorization="Bearer anna"), 400)
    assert "send no Authorization" in told


async def test_a_ticket_has_its_time(tmp_path: Path, parts: Parts) -> None:
    """After an hour the signed address is worth nothing."""
    early = Records(f"sqlite:///{tmp_path / 'engine.sqlite'}", clock=lambda: time.time() - 3590)
    async with client(build(Parts(early, parts.queue, parts.media))) as http:
        target = (await get_ticket(http))["upload"]
        late = target | {"url": target["url"]}
        assert (await put(http, late, b"pixels")).is_success
    early.close()
    earlier = Records(f"sqlite:///{tmp_path / 'engine.sqlite'}", clock=lambda: time.time() - 3700)
    async with client(build(Parts(earlier, parts.queue, parts.media))) as http:
        target = (await get_ticket(http))["upload"]
        assert "expired" in refusal(await put(http, target, b"pixels"), 403)
    earlier.close()


@pytest.mark.parametrize("changes", [{"size": 0}, {"size": -1}, {"size": MAX_BYTES + 1}, {"size": "6"}])
async def test_an_upload_out_of_size_gets_no_ticket(http: httpx.AsyncClient, changes: dict[str, Any]) -> None:
    """A file is refused before its bytes travel."""
    answer = await http.post("/api/v3/media/uploads", json=TICKET | changes)
    assert 'field "size"' in refusal(answer, 400)


async def test_a_form_out_of_size_is_refused(http: httpx.AsyncClient, tmp_path: Path) -> None:
    """So is one without a file; and nothing of them stays."""
    path = "/api/v3/media/upload/binary"
    for size in (MAX_BYTES + 1, MAX_BYTES + 2_000_000):
        told = refusal(await http.post(path, files={"file": ("a.jpg", b"x" * size)}), 400)
        assert 'field "file"' in told
    assert 'field "file" is required' in refusal(await http.post(path, files={"other": b"x"}), 400)
    assert 'field "file" is required' in refusal(await http.post(path, data={"file": "text"}), 400)
    assert not (tmp_path / "uploads").exists()


async def test_what_is_no_picture_is_only_saved(http: httpx.AsyncClient) -> None:
    """A page with a script that somebody uploads is not shown by a browser as one of this server's."""
    files = {"file": ("a.html", b"<script>", "text/html")}
    form = await http.post("/api/v3/media/upload/binary", files=files)
    back = await http.get(form.json()["data"]["download_url"])
    assert back.headers["Content-Disposition"] == "attachment"
