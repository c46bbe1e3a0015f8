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
        "The keeper comes home",
        ("robot", "lighthouse"),
        "The robot in [Image 1] walks home to the lighthouse in [Image 2], slow push in, golden hour",
        duration=5,
        seed=7,
    ),
    Example(
        "Up and away",
        ("fox", "forest", "balloon"),
        "The fox in [Image 1] leaves the forest of [Image 2] in the balloon of [Image 3], camera rising",
        duration=6,
        seed=21,
    ),
    Example(
        "Tea for one",
        ("teapot",),
        "Steam rises from the teapot in [Image 1], gentle orbit, warm evening light",
        duration=4,
        seed=3,
    ),
    Example(
        "Out to sea",
        ("boat", "lighthouse", "desert"),
        "The boat in [Image 1] passes the lighthouse in [Image 2] and sails into the night of [Image 3]",
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
