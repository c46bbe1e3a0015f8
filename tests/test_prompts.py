from __future__ import annotations

import pytest

from seedance import prompts
from seedance.errors import InvalidRequest


@pytest.mark.parametrize(
    "prompt",
    [
        "a fox --dur 5",
        "--rs 720p a fox",
        "a fox --SEED=1",
        "a fox\n--ratio 16:9",
        "a fox --camerafixed",
        "a fox\u200e --cf true",
        "a fox\u2028--wm",
    ],
)
def test_upstream_parameters_are_refused(prompt: str) -> None:
    """A flag that the model would read as a parameter is named and refused, however it is set apart."""
    with pytest.raises(InvalidRequest, match="as a parameter") as caught:
        prompts.clean(prompt, 1)
    assert caught.value.field == "prompt"


@pytest.mark.parametrize(
    "prompt",
    ["a fox -- dur 5", "a well--seed planter", "a fox --duress", "the --sun sets", "seed 1, ratio 2"],
)
def test_words_that_only_look_like_parameters_stay(prompt: str) -> None:
    """Dashes and the words themselves are no parameters."""
    assert prompts.clean(prompt, 1) == prompt


@pytest.mark.parametrize(
    ("prompt", "cleaned"),
    [
        ("  a fox \n", "a fox"),
        ("a\x00fox\x07", "a fox"),
        ("a\tfox", "a fox"),
        ("a fox\njumps", "a fox\njumps"),
        ("a\u202efox\u2066", "afox"),
        ("\ufeffa fox", "a fox"),
        ("cafe\u0301", "café"),
        ("a \ud800 fox", "a   fox"),
        ("👩\u200d🚀 auf dem Mond 月球", "👩\u200d🚀 auf dem Mond 月球"),
    ],
)
def test_invisible_characters_go(prompt: str, cleaned: str) -> None:
    """What is sent is what is seen: no controls or direction overrides; emoji and every script stay."""
    assert prompts.clean(prompt, 1) == cleaned


@pytest.mark.parametrize("prompt", ["[Image 3] runs", "[image 0]", "[图3]", "[ IMAGE  99 ] runs"])
def test_an_image_that_was_not_given_cannot_be_mentioned(prompt: str) -> None:
    """A tag beyond the given images is refused before it is paid for."""
    with pytest.raises(InvalidRequest, match=r"mentions \[Image \d+\], but 2 images are given"):
        prompts.clean(prompt, 2)


def test_given_images_can_be_mentioned() -> None:
    """Tags of given images pass unchanged, in English and in upstream's spelling."""
    prompt = "[Image 2] meets [图1]"
    assert prompts.clean(prompt, 2) == prompt


def test_mentions_come_once_each_in_order() -> None:
    """The order of the first mention counts."""
    assert prompts.mentions("[Image 2] [image 1] [图2] [Image1] [Image x]") == (2, 1)


def test_an_endless_number_is_no_tag() -> None:
    """A number longer than any reads as text, not as a fault."""
    assert prompts.mentions(f"[Image {'9' * 5000}]") == ()


def test_a_prompt_that_is_no_text_is_refused() -> None:
    """A caller from outside, such as the API, may send anything."""
    with pytest.raises(InvalidRequest, match="a text is needed"):
        prompts.clean(None, 1)  # type: ignore[arg-type]
