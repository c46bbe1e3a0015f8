"""Draw a contact sheet of the engine's preview: a row per shot, the dissolve after it at the end.

Usage: python -m tests.bench.contact_sheet photo.jpg other.png --prompt "push in" -o sheet.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from seedance.engine.director import FPS, Storyboard, direct
from seedance.engine.renderer import Planes, frames

CELL = 320
MARGIN, LINE = 6, 16


def rgb(planes: Planes) -> Image.Image:
    """Turn BT.709 limited-range planes into a picture."""
    size = planes.y.shape[::-1]
    y = (planes.y.astype(np.float32) - 16) / 219
    u, v = ((cv2.resize(c, size).astype(np.float32) - 128) / 224 for c in planes[1:])
    red, blue = y + 1.5748 * v, y + 1.8556 * u
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    return Image.fromarray(np.clip(np.dstack([red, green, blue]) * 255 + 0.5, 0, 255).astype(np.uint8))


def wanted(storyboard: Storyboard) -> list[list[int]]:
    """List for each shot its frames at 0, 25, 50, 75 and 100 %, and the middle of the next dissolve."""
    rows = [[s.first + round(k / 4 * (s.end - 1 - s.first)) for k in range(5)] for s in storyboard.shots]
    for row, shot, after in zip(rows, storyboard.shots, storyboard.shots[1:], strict=False):
        row.append((after.first + shot.end) // 2)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("Usage")[0])
    parser.add_argument("images", nargs="+", type=Path)
    parser.add_argument("--prompt", default="")
    parser.add_argument("--duration", type=int, default=5)
    parser.add_argument("--camera-fixed", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=Path("contact_sheet.png"))
    options = parser.parse_args()

    images = [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in options.images]
    storyboard = direct(
        options.prompt,
        [image.size for image in images],
        duration=options.duration,
        camera_fixed=options.camera_fixed,
        seed=options.seed,
    )
    print(storyboard.describe())
    rows = wanted(storyboard)
    needed = {frame for row in rows for frame in row}
    cell = CELL, round(CELL * storyboard.height / storyboard.width)
    shown = {
        number: rgb(planes).resize(cell, Image.Resampling.LANCZOS)
        for number, planes in enumerate(frames(storyboard, images))
        if number in needed
    }
    step = CELL + MARGIN, cell[1] + MARGIN + LINE
    sheet = Image.new("RGB", (6 * step[0] + MARGIN, len(rows) * step[1] + MARGIN), "#202020")
    draw = ImageDraw.Draw(sheet)
    for r, (row, shot) in enumerate(zip(rows, storyboard.shots, strict=True)):
        for c, number in enumerate(row):
            x, y = MARGIN + c * step[0], MARGIN + r * step[1]
            label = "dissolve" if c == 5 else f"image {shot.image + 1}, {shot.gesture}, {shot.fit}"
            draw.text((x, y), f"{number / FPS:.2f} s  {label}", fill="#dddddd")
            sheet.paste(shown[number], (x, y + LINE - 2))
    sheet.save(options.output)


if __name__ == "__main__":
    main()
