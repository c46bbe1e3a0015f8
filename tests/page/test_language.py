from __future__ import annotations

import ast
import inspect
import string
from collections.abc import Iterator
from types import ModuleType

import pytest

from seedance import boxes, containers, decoding, errors, pixels
from seedance.errors import InvalidImage, SeedanceError
from seedance.page import chinese, english, references
from seedance.page.language import CHINESE, ENGLISH, explain, reason


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


def test_an_image_is_refused_for_its_reason_in_chinese() -> None:
    """The figures that matter are told, not the rules in general."""
    small = InvalidImage("a.jpg", "200×300 pixels is too small; each side must have at least 300.")
    assert reason(CHINESE, small) == "200×300 像素太小，每边至少需要 300 像素。"
    assert explain(CHINESE, small).advice == reason(CHINESE, small)
    heavy = InvalidImage("a.jpg", "12.5 MB; at most 10 MB are allowed.")
    assert reason(CHINESE, heavy) == "文件为 12.5 MB，最多允许 10 MB。"
    assert "JPEG、PNG" in reason(CHINESE, InvalidImage("a.jpg", "of a reason that nobody has translated"))


@pytest.mark.parametrize("module", [boxes, containers, pixels, decoding, references])
def test_every_reason_against_an_image_is_there_in_chinese(module: ModuleType) -> None:
    """Whatever a check may say of an image has its words in Chinese."""
    general = reason(CHINESE, InvalidImage("a.jpg", ""))
    told = [*reasons(module), decoding.HALTED, decoding.ENDED]
    missing = [it for it in told if reason(CHINESE, InvalidImage("a.jpg", it)) == general]
    assert missing == []


def reasons(module: ModuleType) -> Iterator[str]:
    """Yield every reason that a module gives in its own words, with its gaps filled."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Unfit", "InvalidImage"):
            said = node.args[-1]
            if isinstance(said, ast.Constant):
                yield str(said.value)
            elif isinstance(said, ast.JoinedStr):
                yield "".join(it.value if isinstance(it, ast.Constant) else "7" for it in said.values)
            elif isinstance(said, ast.Name) and isinstance(getattr(module, said.id, None), str):
                yield getattr(module, said.id)
