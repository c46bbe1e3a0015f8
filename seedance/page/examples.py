"""The examples that load with one click, as cards. Their images and small copies are in `assets/examples`."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote

from seedance.page.language import CHINESE, ENGLISH, say

FOLDER: Final = Path(__file__).parents[2] / "assets" / "examples"

ON_CLICK: Final = """element.addEventListener('click', event => {
  const card = event.target.closest('button[data-example]');
  if (card) trigger('click', {example: Number(card.dataset.example)});
});"""
"""Tells the page which card was clicked."""


@dataclass(frozen=True, slots=True)
class Example:
    """Reference images, in order, and the rest of a request; its words by language."""

    titles: dict[str, str]
    images: tuple[str, ...]
    prompts: dict[str, str]
    duration: int
    seed: int

    @property
    def paths(self) -> list[Path]:
        """Return where the images lie."""
        return [FOLDER / f"{name}.jpg" for name in self.images]


EXAMPLES: Final = (
    Example(
        {ENGLISH: "The keeper's lantern", CHINESE: "守灯人的提灯"},
        ("robot", "lighthouse"),
        {
            ENGLISH: "The robot in [Image 1] walks home to the lighthouse in [Image 2] at dusk, slow push in",
            CHINESE: "黄昏时分，[图1] 中的机器人走回 [图2] 中的灯塔，镜头缓慢推近",
        },
        duration=5,
        seed=7,
    ),
    Example(
        {ENGLISH: "First flight", CHINESE: "初次飞行"},
        ("fox", "balloon", "forest"),
        {
            ENGLISH: "The fox in [Image 1] rises in the balloon of [Image 2] over the valley of [Image 3], "
            "tilt up",
            CHINESE: "[图1] 中的狐狸乘着 [图2] 的热气球，在 [图3] 的山谷上空升起，镜头上摇",
        },
        duration=6,
        seed=21,
    ),
    Example(
        {ENGLISH: "Tea for one", CHINESE: "独自品茶"},
        ("teapot",),
        {
            ENGLISH: "Steam curls from the cup beside the teapot in [Image 1], gentle orbit, evening light",
            CHINESE: "[图1] 中茶壶旁的杯子升起袅袅热气，镜头轻轻环绕，傍晚的光线",
        },
        duration=4,
        seed=3,
    ),
    Example(
        {ENGLISH: "All aboard", CHINESE: "全员上船"},
        ("fox", "robot", "boat", "lighthouse"),
        {
            ENGLISH: "The fox in [Image 1] and the robot in [Image 2] sail the boat of [Image 3] "
            "to [Image 4]",
            CHINESE: "[图1] 中的狐狸和 [图2] 中的机器人驾着 [图3] 的小船驶向 [图4]",
        },
        duration=8,
        seed=12,
    ),
)


def cards(language: str) -> str:
    """Return the examples as HTML: one button each."""
    buttons = "".join(_card(n, example, language) for n, example in enumerate(EXAMPLES))
    title = escape(say(language, "examples"))
    return f'<section class="sd-examples"><h2>{title}</h2><div class="sd-cards">{buttons}</div></section>'


def _card(n: int, example: Example, language: str) -> str:
    images = "".join(f'<img src="{_address(name)}" alt="" loading="lazy">' for name in example.images)
    return (
        f'<button type="button" data-example="{n}"><span class="sd-strip">{images}</span>'
        f"<strong>{escape(example.titles[language])}</strong>"
        f'<span class="sd-prompt">{escape(example.prompts[language])}</span></button>'
    )


def _address(name: str) -> str:
    """Return where the page finds the small copy of an image: what it is made of itself stays light."""
    return "gradio_api/file=" + quote((FOLDER / "small" / f"{name}.webp").as_posix())
