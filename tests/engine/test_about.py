from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from seedance.engine.api import build
from seedance.engine.contract import Parts
from tests.engine.calls import IMAGE, client, finish, make_parts, submitted

pytestmark = pytest.mark.anyio
HERE = "http://127.0.0.1:8765"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    parts = make_parts(tmp_path, local=True)
    yield parts
    parts.records.close()


async def page(parts: Parts, base: str = HERE) -> httpx.Response:
    async with client(build(parts)) as http:
        http.base_url = base  # type: ignore[assignment]
        answer = await http.get("/")
    assert answer.status_code == 200
    return answer


async def test_the_page_shows_the_queue_and_the_last_tasks(parts: Parts) -> None:
    """What waits, renders, is done and has failed; a done one with its pictures and its result."""
    async with client(build(parts)) as http:
        await submitted(http, prompt="a fox by the sea")
        record = finish(parts)
        await submitted(http, IMAGE, prompt="a cat that waits")
        await submitted(http, IMAGE, prompt="a prompt with seedance:moderate in it")
    told = (await page(parts)).text
    for word in ("a fox by the sea", "a cat that waits", "flagged by moderation", "Seedance preview engine"):
        assert word in told
    assert f'src="/media/videos/{record.output}.thumb.webp"' in told
    assert f'href="/media/videos/{record.output}.last.png"' in told
    assert f'href="/media/videos/{record.output}.mp4"' in told
    assert 'http-equiv="refresh"' in told


async def test_an_idle_page_stays_as_it_is(parts: Parts) -> None:
    """It looks again by itself only while there is something to see."""
    told = (await page(parts)).text
    assert 'http-equiv="refresh"' not in told
    assert "No task yet" in told


async def test_nothing_a_caller_says_becomes_part_of_the_page(parts: Parts) -> None:
    """A prompt is text, whatever it holds; and the page may load nothing and run nothing."""
    async with client(build(parts)) as http:
        await submitted(http, IMAGE, prompt="<script>alert(1)</script> \"' $tasks ${version} &lt;")
    answer = await page(parts)
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "$tasks ${version} &amp;lt;" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; img-src 'self' data:;")
    for outside in ('src="http', 'href="http', "@import", "url("):
        assert outside not in answer.text


@pytest.mark.parametrize(
    ("local", "keys", "base"),
    [
        (False, (), HERE),
        (True, ("anna",), HERE),
        (True, (), "http://evil.example.com:8765"),
        (True, (), "http://192.168.1.5:8765"),
    ],
)
async def test_others_see_numbers_only(parts: Parts, local: bool, keys: tuple[str, ...], base: str) -> None:
    """With keys, in reach of others, or under a name that a foreign page chose, no task is shown."""
    async with client(build(parts)) as http:
        await submitted(http, IMAGE, prompt="a secret cat")
    told = (await page(replace(parts, keys=keys, rules=replace(parts.rules, local=local)), base)).text
    assert "secret" not in told
    assert "/media/" not in told
    assert "<strong>1</strong> waiting" in told


async def test_the_server_says_how_it_is(parts: Parts) -> None:
    """Health for a supervisor; numbers for Prometheus: tasks, queue, renders, answers."""
    async with client(build(parts)) as http:
        assert (await http.get("/healthz")).json()["status"] == "ok"
        await submitted(http, IMAGE)
        await http.get("/api/v3/predictions/unknown")
        await http.get("/nothing/here")
        answer = await http.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'seedance_tasks{status="created"} 1.0' in lines
    assert "seedance_queue_length 1.0" in lines
    assert "seedance_render_seconds_count 0.0" in lines
    assert 'seedance_requests_total{route="/api/v3/predictions/{id}",status="404"} 1.0' in lines
    assert 'seedance_requests_total{route="other",status="404"} 1.0' in lines
