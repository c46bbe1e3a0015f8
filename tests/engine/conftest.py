from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from seedance.engine.api import build
from seedance.engine.contract import Parts
from seedance.engine.worker import Job
from tests.engine.calls import client, make_parts
from tests.proof.postgres import Postgres


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """The parts of an engine that lets in the keys `anna` and `ben` and renders nothing."""
    parts = make_parts(tmp_path, "anna", "ben")
    yield parts
    parts.records.close()


@pytest.fixture
async def http(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with the key `anna`."""
    async with client(build(parts)) as http:
        yield http


@pytest.fixture
def job(tmp_path: Path, photo: Path) -> Job:
    """The shortest video of one picture."""
    place = tmp_path / "videos"
    return Job(
        images=(photo,),
        prompt="push in",
        duration=2,
        camera_fixed=False,
        seed=7,
        result=place / "r.mp4",
        thumbnail=place / "r.thumb.webp",
        last_frame=place / "r.last.png",
        progress=place / "r.progress",
    )


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/engine.sqlite"
    server: Postgres = request.getfixturevalue("server")
    return server.new_database()
