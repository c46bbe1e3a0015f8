"""Files of other kinds that call themselves photographs, and files that are of two kinds."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import Final

import numpy as np
from PIL import Image

from tests.hostile.case import CANARY, Case, accepted, refused
from tests.hostile.seeds import encode, picture

PILLOW: Final = {
    "BMP": "RGB", "DIB": "RGB", "GIF": "P", "TIFF": "RGB", "PPM": "RGB", "PCX": "RGB", "TGA": "RGB",
    "SGI": "RGB", "DDS": "RGB", "ICO": "RGB", "ICNS": "RGBA", "EPS": "RGB", "PDF": "RGB", "IM": "RGB",
    "XBM": "1", "MSP": "1", "SPIDER": "F", "JPEG2000": "RGB", "QOI": "RGB", "BLP": "P",
}  # fmt: skip
STARTS: Final = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    "svg-with-entities": b"<!DOCTYPE svg [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><svg>&b;</svg>",
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "psd": b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\1\x40\0\0\1\x40\0\x08\0\3" + bytes(12),
    "xpm": b'/* XPM */ static char *x[] = {"320 300 1 1", "a c red"};',
    "wmf": b"\xd7\xcd\xc6\x9a\0\0" + bytes(80),
    "emf": b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(60),
    "fits": b"SIMPLE  =                    T".ljust(2880),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(90),
    "grib": b"GRIB\0\0\0\1" + bytes(90),
    "bufr": b"BUFR" + bytes(90),
    "fli": b"\x80\0\0\0\x11\xaf" + bytes(130),
    "cur": b"\0\0\2\0\1\0" + bytes(40),
    "dcx": b"\xb1\x68\xde\x3a" + bytes(90),
    "ftex": b"FTEX" + bytes(90),
    "gimp-brush": b"\0\0\0\x1c\0\0\0\2" + bytes(90),
    "photo-cd": bytes(2048) + b"PCD_" + bytes(90),
    "iptc-record": b"\x1c\x03\x3c\0\2\1\0" + bytes(90),
    "mpeg": b"\0\0\1\xb3\x14\0\xf0\x15" + bytes(90),
    "sun-raster": b"\x59\xa6\x6a\x95" + bytes(90),
    "jpeg-xl": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(90),
    "jpeg-xl-bare": b"\xff\x0a" + bytes(90),
    "jpeg-xr": b"II\xbc\1" + bytes(90),
    "mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(90),
    "quicktime": b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(90),
    "webm": b"\x1aE\xdf\xa3" + bytes(90),
    "wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(90),
    "avi": b"RIFF\x24\0\0\0AVI LIST" + bytes(90),
    "ogg": b"OggS" + bytes(90),
    "elf": b"\x7fELF\2\1\1" + bytes(90),
    "exe": b"MZ" + bytes(90),
    "java": b"\xca\xfe\xba\xbe" + bytes(90),
    "pickle": b"\x80\4\x95" + bytes(90),
    "python": b"import os",
    "shell": b"#!/bin/sh\nexit 1\n",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 320 300\n(/etc/passwd) (r) file\n",
    "pdf-bare": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "djvu": b"AT&TFORM" + bytes(90),
    "openexr": b"\x76\x2f\x31\1\2\0\0\0" + bytes(90),
    "radiance": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 300 +X 320\n",
    "imagemagick": b"push graphic-context\nfill 'url(https://127.0.0.1/x\"|id\")'\npop graphic-context",
    "imagemagick-vector": b"viewbox 0 0 320 300 image over 0,0 0,0 'label:@/etc/passwd'",
    "one-byte": b"\xff",
    "newline": b"\n",
    "byte-order-mark": b"\xff\xfe\xff\xd8",
    "text": "the image is here".encode("utf-16"),
}  # fmt: skip


def saved(kind: str, mode: str) -> bytes:
    buffer = io.BytesIO()
    size = (32, 32) if kind in ("ICO", "ICNS") else (320, 300)
    image = Image.new(mode, size) if mode == "F" else picture(mode, size)
    image.save(buffer, kind)
    return buffer.getvalue()


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photo.jpg", content)
    return buffer.getvalue()


def cases() -> list[Case]:
    jpeg, png = encode("JPEG"), encode("PNG")
    noise = np.random.default_rng(3).bytes(100_000)
    told = "not an image of a known kind; use JPEG, PNG, WebP, AVIF or HEIC"
    return [
        *(refused(f"disguised-{kind.lower()}", saved(kind, mode), told) for kind, mode in PILLOW.items()),
        *(refused(f"disguised-{name}", data, told) for name, data in STARTS.items()),
        refused("disguised-zip", zipped(jpeg), told),
        refused("disguised-gzip", gzip.compress(jpeg), told),
        refused("disguised-base64", b"data:image/jpeg;base64,/9j/4AAQSkZJRg==", told),
        refused("nothing", b"", "empty"),
        refused("10-mb-of-nothing", lambda: bytes(10_000_000), told),
        refused("10-mb-of-ones", lambda: b"\xff" * 10_000_000, "not an image"),
        refused("11-mb", lambda: jpeg + bytes(11_000_000), "at most 10 MB"),
        refused("noise", noise, told),
        refused("noise-as-jpeg", b"\xff\xd8\xff\xe0" + noise),
        refused("noise-as-png", png[:8] + noise),
        refused("noise-as-webp", b"RIFF\0\0\1\0WEBPVP8 " + noise),
        refused("noise-as-avif", b"\0\0\0\x14ftypavif\0\0\0\0avif" + noise),
        refused("noise-as-heic", b"\0\0\0\x14ftypheic\0\0\0\0heic" + noise),
        refused("jpeg-behind-a-newline", b"\n" + jpeg, told),
        refused("jpeg-in-pdf", b"%PDF-1.4\n" + jpeg, told),
        refused("jpeg-in-gif", b"GIF89a" + jpeg, told),
        refused("jpeg-in-html", b"<!--" + jpeg + b"-->", told),
        refused("jpeg-turned-to-text", jpeg.decode("latin-1").encode(), told),
        refused("jpeg-with-lines-turned", jpeg.replace(b"\n", b"\r\n").replace(b"\0", b"\n"), ""),
        accepted("jpeg-and-zip", jpeg + zipped(CANARY)),
        accepted("jpeg-and-html", jpeg + b"<script>" + CANARY),
        accepted("png-and-pdf", png + b"%PDF-1.4" + CANARY),
        accepted("png-called-jpg", png),
    ]
