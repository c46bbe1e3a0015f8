"""What visitors may ask for with the host's key."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from seedance.errors import LimitReached, SignInNeeded
from seedance.settings import Settings
from seedance.studio import Studio
from tests.providers import KEY, Provider

pytestmark = pytest.mark.anyio


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    server.server_close()
    thread.join()


def settings(provider: Provider, **limits: Any) -> Settings:
    return Settings(api_key=SecretStr(KEY), base_url=provider.url, **limits)


async def ask(studio: Studio, photo: Path, visitor: str | None = "anna", key: str = "") -> None:
    own = SecretStr(key) if key else None
    id = await studio.start("a fox", [photo], visitor=visitor, key=own)
    async with asyncio.timeout(30):
        async for _ in studio.watch(id):
            pass


async def test_a_visitor_has_so_many_a_day(provider: Provider, photo: Path) -> None:
    """The next is refused in words, before anything is sent; others are not held to it, nor is the host."""
    async with Studio(settings(provider, limit_visitor=2)) as studio:
        for _ in range(2):
            await ask(studio, photo)
        with pytest.raises(LimitReached, match=r"2 videos in 24 hours.*your own key") as caught:
            await ask(studio, photo)
        assert caught.value.limit == 2
        await ask(studio, photo, visitor="bert")
        await ask(studio, photo, visitor=None)
    assert provider.calls.count("submit") == 4


async def test_all_together_have_so_many_a_day(provider: Provider, photo: Path) -> None:
    """However many visitors come, the host's account is safe; a restart does not begin to count anew."""
    async with Studio(settings(provider, limit_total=2)) as studio:
        for visitor in ("anna", "bert"):
            await ask(studio, photo, visitor)
    async with Studio(settings(provider, limit_total=2)) as studio:
        with pytest.raises(LimitReached, match="used up"):
            await ask(studio, photo, "carl")
    assert provider.calls.count("submit") == 2


async def test_a_day_passes(provider: Provider, photo: Path) -> None:
    """After 24 hours the count begins again."""
    now = [1_800_000_000.0]
    async with Studio(settings(provider, limit_visitor=1), clock=lambda: now[0]) as studio:
        await ask(studio, photo)
        with pytest.raises(LimitReached):
            await ask(studio, photo)
        now[0] += 86_401
        await ask(studio, photo)


async def test_a_visitor_has_so_many_at_once(provider: Provider, photo: Path) -> None:
    """Requests in the same moment do not slip through together."""
    provider.may_answer.clear()
    async with Studio(settings(provider, limit_at_once=2)) as studio:
        starts = (studio.start("a fox", [photo], visitor="anna") for _ in range(6))
        ends = await asyncio.gather(*starts, return_exceptions=True)
        assert sum(isinstance(end, LimitReached) for end in ends) == 4
        provider.may_answer.set()


async def test_an_own_key_knows_no_limit(provider: Provider, photo: Path) -> None:
    """Who pays themselves is not held to the host's limits, and does not use them up."""
    async with Studio(settings(provider, limit_visitor=1, limit_total=1)) as studio:
        for _ in range(2):
            await ask(studio, photo, key="sk-annas-own")
        await ask(studio, photo)


async def test_the_host_may_demand_to_know_who_asks(provider: Provider, photo: Path) -> None:
    """Who has not signed in is sent to do so; who has, who pays and who wants a preview are not held up."""
    async with Studio(settings(provider, sign_in="required")) as studio:
        with pytest.raises(SignInNeeded, match="Sign in first"):
            await ask(studio, photo, "address:1")
        await ask(studio, photo, "account:1")
        await ask(studio, photo, "address:1", key="sk-annas-own")
        await studio.start("a fox", [photo], visitor="address:1", engine="local")
    assert provider.calls.count("submit") == 2


def test_on_a_space_limits_hold_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where anybody may come, the key is guarded without a setting; elsewhere it is the host's choice."""
    assert Settings().limit_total == 0
    monkeypatch.setenv("SPACE_ID", "someone/space")
    found = Settings()
    assert (found.limit_visitor, found.limit_at_once, found.limit_total) == (3, 1, 25)
    monkeypatch.setenv("SEEDANCE_LIMIT_TOTAL", "0")
    assert Settings().limit_total == 0
