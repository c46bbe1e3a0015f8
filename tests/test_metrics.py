from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from seedance.errors import Unavailable
from seedance.metrics import Metrics, may_read
from seedance.models import PREVIEW_MODEL, Price, State
from seedance.settings import Settings
from seedance.studio import Studio
from tests.providers import DONE, KEY, VIDEO, Script, data, told

pytestmark = pytest.mark.anyio


def lines(text: bytes) -> list[str]:
    return text.decode().splitlines()


def provider(price: dict[str, Any], model: str = "m") -> Callable[[httpx.Request], httpx.Response]:
    """A provider whose tasks are done at once, and that tells this price."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        upload = {"url": "https://storage/slot", "headers": {}}
        if path.startswith("/api/v3/model/pric"):
            return data(price) if price else httpx.Response(400, json={"message": "no"})
        if path.endswith("uploads"):
            return data({"download_url": "https://u/1.jpg", "upload": upload})
        if path.endswith("result"):
            return data(DONE | {"model": model})
        if request.method == "POST":
            return data({"id": "t1", "model": model, "status": "created"})
        return httpx.Response(200, content=VIDEO)

    return answer


async def test_what_becomes_of_polls_and_calls_is_counted() -> None:
    """Each poll with its lateness, and each call without the wanted answer by the kind of its error."""
    script = Script(told(), httpx.Response(503), httpx.ConnectError("x"), told("completed", outputs=["u"]))
    async with script.client() as client:
        await client.wait("t1")
    told_lines = lines(client._exchange.metrics.text({}))
    assert 'seedance_provider_errors_total{kind="Unavailable"} 2.0' in told_lines
    assert "seedance_poll_lag_seconds_count 3.0" in told_lines
    assert "seedance_poll_lag_seconds_sum 0.0" in told_lines
    refusing = Script(httpx.Response(401, json={"message": "no"}))
    async with refusing.client() as client:
        with pytest.raises(Exception, match="key was refused"):
            await client.get("t1")
    assert 'seedance_provider_errors_total{kind="Unauthorized"} 1.0' in lines(
        client._exchange.metrics.text({})
    )


@pytest.mark.parametrize(
    ("price", "model", "expected"),
    [
        (
            {"price": 0.36, "discounted_price": 0.18, "currency": "EUR"},
            "m",
            'seedance_spend_total{currency="EUR"} 0.18',
        ),
        ({}, "m", "seedance_videos_unpriced_total 1.0"),
        ({"price": 0.36}, PREVIEW_MODEL, 'seedance_videos_ended_total{engine="local",state="done"} 1.0'),
    ],
)
async def test_what_videos_cost_is_counted_as_it_is_told(
    price: dict[str, Any], model: str, expected: str, photo: Path
) -> None:
    """In the currency that the price call tells; a price that nobody tells is no 0, and a preview is free."""
    settings = Settings(api_key=SecretStr(KEY), metrics_token=SecretStr("token"))
    async with Studio(settings, transport=httpx.MockTransport(provider(price, model))) as studio:
        id = await studio.start("a fox", [photo])
        async for _ in studio.watch(id):
            pass
        async with asyncio.timeout(30):
            while expected not in (told_lines := lines(await studio.metrics())):
                await asyncio.sleep(0.01)
    spent = [
        line
        for line in told_lines
        if line.startswith(("seedance_spend_total", "seedance_videos_unpriced_total"))
    ]
    assert len(spent) == (2 if price and model == "m" else 1)
    assert 'seedance_videos{state="running"} 0.0' in told_lines
    assert any(line.startswith("process_cpu_seconds_total") for line in told_lines)


async def test_nobody_who_asks_for_no_numbers_pays_for_them(photo: Path) -> None:
    """Without a token the provider is not asked for the price of what was made."""
    asked: list[str] = []
    answer = provider({"price": 1.0})

    def noting(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return answer(request)

    async with Studio(Settings(api_key=SecretStr(KEY)), transport=httpx.MockTransport(noting)) as studio:
        id = await studio.start("a fox", [photo])
        async for _ in studio.watch(id):
            pass
    assert asked
    assert not any("pric" in path for path in asked)


async def test_the_embedded_engines_numbers_are_the_pages_too() -> None:
    """One text holds both, no family twice; nothing of the engine before it is started."""
    async with Studio(Settings(executor="process:1")) as studio:
        assert b"seedance_tasks" not in await studio.metrics()
        await studio.warm()
        told_lines = lines(await studio.metrics())
    families = [line for line in told_lines if line.startswith("# HELP")]
    assert len(families) == len(set(families))
    assert 'seedance_tasks{status="created"} 0.0' in told_lines
    assert "seedance_workers 1.0" in told_lines


def test_only_errors_of_ours_are_counted() -> None:
    """An error is counted by its class, and goes on."""
    metrics = Metrics()
    for error in (Unavailable("x"), Unavailable("y"), ValueError("z")):
        with pytest.raises(type(error)), metrics.errors():
            raise error
    metrics.spent(Price(0.5, "USD"))
    metrics.ended(State.FAILED, "wavespeed", 3.0)
    told_lines = lines(metrics.text({"running": 2}))
    assert [line for line in told_lines if line.startswith("seedance_provider_errors_total")] == [
        'seedance_provider_errors_total{kind="Unavailable"} 2.0'
    ]
    assert 'seedance_videos{state="running"} 2.0' in told_lines
    assert 'seedance_videos_ended_total{engine="wavespeed",state="failed"} 1.0' in told_lines


@pytest.mark.parametrize(
    ("sent", "may"),
    [
        ("Bearer secret", True),
        ("bearer secret", True),
        ("secret", False),
        ("Bearer ", False),
        ("Bearer é", False),
        ("", False),
    ],
)
def test_the_token_lets_read(sent: str, may: bool) -> None:
    assert may_read(sent, SecretStr("secret")) is may
