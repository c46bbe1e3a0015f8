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

    async def price(
        self, duration: int, engine: str | None = None, key: SecretStr | None = None
    ) -> Price | None:
        self.asked.append((duration, key))
        return self.told


def request(language: str = "en-US") -> Any:
    return SimpleNamespace(headers={"accept-language": language})


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
    assert (await events.quote(5, takes, "auto", "", request(language)))["value"] == words


async def test_a_preview_is_called_free() -> None:
    """Without a key, or where the preview is chosen, the button says so, and nobody is asked for a price."""
    free = Told(Settings(), Price(1.0, "USD"))
    assert (await Events(free).quote(5, 1, "auto", "", request()))["value"] == "Make a free preview"
    paid = Told(Settings(api_key=SecretStr("k")), Price(1.0, "USD"))
    assert (await Events(paid).quote(5, 1, "local", "", request()))["value"] == "Make a free preview"
    assert free.asked == paid.asked == []


async def test_an_own_key_is_asked_for_its_own_price() -> None:
    """On a page without a key, the visitor's turns the preview into the model, at that account's price."""
    studio = Told(Settings(), Price(0.2, "USD"))
    assert (await Events(studio).quote(7, 1, "auto", " sk-mine ", request()))["value"] == "Generate · $0.20"
    assert studio.asked == [(7, SecretStr("sk-mine"))]
