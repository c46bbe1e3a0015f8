from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from seedance.download import Download
from seedance.errors import Unavailable

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


async def test_an_endless_video_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host cannot fill the disk."""
    monkeypatch.setattr("seedance.download.MAX_VIDEO_BYTES", 300_000)
    with pytest.raises(Unavailable, match="larger than"):
        await fetch(tmp_path / "v.mp4", lambda _: httpx.Response(200, content=VIDEO))
    assert not names(tmp_path)


async def test_a_disk_that_cannot_be_written_is_told_as_such(tmp_path: Path) -> None:
    """Our own disk's trouble is an OSError, not the provider's fault."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        await fetch(tmp_path / "file" / "v.mp4", lambda _: httpx.Response(200, content=VIDEO))
