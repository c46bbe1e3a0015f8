"""The examples that load with one click, as cards. Their images are in `assets/examples`."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from PIL import Image

FOLDER: Final = Path(__file__).parents[2] / "assets" / "examples"
TITLE: Final = "Start from an example"
_THUMBNAIL: Final = (300, 300)

ON_CLICK: Final = """element.addEventListener('click', event => {
  const card = event.target.closest('button[data-example]');
  if (card) trigger('click', {example: Number(card.dataset.example)});
});"""
"""Tells the page which card was clicked."""


@dataclass(frozen=True, slots=True)
class Example:
    """Reference images, in order, and the rest of a request."""

    title: str
    images: tuple[str, ...]
    prompt: str
    duration: int
    seed: int

    @property
    def paths(self) -> list[Path]:
        """Return where the images lie."""
        return [FOLDER / f"{name}.jpg" for name in self.images]


EXAMPLES: Final = (
    Example(
        "The keeper's lantern",
        ("robot", "lighthouse"),
        "The robot in [Image 1] walks home to the lighthouse in [Image 2] at dusk, slow push in",
        duration=5,
        seed=7,
    ),
    Example(
        "First flight",
        ("fox", "balloon", "forest"),
        "The fox in [Image 1] rises in the balloon of [Image 2] over the valley of [Image 3], tilt up",
        duration=6,
        seed=21,
    ),
    Example(
        "Tea for one",
        ("teapot",),
        "Steam curls from the cup beside the teapot in [Image 1], gentle orbit, evening light",
        duration=4,
        seed=3,
    ),
    Example(
        "All aboard",
        ("fox", "robot", "boat", "lighthouse"),
        "The fox in [Image 1] and the robot in [Image 2] sail the boat of [Image 3] to [Image 4]",
        duration=8,
        seed=12,
    ),
)


def cards() -> str:
    """Return the examples as HTML: one button each."""
    buttons = "".join(_card(n, example) for n, example in enumerate(EXAMPLES))
    return f'<section class="sd-examples"><h2>{TITLE}</h2><div class="sd-cards">{buttons}</div></section>'


def _card(n: int, example: Example) -> str:
    images = "".join(f'<img src="{_thumbnail(path)}" alt="">' for path in example.paths)
    return (
        f'<button type="button" data-example="{n}"><span class="sd-strip">{images}</span>'
        f"<strong>{escape(example.title)}</strong>"
        f'<span class="sd-prompt">{escape(example.prompt)}</span></button>'
    )


def _thumbnail(path: Path) -> str:
    """Return a small copy of an image as a data URI: the page needs no further request for it."""
    with Image.open(path) as image:
        image.draft("RGB", _THUMBNAIL)
        image.thumbnail(_THUMBNAIL)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=72)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
