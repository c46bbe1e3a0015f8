from __future__ import annotations

import string

import pytest

from seedance import errors
from seedance.errors import SeedanceError
from seedance.page import chinese, english
from seedance.page.language import CHINESE, ENGLISH, explain


def gaps(text: str) -> set[str]:
    return {name.partition(":")[0] for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    """Every text is there in both, with the same gaps to fill."""
    assert english.TEXTS.keys() == chinese.TEXTS.keys()
    for key in english.TEXTS:
        assert gaps(english.TEXTS[key]) == gaps(chinese.TEXTS[key]), key
    for language in (english, chinese):
        assert all(money in ("", *language.TEXTS) for _, money, _ in language.FAULTS.values())
    for key in english.FAULTS:
        assert english.FAULTS[key][1] == chinese.FAULTS[key][1] or key == "LimitReached"


@pytest.mark.parametrize(
    "kind", [it for it in vars(errors).values() if isinstance(it, type) and issubclass(it, SeedanceError)]
)
def test_every_error_can_be_explained(kind: type[SeedanceError]) -> None:
    """Whatever is raised has a meaning in Chinese, and its own words stay at hand."""
    error = kind.__new__(kind)
    Exception.__init__(error, "in its own words")
    error.__dict__.update(field="prompt", name="a.jpg", reason="bad", limit=3)
    meaning = explain(CHINESE, error)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in meaning.what)
    assert "{" not in meaning.what
    assert meaning.own_words == "in its own words"
    told = explain(ENGLISH, error)
    assert told.what
    assert "in its own words" in (told.advice, told.own_words)
