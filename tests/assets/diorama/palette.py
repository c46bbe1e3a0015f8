"""Colours (linear RGB) and surfaces that the scenes share, so that they look like one set."""

import numpy as np

from .noise import fbm3, noise3
from .shapes import mix, smooth, vec
from .stage import Material


def rgb(code):
    """Linear RGB of a web colour such as "e8dcc0"."""
    values = (int(code[k : k + 2], 16) / 255 for k in (0, 2, 4))
    return tuple(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)


CREAM = rgb("f0e2c4")
CORAL = rgb("d9482f")
TEAL = rgb("1f7f80")
NAVY = rgb("1c2f4d")
MUSTARD = rgb("dda032")
BRASS = rgb("d9a44a")
BRONZE = rgb("6d4a33")
INK = rgb("16171c")
MOSS = rgb("5d7a34")
BARK = rgb("5a4231")


def mottled(colour, other, scale=3.0, low=0.35, high=0.7):
    """Paint a colour that drifts towards another in soft patches."""
    a, b = vec(*colour), vec(*other)

    def paint(p, n):
        return mix(a, b, smooth(low, high, fbm3(p * scale, 3)))

    return paint


def _fingerprints(p):
    return 0.012 * noise3(p * 7) + 0.0035 * noise3(p * 31)


def clay(colour, **changes):
    """Modelling clay: matte, softly lit from within, pressed by fingers."""
    settings = {"rough": 0.62, "soft": 0.35, "sheen": 0.25, "bump": _fingerprints, "bump_size": 0.008}
    return Material(colour, **(settings | changes))


def enamel(colour, **changes):
    """Glossy paint or glaze."""
    settings = {"rough": 0.22, "shine": 0.05, "mirror": 1.0, "soft": 0.08}
    return Material(colour, **(settings | changes))


def brass(colour=BRASS, **changes):
    """Brushed metal."""
    settings = {"rough": 0.3, "metal": True, "mirror": 0.8, "bump": lambda p: 0.0012 * noise3(p * 60)}
    return Material(colour, **(settings | {"bump_size": 0.004} | changes))


def tufts(p):
    """Height of short growth on the ground."""
    return 0.05 * noise3(p * 9) + 0.028 * noise3(p * 27) + 0.012 * noise3(p * 70)


def moss(colour=MOSS, other=None, **changes):
    """Ground cover with a velvet edge."""
    paint = mottled(colour, other or tuple(0.45 * c for c in colour), 2.2)
    settings = {"rough": 0.9, "shine": 0.02, "soft": 0.3, "sheen": 0.9, "bump": tufts, "bump_size": 0.02}
    return Material(paint, **(settings | changes))


def gradient(*stops):
    """Paint directions by height: pairs of sine of elevation and linear RGB, from low to high."""
    heights = np.array([height for height, _ in stops], np.float32)
    colours = np.array([colour for _, colour in stops], np.float32).T

    def paint(d):
        return np.stack([np.interp(d[1], heights, channel) for channel in colours]).astype(np.float32)

    return paint


def with_glow(paint, towards, colour, tightness):
    """Add soft light around a direction to a sky."""
    x, y, z = (float(c) for c in np.array(towards) / np.linalg.norm(towards))
    colour = vec(*colour)

    def lit(d):
        near = np.clip(d[0] * x + d[1] * y + d[2] * z, 0, 1)
        return paint(d) + colour * near**tightness

    return lit
