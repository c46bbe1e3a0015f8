"""From an image file to upright sRGB pixels, within limits. `images` is the door to it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pillow_heif
from PIL import AvifImagePlugin, Image, ImageCms

from seedance.boxes import Unfit
from seedance.containers import MAX_PROFILE, Anatomy, examine
from seedance.errors import InvalidImage

MAX_BYTES: Final = 10_000_000  # a file; the smallest limit among the provider's sources
MAX_PIXELS: Final = 50_000_000
MAX_SCANNED: Final = 400_000_000  # pixels times scans of a progressive JPEG
MIN_SIDE: Final = 300  # pixels, each side
MIN_RATIO: Final = 0.4  # width to height
MAX_RATIO: Final = 2.5
TOO_MUCH_MEMORY: Final = "the image needs too much memory to be decoded."
_DAMAGED: Final = "the image is damaged and cannot be decoded."
_SRGB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_TURNS: Final = {  # by EXIF's orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each thread more takes memory of its own


def open_upright(
    path: Path, name: str | None = None, *, side: int | None = None, max_bytes: int = MAX_BYTES
) -> Image.Image:
    """Decode an image file to upright sRGB (mode RGB), checked against the limits above.

    With `side`, a larger picture is reduced until its long side is that many pixels.

    Raises:
        InvalidImage: none of the allowed formats, damaged, or outside the limits; it names the file.
    """
    name = name or path.name
    with _decoding(name):
        found = examine(_read(path, max_bytes))
        _check_cost(found)
        with Image.open(io.BytesIO(found.data), formats=(found.kind,)) as picture:
            held = picture.getexif().get(0x0112, 1) if found.orientation is None else found.orientation
            _check_shape(*_turned(picture.size, held))
            if side is not None and found.kind == "JPEG":
                scale = side / max(picture.size)
                picture.draft(None, (round(picture.width * scale), round(picture.height * scale)))
            picture.load()
            profile = picture.info.get("icc_profile", b"") if found.profile is None else found.profile
            pixels = _upright(_to_srgb(_reduce(_plain(picture), side), profile), held)
        _check_shape(*pixels.size)
        return _flatten(pixels)


def upright_size(
    path: Path, name: str | None = None, *, side: int | None = None, max_bytes: int = MAX_BYTES
) -> tuple[int, int]:
    """Return the width and height that `open_upright` would give, but for a pixel, without decoding pixels.

    Raises:
        InvalidImage: as there, as far as the file's own numbers tell.
    """
    with _decoding(name or path.name):
        found = examine(_read(path, max_bytes))
        _check_cost(found)
        with Image.open(io.BytesIO(found.data), formats=(found.kind,)) as picture:
            held = picture.getexif().get(0x0112, 1) if found.orientation is None else found.orientation
            width, height = _turned(picture.size, held)
        _check_shape(width, height)
        longest = max(width, height)
        if side is None or longest <= side:
            return width, height
        return -(-width * side // longest), -(-height * side // longest)


def _read(path: Path, max_bytes: int) -> bytes:
    size = path.stat().st_size
    if size == 0:
        raise Unfit("the file is empty.")
    if size <= max_bytes:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
        size = max(size, len(data))
    if size > max_bytes:
        raise Unfit(f"{size / 1e6:.1f} MB; at most {max_bytes / 1e6:.0f} MB are allowed.")
    return data


def _check_cost(found: Anatomy) -> None:
    """Refuse by the file's own numbers what would be costly to decode."""
    width, height = _turned(found.size, found.orientation or 1)
    _check_pixels(width, height)
    if width * height * found.scans > MAX_SCANNED:
        raise Unfit(
            f"a progressive JPEG of {found.scans} scans at {width * height / 1e6:.1f} megapixels; at most "
            f"{MAX_SCANNED // (width * height)} scans are allowed at this size. Save it as a plain JPEG."
        )
    if found.pixels > 2 * MAX_PIXELS:
        raise Unfit(f"its pieces have {found.pixels / 1e6:.0f} megapixels in all; save it again as JPEG.")


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Unfit(
            f"{width}×{height} is {width * height / 1e6:.0f} megapixels; "
            f"at most {MAX_PIXELS // 1_000_000} are allowed."
        )


def _check_shape(width: int, height: int) -> None:
    _check_pixels(width, height)
    if min(width, height) < MIN_SIDE:
        raise Unfit(f"{width}×{height} pixels is too small; each side must have at least {MIN_SIDE}.")
    if not MIN_RATIO <= width / height <= MAX_RATIO:
        long = "wide" if width > height else "tall"
        raise Unfit(
            f"{width}×{height} is too {long}; width to height must be between {MIN_RATIO} and {MAX_RATIO}."
        )


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into our own error: KeyError and SyntaxError were seen, too."""
    try:
        yield
    except Unfit as unfit:
        raise InvalidImage(name, str(unfit)) from None
    except MemoryError:
        raise InvalidImage(name, TOO_MUCH_MEMORY) from None
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise InvalidImage(name, f"the file cannot be read ({error.strerror}).") from None
        raise InvalidImage(name, _DAMAGED) from error


def _turned(size: tuple[int, int], held: int) -> tuple[int, int]:
    """Return the size that a picture has once it is upright."""
    return size[::-1] if held in (5, 6, 7, 8) else size


def _plain(picture: Image.Image) -> Image.Image:
    """Return 8 bits a channel and no palette: L, LA, RGB, RGBA or CMYK."""
    if picture.mode.startswith("I;16"):
        picture = picture.point(lambda value: value / 256).convert("L")
        picture.info.pop("transparency", None)
    if picture.mode in ("L", "LA", "RGB", "RGBA", "CMYK") and "transparency" not in picture.info:
        return picture
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _reduce(picture: Image.Image, side: int | None) -> Image.Image:
    longest = max(picture.size)
    if side is None or longest <= side:
        return picture
    # Rounded up: rounded down, a picture at the limits above would come out beyond them.
    width, height = (-(-length * side // longest) for length in picture.size)
    # Whole factors first, as `draft` does for a JPEG: much faster.
    return picture.reduce(longest // side).resize((width, height), Image.Resampling.LANCZOS)


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Apply an embedded colour profile. A broken or monstrous one is ignored, as browsers do."""
    if not profile or len(profile) > MAX_PROFILE:
        return picture
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    colours = picture.convert(picture.mode.removesuffix("A")) if alpha else picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(colours, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    if converted is None:
        return picture
    if alpha:
        converted.putalpha(alpha)
    return converted


def _upright(picture: Image.Image, held: int) -> Image.Image:
    return picture.transpose(_TURNS[held]) if held in _TURNS else picture


def _flatten(picture: Image.Image) -> Image.Image:
    """Return a new RGB image: transparency on white, metadata left behind."""
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        flat = Image.new("RGB", layer.size, "white")
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    flat = Image.new("RGB", picture.size)
    flat.paste(picture.convert("RGB"))
    return flat
