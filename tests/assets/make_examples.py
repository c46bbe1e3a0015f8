"""Render the example reference images: `python -m tests.assets.make_examples [name ...] [--scale 0.25]`."""

import argparse
import time
from pathlib import Path

import cv2
from PIL import Image

from tests.assets.diorama.frame import Frame
from tests.assets.diorama.lens import develop
from tests.assets.diorama.scenes import SCENES
from tests.assets.diorama.store import encode

FOLDER = Path(__file__).parents[2] / "assets" / "examples"
SMALL = (300, 300)  # most pixels of the copy that stands on a card


def make_small(path: Path) -> None:
    """Write the small copy that the page's cards show."""
    target = path.parent / "small" / f"{path.stem}.webp"
    target.parent.mkdir(exist_ok=True)
    with Image.open(path) as image:
        image.draft("RGB", SMALL)
        image.thumbnail(SMALL)
        image.save(target, "WEBP", quality=72)


def main():
    parser = argparse.ArgumentParser(description="Render the example reference images.")
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"one of {', '.join(SCENES)}; all by default"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="size, as a share of the full picture")
    parser.add_argument("--rays", type=int, default=20, help="rays per point that gather bounced light")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or SCENES:
        began = time.monotonic()
        scene = SCENES[name]()
        width, height = (round(side * options.scale) for side in scene.size)
        picture, depth = Frame(scene, width, height).render(options.rays)
        data = encode(develop(picture, depth, scene))
        path = options.folder / f"{name}.jpg"
        path.write_bytes(data)
        make_small(path)
        print(f"{path.name}: {width}x{height}, {len(data) // 1000} kB, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
