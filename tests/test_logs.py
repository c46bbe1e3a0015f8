from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from seedance import logs
from seedance.settings import Settings
from seedance.studio import Studio
from tests.providers import KEY, Provider

pytestmark = pytest.mark.anyio
_LOG = logging.getLogger("seedance.test")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged as JSON, of every level and by everybody; the test's own logging is put back."""
    root, ours, out = logging.getLogger(), logging.getLogger("seedance"), io.StringIO()
    before = root.handlers[:], root.level, ours.level
    root.handlers.clear()
    monkeypatch.setattr("sys.stderr", out)
    logs.configure("json")
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    yield out
    logging.captureWarnings(False)
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]
    for logger in (root, ours):
        logger.setLevel(logger.level)  # forget which levels were on


def read(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


async def test_a_line_says_what_it_is_about(written: io.StringIO) -> None:
    """Ids go along into tasks and threads, also those that are known later, and end with their block."""

    async def inner() -> None:
        logs.also(task="t1")
        await asyncio.to_thread(_LOG.warning, "of %s", "a thread")

    with logs.about(video="v1", task=None):
        _LOG.info("first")
        await asyncio.create_task(inner())
        _LOG.info("last")
    _LOG.info("outside")
    told = [
        (line["message"], line.get("video"), line.get("task"))
        for line in read(written)
        if line["logger"] == _LOG.name
    ]
    assert told == [
        ("first", "v1", None),
        ("of a thread", "v1", "t1"),
        ("last", "v1", "t1"),
        ("outside", None, None),
    ]


def test_a_line_is_one_line(written: io.StringIO) -> None:
    """Whatever is in a message or an error, it takes a single line that a program can read."""
    try:
        raise ValueError('two\nlines "quoted"')
    except ValueError:
        _LOG.exception("it\nfailed with %s", "é")
    (line,) = read(written)
    assert line["message"] == "it\nfailed with é"
    assert line["level"] == "ERROR"
    assert line["error"].endswith('ValueError: two\nlines "quoted"')
    assert line["time"].endswith("+00:00")


async def test_a_videos_way_is_told_and_no_key(written: io.StringIO, photo: Path) -> None:
    """Each state is a line with the ids of video and task; at no level does anybody write the key."""
    provider = Provider()
    thread = threading.Thread(target=provider.serve_forever, args=(0.01,))
    thread.start()
    try:
        async with Studio(Settings(api_key=SecretStr(KEY), base_url=provider.url)) as studio:
            id = await studio.start("a fox", [photo])
            async for _ in studio.watch(id):
                pass
    finally:
        provider.shutdown()
        provider.server_close()
        thread.join()
    told = [line for line in read(written) if line["logger"] == "seedance.entry"]
    assert [line["message"].split()[-1] for line in told] == ["submitting", "running", "downloading", "done"]
    assert {line["video"] for line in told} == {id}
    assert [line.get("task") for line in told] == [None, "t1", "t1", "t1"]
    assert "httpcore" in written.getvalue()  # the loudest of all, so the canary had every chance
    assert KEY not in written.getvalue()
