"""Reference images: open safely, turn upright, strip, encode. Nothing else is ever uploaded."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pillow_heif
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from seedance.errors import InvalidImage

pillow_heif.register_heif_opener()

FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF")
MAX_BYTES: Final = 10_000_000  # a file; the smallest limit among the provider's sources
MAX_PIXELS: Final = 50_000_000
MIN_SIDE: Final = 300  # pixels, each side
MIN_RATIO: Final = 0.4  # width to height
MAX_RATIO: Final = 2.5
UPLOAD_SIDE: Final = 2048  # pixels on the long side: above the model's 720p output by a wide margin
_JPEG_QUALITY: Final = 95
_SRGB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True, slots=True)
class CleanImage:
    """A reference image as it is sent: upright sRGB pixels and no metadata, encoded as JPEG."""

    name: str
    """The file's name as the user knows it; it never leaves this machine."""
    data: bytes
    width: int
    height: int
    sha256: str

    content_type: str = "image/jpeg"


def clean(path: Path, name: str | None = None) -> CleanImage:
    """Read one reference image (JPEG, PNG, WebP, AVIF or HEIC) and make it fit to send.

    The same file always gives the same bytes. The long side is at most `UPLOAD_SIDE` pixels.

    Raises:
        InvalidImage: not such an image, damaged, or outside the limits above; it names the file.
    """
    name = name or path.name
    picture = open_upright(path, name, side=UPLOAD_SIDE)
    if (longest := max(picture.size)) > UPLOAD_SIDE:
        # Rounded up: rounded down, an image at the limits above would come out beyond them.
        width, height = (-(-side * UPLOAD_SIDE // longest) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
    data = buffer.getvalue()
    return CleanImage(name, data, *picture.size, sha256=hashlib.sha256(data).hexdigest())


def open_upright(path: Path, name: str | None = None, *, side: int | None = None) -> Image.Image:
    """Decode an image file to upright sRGB (mode RGB), checked against the limits above.

    With `side`, a large JPEG may be decoded at a reduced size, its long side still at least that long.
    """
    name = name or path.name
    _check_file(path, name)
    with _decoding(name), Image.open(path, formats=FORMATS) as picture:
        _check_shape(picture, name)
        if side is not None and picture.mode in ("RGB", "L"):
            scale = side / max(picture.size)
            picture.draft(None, (round(picture.width * scale), round(picture.height * scale)))
        picture.load()
        return _flatten(_to_srgb(ImageOps.exif_transpose(picture)))


def _check_file(path: Path, name: str) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InvalidImage(name, f"the file cannot be read ({error.strerror or 'no such file'}).") from None
    if size == 0:
        raise InvalidImage(name, "the file is empty.")
    if size > MAX_BYTES:
        raise InvalidImage(name, f"{size / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB are allowed.")


def _check_shape(picture: Image.Image, name: str) -> None:
    width, height = picture.size
    if picture.getexif().get(0x0112, 1) in (5, 6, 7, 8):  # EXIF orientation: lying on its side
        width, height = height, width
    if width * height > MAX_PIXELS:
        raise InvalidImage(
            name,
            f"{width}×{height} is {width * height / 1e6:.0f} megapixels; "
            f"at most {MAX_PIXELS // 1_000_000} are allowed.",
        )
    if min(width, height) < MIN_SIDE:
        raise InvalidImage(
            name, f"{width}×{height} pixels is too small; each side must have at least {MIN_SIDE}."
        )
    if not MIN_RATIO <= width / height <= MAX_RATIO:
        long = "wide" if width > height else "tall"
        raise InvalidImage(
            name,
            f"{width}×{height} is too {long}; width to height must be between {MIN_RATIO} and {MAX_RATIO}.",
        )


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into our own error: KeyError and SyntaxError were seen, too."""
    try:
        yield
    except InvalidImage:
        raise
    except UnidentifiedImageError:
        raise InvalidImage(name, "not an image of a known kind; use JPEG, PNG, WebP, AVIF or HEIC.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidImage(name, f"more than {MAX_PIXELS // 1_000_000} megapixels.") from None
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise InvalidImage(name, f"the file cannot be read ({error.strerror}).") from None
        raise InvalidImage(name, "the image is damaged and cannot be decoded.") from error


def _to_srgb(picture: Image.Image) -> Image.Image:
    """Apply an embedded colour profile. A broken one is ignored, as browsers do."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "L", "CMYK"):
        return picture
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, _SRGB, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):
        return picture
    return converted or picture


def _flatten(picture: Image.Image) -> Image.Image:
    """Return a new RGB image: 16 bits reduced to 8, transparency on white, metadata left behind."""
    if picture.mode.startswith("I;16"):
        picture = picture.point(lambda value: value / 256, "L")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        flat = Image.new("RGB", layer.size, "white")
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    flat = Image.new("RGB", picture.size)
    flat.paste(picture.convert("RGB"))
    return flat
