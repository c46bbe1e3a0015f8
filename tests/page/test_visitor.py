from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from seedance.page.visitor import owner, visitor


def request(host: str = "192.0.2.1", forwarded: str = "", username: str | None = None) -> Any:
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    return SimpleNamespace(username=username, headers=headers, client=SimpleNamespace(host=host))


def test_nobody_becomes_another_by_a_header() -> None:
    """Where no proxy is known to stand before the page, what the visitor writes does not count."""
    assert visitor(request(forwarded="198.51.100.7")) == visitor(request())
    assert visitor(request("192.0.2.2")) != visitor(request())


def test_on_a_space_the_proxys_word_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last address is the one that the proxy has seen; what stands before it may be made up."""
    monkeypatch.setenv("SPACE_ID", "someone/space")
    seen = visitor(request(forwarded="203.0.113.5, 198.51.100.7"))
    assert seen == visitor(request(forwarded="203.0.113.99, 198.51.100.7"))
    assert seen != visitor(request(forwarded="203.0.113.5, 198.51.100.8"))


def test_who_signed_in_counts_by_name() -> None:
    """From whatever address; and no address can be taken for a name."""
    assert visitor(request(username="anna")) == visitor(request("192.0.2.2", username="anna")) == "name:anna"
    assert "192.0.2.1" not in visitor(request())


@pytest.mark.parametrize("token", ["", "x", None, 5, "a" * 31, "a" * 33, "a/" * 16])
def test_a_token_that_is_not_ours_is_replaced(token: object) -> None:
    """Each time by another that nobody can guess; one of ours stays."""
    assert owner(token) != owner(token)
    mine = owner(token)
    assert owner(mine) == mine
