"""What the button says before the click."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from seedance.models import Price
from seedance.page.events import Events
from seedance.settings import Settings
from seedance.studio import Studio

pytestmark = pytest.mark.anyio


class Told(Studio):
    """A studio whose provider tells a price, for the key that it is asked with."""

    def __init__(self, settings: Settings, price: Price | None) -> None:
        super().__init__(settings)
        self.told = price
        self.asked: list[tuple[int, SecretStr | None]] = []
        self.left: float | None = 9.5

    async def price(
        self, duration: int, engine: str | None = None, key: SecretStr | None = None
    ) -> Price | None:
        self.asked.append((duration, key))
        return self.told

    async def balance(self, engine: str | None = None, key: SecretStr | None = None) -> float | None:
        return self.left


def request(language: str = "en-US", host: str = "127.0.0.1", **headers: str) -> Any:
    headers = {"accept-language": language} | {name.replace("_", "-"): it for name, it in headers.items()}
    return SimpleNamespace(headers=headers, client=SimpleNamespace(host=host))


async def words_of(events: Events, *values: Any) -> str:
    button, _ = await events.quote(*values)
    return str(button["value"])


@pytest.mark.parametrize(
    ("price", "takes", "language", "words"),
    [
        (Price(0.18, "USD"), 1, "en-US", "Generate · $0.18"),
        (Price(0.18, "USD"), 3, "en-US", "Generate · $0.54"),
        (Price(1.5, "EUR"), 2, "zh-CN,zh;q=0.9", "生成 · 3.00 EUR"),
        (Price(0.0, "USD"), 1, "en-US", "Generate"),
        (None, 1, "de", "Generate"),
    ],
)
async def test_the_button_tells_the_price(price: Price | None, takes: int, language: str, words: str) -> None:
    """Of all takes together, where the provider tells it; where it does not, nothing is made up."""
    events = Events(Told(Settings(api_key=SecretStr("k")), price))
    assert await words_of(events, 5, takes, "auto", "", request(language)) == words


async def test_a_preview_is_called_free() -> None:
    """Without a key, or where the preview is chosen, the button says so, and nobody is asked for a price."""
    free = Told(Settings(), Price(1.0, "USD"))
    assert await words_of(Events(free), 5, 1, "auto", "", request()) == "Make a free preview"
    paid = Told(Settings(api_key=SecretStr("k")), Price(1.0, "USD"))
    assert await words_of(Events(paid), 5, 1, "local", "", request()) == "Make a free preview"
    assert free.asked == paid.asked == []


async def test_an_own_key_is_asked_for_its_own_price() -> None:
    """On a page without a key, the visitor's turns the preview into the model, at that account's price."""
    studio = Told(Settings(), Price(0.2, "USD"))
    assert await words_of(Events(studio), 7, 1, "auto", " sk-mine ", request()) == "Generate · $0.20"
    assert studio.asked == [(7, SecretStr("sk-mine"))]


async def test_the_engine_can_be_chosen_where_there_are_two() -> None:
    """With the host's key, or as soon as the visitor gives one."""
    for api_key, own, both in ((None, "", False), (None, "sk-mine", True), (SecretStr("k"), "", True)):
        _, choice = await Events(Told(Settings(api_key=api_key), None)).quote(5, 1, "auto", own, request())
        assert choice["visible"] is both


@pytest.mark.parametrize(
    ("own", "asks", "told"),
    [
        ("", request(), True),
        ("", request("zh-CN"), True),
        ("", request(host="192.0.2.7"), False),
        ("", request(x_forwarded_for="192.0.2.7"), False),
        ("sk-mine", request(host="192.0.2.7"), True),
    ],
)
async def test_the_balance_is_told_to_whose_it_is(own: str, asks: Any, told: bool) -> None:
    """A visitor sees what is left in his own account, never what is left in the host's."""
    shown = await Events(Told(Settings(api_key=SecretStr("k")), None)).balance("auto", own, asks)
    assert ("$9.50" in shown["value"], shown["visible"]) == (told, told)


async def test_no_balance_is_made_up() -> None:
    """Where the provider does not tell it, there is no line."""
    studio = Told(Settings(api_key=SecretStr("k")), None)
    studio.left = None
    assert (await Events(studio).balance("auto", "", request()))["visible"] is False
