"""Pictures as JPEG files without metadata, at the best quality that fits."""

import io

from PIL import Image

LIMIT = 390_000


def encode(pixels, limit=LIMIT):
    """JPEG of 8-bit RGB pixels, at most `limit` bytes."""
    picture = Image.fromarray(pixels)
    for quality in range(93, 40, -2):
        stream = io.BytesIO()
        subsampling = 0 if quality > 88 else 2
        picture.save(
            stream, "JPEG", quality=quality, subsampling=subsampling, optimize=True, progressive=True
        )
        if stream.tell() <= limit:
            break
    return stream.getvalue()
