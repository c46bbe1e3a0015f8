from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from seedance.download import Download
from seedance.errors import TooLarge, Unavailable

pytestmark = pytest.mark.anyio

URL = "https://cdn.example/v.mp4"


def box(kind: bytes, body: int) -> bytes:
    return struct.pack(">I4s", 8 + body, kind) + bytes(body)


VIDEO = box(b"ftyp", 8) + box(b"moov", 100) + box(b"mdat", 600_000)


async def fetch(path: Path, answer: Callable[[httpx.Request], httpx.Response]) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with Download(http, path, guarded=False) as download:
            await download.fetch(URL)
            await download.keep()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def cut_off() -> AsyncIterator[bytes]:
    yield VIDEO[:1000]
    raise httpx.RemoteProtocolError("peer closed connection")


async def test_a_whole_video_is_saved(tmp_path: Path) -> None:
    """The file holds the served bytes, in a folder made for it, with nothing beside it."""
    path = tmp_path / "videos" / "v.mp4"
    await fetch(path, lambda _: httpx.Response(200, content=VIDEO))
    assert path.read_bytes() == VIDEO
    assert names(path.parent) == [path.name]


async def test_a_redirect_is_followed(tmp_path: Path) -> None:
    """Storage hosts answer with another address."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url == URL:
            return httpx.Response(302, headers={"Location": "https://other.example/v.mp4"})
        return httpx.Response(200, content=VIDEO)

    await fetch(tmp_path / "v.mp4", answer)
    assert (tmp_path / "v.mp4").read_bytes() == VIDEO


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda: httpx.Response(404), "HTTP 404"),
        (lambda: httpx.Response(503, html="<html>"), "HTTP 503"),
        (lambda: httpx.Response(200, content=VIDEO, headers={"Content-Length": "999999"}), "incomplete"),
        (lambda: httpx.Response(200, content=cut_off()), "RemoteProtocolError"),
        (lambda: httpx.Response(200, content=VIDEO[:-1]), "ends inside a box"),
        (lambda: httpx.Response(200, html="<html>Expired</html>"), "not an MP4"),
        (lambda: httpx.Response(200), "no ftyp box"),
        (lambda: httpx.Response(302, headers={"Location": URL}), "redirects more than"),
    ],
    ids=["gone", "gateway", "short", "cut", "cut mp4", "html", "empty", "circle"],
)
async def test_what_did_not_come_whole_leaves_nothing(
    tmp_path: Path, answer: Callable[[], httpx.Response], told: str
) -> None:
    """The error says what is wrong; an older file at the path stays, and no part of the new one."""
    path = tmp_path / "v.mp4"
    path.write_bytes(b"old")
    with pytest.raises(Unavailable, match=told):
        await fetch(path, lambda _: answer())
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_video_that_is_too_large_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    """A host cannot fill the disk; to ask again changes nothing, so it is not `Unavailable`."""
    monkeypatch.setattr("seedance.download.MAX_VIDEO_BYTES", 300_000)
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for at in range(0, len(VIDEO), 50_000):
            sent += 1
            yield VIDEO[at : at + 50_000]

    headers = {"Content-Length": str(len(VIDEO))} if announced else {}
    with pytest.raises(TooLarge, match="stays at the provider for 7 days"):
        await fetch(tmp_path / "v.mp4", lambda _: httpx.Response(200, content=pieces(), headers=headers))
    assert sent == (0 if announced else 7)
    assert not names(tmp_path)


def check_saved(path: Path) -> None:
    assert path.read_bytes() == VIDEO
    assert names(path.parent) == [path.name]


async def resume(path: Path, *answers: Callable[[], httpx.Response]) -> list[str]:
    """Fetch in as many attempts as there are answers, the last a good one; return the ranges asked for."""
    coming = iter(answers)
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("Range", ""))
        return next(coming)()

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with Download(http, path, guarded=False) as download:
            for _ in answers[:-1]:
                with pytest.raises(Unavailable):
                    await download.fetch(URL)
            await download.fetch(URL)
            await download.keep()
    check_saved(path)
    return asked


def cut(status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=cut_off(), headers=headers)


def rest(start: int, content_range: str = "") -> httpx.Response:
    said = content_range or f"bytes {start}-{len(VIDEO) - 1}/{len(VIDEO)}"
    return httpx.Response(
        206, content=VIDEO[start:], headers={"Content-Range": said} if said != "none" else {}
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: rest(500),
        lambda: rest(0),
        lambda: rest(1000, "none"),
        lambda: rest(1000, "bytes 1000-"),
        lambda: rest(1000, "bytes */600132"),
        lambda: rest(1000, "items 1000-2000/3000"),
        lambda: httpx.Response(416),
        lambda: httpx.Response(416, headers={"Content-Range": "bytes */7"}),
    ],
    ids=["before", "from 0", "unsaid", "half said", "unknown", "no bytes", "refused", "shorter"],
)
async def test_another_part_than_the_rest_is_not_added(
    tmp_path: Path, wrong: Callable[[], httpx.Response]
) -> None:
    """Where the host sends what was not asked for, the download starts over."""
    asked = await resume(tmp_path / "v.mp4", cut, wrong, lambda: httpx.Response(200, content=VIDEO))
    assert asked == ["", "bytes=1000-", ""]


async def test_the_rest_may_come_in_parts(tmp_path: Path) -> None:
    """A 206 that ends before the whole is gone on with, told from its own header."""
    middle = {"Content-Range": f"bytes 1000-1999/{len(VIDEO)}"}
    asked = await resume(
        tmp_path / "v.mp4",
        cut,
        lambda: httpx.Response(206, content=VIDEO[1000:2000], headers=middle),
        lambda: rest(2000),
    )
    assert asked == ["", "bytes=1000-", "bytes=2000-"]


async def test_a_host_that_starts_over_is_not_counted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is on the video, not on what was received."""
    monkeypatch.setattr("seedance.download.MAX_VIDEO_BYTES", len(VIDEO))
    asked = await resume(tmp_path / "v.mp4", cut, lambda: httpx.Response(200, content=VIDEO))
    assert asked == ["", "bytes=1000-"]


async def test_a_cut_after_the_last_byte_costs_nothing(tmp_path: Path) -> None:
    """The host then has no rest to send, and says how much there is: what we have."""

    async def all_but_the_end() -> AsyncIterator[bytes]:
        yield VIDEO
        raise httpx.RemoteProtocolError("peer closed connection")

    asked = await resume(
        tmp_path / "v.mp4",
        lambda: httpx.Response(200, content=all_but_the_end()),
        lambda: httpx.Response(416, headers={"Content-Range": f"bytes */{len(VIDEO)}"}),
    )
    assert asked == ["", f"bytes={len(VIDEO)}-"]


async def test_a_host_that_never_ends_its_answer_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces that keep coming do not keep a download for ever."""
    monkeypatch.setattr("seedance.download._LONGEST", 0.1)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b"."

    with pytest.raises(Unavailable, match="did not come within"):
        await fetch(tmp_path / "v.mp4", lambda _: httpx.Response(200, content=drip()))
    assert not names(tmp_path)


async def test_a_disk_that_cannot_be_written_is_told_as_such(tmp_path: Path) -> None:
    """Our own disk's trouble is an OSError, not the provider's fault."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        await fetch(tmp_path / "file" / "v.mp4", lambda _: httpx.Response(200, content=VIDEO))
