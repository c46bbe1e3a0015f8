"""An image made from a prompt where no model is: a quiet landscape with the prompt in small type."""

from __future__ import annotations

import math
import random
import textwrap
from collections.abc import Iterator
from typing import Final, NamedTuple

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageFont

CAPTION: Final = "preview, not AI-generated"
_LINES: Final = 3
_RIDGES: Final = 5
_POINTS: Final = 4  # pixels between the points of a ridge's line
_PAPER: Final = (250, 246, 240)

Colour = tuple[int, int, int]


class _Palette(NamedTuple):
    """Colours from the top of the sky to the ground."""

    sky: str
    horizon: str
    sun: str
    far: str
    near: str


_PALETTES: Final = (
    _Palette("#31456e", "#f2b38b", "#ffe3bd", "#b98a93", "#222c46"),
    _Palette("#6fa3b8", "#f3e3c4", "#fff7e0", "#a9bfb6", "#21463f"),
    _Palette("#2b2350", "#d6708a", "#ffd0b0", "#8d4f80", "#1d1838"),
    _Palette("#88a6c9", "#f6d9d3", "#fffaf2", "#a6a9c6", "#39415f"),
    _Palette("#16323f", "#8fb7a3", "#eaf3d6", "#5a8a83", "#0f2329"),
    _Palette("#c88f5a", "#f8e0b0", "#fff4d6", "#c99c73", "#553528"),
)


def draw(prompt: str, seed: int, width: int = 1024, height: int = 1024) -> Image.Image:
    """Draw the image of a prompt: the same prompt and seed give the same picture."""
    chance = random.Random(f"{seed} {prompt}")
    palette = chance.choice(_PALETTES)
    horizon = chance.uniform(0.52, 0.62)
    picture = _sky(palette, horizon, width, height)
    _sun(picture, palette, horizon, chance)
    for depth in range(_RIDGES):
        _ridge(picture, palette, horizon, depth, chance)
    picture = _grained(picture, chance)
    _write(picture, prompt)
    return picture


def _sky(palette: _Palette, horizon: float, width: int, height: int) -> Image.Image:
    column = Image.new("RGB", (1, height))
    top, low = _rgb(palette.sky), _rgb(palette.horizon)
    for y in range(height):
        column.putpixel((0, y), _mixed(top, low, min(1.0, y / (horizon * height)) ** 1.3))
    return column.resize((width, height))


def _sun(picture: Image.Image, palette: _Palette, horizon: float, chance: random.Random) -> None:
    width, height = picture.size
    x, y = width * chance.uniform(0.22, 0.78), height * (horizon - chance.uniform(0.08, 0.28))
    radius = width * chance.uniform(0.055, 0.1)
    for reach, blur, strength in ((3.2, 0.12, 70), (1.7, 0.05, 90), (1.0, 0.0015, 255)):
        disc = Image.new("L", picture.size)
        box = (x - reach * radius, y - reach * radius, x + reach * radius, y + reach * radius)
        ImageDraw.Draw(disc).ellipse(box, fill=strength)
        picture.paste(_rgb(palette.sun), mask=disc.filter(ImageFilter.GaussianBlur(blur * width)))


def _ridge(
    picture: Image.Image, palette: _Palette, horizon: float, depth: int, chance: random.Random
) -> None:
    """Lay one line of hills over the picture, hazier towards its foot."""
    width, height = picture.size
    share = depth / (_RIDGES - 1)
    level = height * (horizon + 0.34 * share**1.15)
    swell = height * (0.035 + 0.03 * share)
    waves = [
        (
            swell * weight * chance.uniform(0.7, 1.2),
            count * chance.uniform(0.7, 1.3),
            chance.uniform(0, math.tau),
        )
        for weight, count in ((1.0, 1.2), (0.45, 3.1), (0.12, 8.0), (0.045, 21.0))
    ]
    line = [
        (
            x,
            level
            - sum(size * math.sin(math.tau * count * x / width + phase) for size, count, phase in waves),
        )
        for x in range(-_POINTS, width + 2 * _POINTS, _POINTS)
    ]
    mask = Image.new("L", (2 * width, 2 * height))  # twice as large, for a smooth edge
    corners = [(width + _POINTS, height), (-_POINTS, height)]
    ImageDraw.Draw(mask).polygon([(2 * x, 2 * y) for x, y in line + corners], fill=255)
    colour = _mixed(_rgb(palette.far), _rgb(palette.near), share)
    foot = _mixed(colour, _rgb(palette.horizon), 0.38 * (1 - share))
    hill = Image.new("RGB", (1, height))
    for y in range(height):
        fall = (y - level + swell) / (height * 0.22)
        hill.putpixel((0, y), _mixed(colour, foot, min(1.0, max(0.0, fall))))
    picture.paste(hill.resize(picture.size), mask=mask.resize(picture.size, Image.Resampling.BOX))


def _grained(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Add a fine grain, which also keeps gradients from showing steps."""
    width, height = picture.size
    noise = Image.frombytes("L", picture.size, chance.randbytes(width * height))
    lighter = noise.point(lambda value: round(value * 9 / 255))
    grained = ImageChops.subtract(picture, Image.new("RGB", picture.size, (4, 4, 4)))
    return ImageChops.add(grained, Image.merge("RGB", (lighter, lighter, lighter)))


def _write(picture: Image.Image, prompt: str) -> None:
    width, height = picture.size
    margin = round(0.055 * width)
    large, small = (ImageFont.load_default(round(share * width)) for share in (0.023, 0.0155))
    pen = ImageDraw.Draw(picture)
    y = height - margin - round(0.0155 * width)
    pen.text((margin, y), CAPTION, _mixed(_PAPER, picture.getpixel((margin, y)), 0.35), small)  # type: ignore[arg-type]
    lines = list(_lines(prompt, large, width - 2 * margin))
    for number, line in enumerate(reversed(lines), start=1):
        pen.text((margin, y - round(number * 0.034 * width) - 0.006 * height), line, _PAPER, large)


def _lines(prompt: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> Iterator[str]:
    """Break a prompt into lines of at most that many pixels. Signs that the font has not are left out."""
    missing = bytes(font.getmask("\uffff"))
    seen = "".join(sign for sign in prompt if sign.isspace() or bytes(font.getmask(sign)) != missing)
    if text := " ".join(seen.split()):
        signs = int(0.94 * width / (font.getlength(text) / len(text)))
        yield from textwrap.wrap(text, signs, max_lines=_LINES, placeholder=" …")


def _rgb(colour: str) -> Colour:
    red, green, blue, *_ = ImageColor.getrgb(colour)
    return red, green, blue


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
