"""Sound images with a canary in every place that a format has for metadata."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, PngImagePlugin

from tests.hostile.case import CANARY

pillow_heif.register_heif_opener()
SIZE = (320, 300)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + CANARY + b"</x:xmpmeta>"
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile() -> bytes:
    """Return an sRGB profile with the canary in its text."""
    at = ICC.index(b"text\0\0\0\0") + 8 if b"text\0\0\0\0" in ICC else len(ICC)
    return ICC[:at] + CANARY[: max(0, len(ICC) - at)] + ICC[at + len(CANARY) :]


def exif(held: int = 1) -> Image.Exif:
    notes = Image.Exif()
    notes[0x010F] = notes[0x010E] = notes[0x013B] = CANARY.decode()
    notes[0x0112] = held
    notes.get_ifd(0x8825)[29] = CANARY.decode()
    notes.get_ifd(0x8769)[0x927C] = CANARY
    return notes


@cache
def picture(mode: str = "RGB", size: tuple[int, int] = SIZE) -> Image.Image:
    """Return soft colours with some grain."""
    random = np.random.default_rng(7)
    coarse = Image.fromarray(random.integers(0, 255, (5, 6, 4), dtype=np.uint8), "RGBA")
    soft = coarse.resize(size, Image.Resampling.BICUBIC)
    if mode == "I;16":
        ramp = np.asarray(soft.convert("L"), dtype=np.uint16) * 257
        return Image.fromarray(ramp)
    return soft if mode == "RGBA" else soft.convert("RGB").convert(mode)


def encode(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture(mode, options.pop("size", SIZE)).save(buffer, kind, **options)
    return buffer.getvalue()


def png_notes() -> PngImagePlugin.PngInfo:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", CANARY.decode())
    notes.add_text("Comment", CANARY.decode(), zip=True)
    notes.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
    notes.add_itxt("Title", CANARY.decode())
    return notes


def iptc(jpeg: bytes) -> bytes:
    """Put IPTC's record (APP13) and an unknown APP9 after a JPEG's start, and a tail after its end."""
    body = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(CANARY).to_bytes(4) + CANARY
    segments = b"".join(
        b"\xff" + bytes((code,)) + (len(it) + 2).to_bytes(2) + it
        for code, it in ((0xED, body), (0xE9, CANARY))
    )
    return jpeg[:2] + segments + jpeg[2:] + CANARY


@cache
def seeds() -> dict[str, bytes]:
    """Return sound files by name; every one holds the canary."""
    notes: dict[str, Any] = {"exif": exif(), "xmp": XMP, "icc_profile": profile()}
    told = {**notes, "comment": CANARY}
    png = {"pnginfo": png_notes(), "exif": exif(), "icc_profile": profile()}
    frames = [picture().rotate(turn) for turn in (90, 180)]
    found = {
        "baseline.jpg": iptc(encode("JPEG", **told)),
        "full.jpg": encode("JPEG", subsampling=0, optimize=True, **told),
        "progressive.jpg": iptc(encode("JPEG", progressive=True, **told)),
        "grey.jpg": encode("JPEG", "L", **told),
        "print.jpg": encode("JPEG", "CMYK", comment=CANARY),
        "restarts.jpg": encode("JPEG", restart_marker_blocks=3, **told),
        "several.mpo": encode("MPO", save_all=True, append_images=frames, comment=CANARY, exif=exif()),
        "rgb.png": encode("PNG", **png) + CANARY,
        "rgba.png": encode("PNG", "RGBA", **png),
        "palette.png": encode("PNG", "P", **png),
        "deep.png": encode("PNG", "I;16", **png),
        "grey.png": encode("PNG", "LA", **png),
        "bilevel.png": encode("PNG", "1", **png),
        "animated.png": encode("PNG", save_all=True, append_images=frames, **png),
        "lossy.webp": encode("WEBP", quality=60, **notes),
        "lossless.webp": encode("WEBP", lossless=True, method=0, **notes),
        "alpha.webp": encode("WEBP", "RGBA", quality=60, **notes),
        "animated.webp": encode("WEBP", save_all=True, append_images=frames, **notes),
        "plain.avif": encode("AVIF", speed=9, quality=50, **notes),
        "alpha.avif": encode("AVIF", "RGBA", speed=9, quality=50, **notes),
        "animated.avif": encode("AVIF", save_all=True, append_images=frames, speed=9, quality=40, **notes),
        "plain.heic": encode("HEIF", quality=50, **notes),
        "alpha.heic": encode("HEIF", "RGBA", quality=50, **notes),
    }
    assert all(CANARY in data for data in found.values()), [n for n, d in found.items() if CANARY not in d]
    return found
