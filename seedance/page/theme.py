"""The look: Gradio's base theme in our colours, with fonts that every system has; and the page's own CSS."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gradio.themes import Base, Color

CSS: Final = Path(__file__).parents[2] / "assets" / "page.css"

_SANS: Final = (
    "ui-sans-serif",
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "sans-serif",
)
_MONO: Final = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
_TEAL: Final = Color(
    name="teal",
    c50="#effcf9",
    c100="#d3f7ef",
    c200="#a8eee0",
    c300="#73dfcd",
    c400="#3fc6b3",
    c500="#20a896",
    c600="#14877a",
    c700="#0f6b62",
    c800="#11564f",
    c900="#134742",
    c950="#042b28",
)
_INK: Final = Color(
    name="ink",
    c50="#f8f8f6",
    c100="#f0efec",
    c200="#e2e0da",
    c300="#cbc8bf",
    c400="#9c988d",
    c500="#716d63",
    c600="#575349",
    c700="#413e37",
    c800="#292723",
    c900="#1b1a17",
    c950="#121110",
)


def theme() -> Base:
    """Return the theme, for light and dark."""
    return Base(
        primary_hue=_TEAL,
        secondary_hue=_TEAL,
        neutral_hue=_INK,
        font=_SANS,
        font_mono=_MONO,
        radius_size="lg",
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_shadow="none",
        border_color_primary_dark="*neutral_800",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_title_text_weight="600",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_800",
        input_border_width="1px",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        slider_color="*primary_600",
        slider_color_dark="*primary_500",
    )
