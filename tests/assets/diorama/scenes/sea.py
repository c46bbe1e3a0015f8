"""The sea and the evening sky that the coast scenes share."""

import numpy as np

from ..noise import fbm2
from ..palette import rgb
from ..shapes import mix, smooth, vec
from ..stage import Material

DUSK = (
    (-0.4, rgb("39606b")),
    (-0.02, rgb("f2bf9c")),
    (0.05, rgb("f6c8a4")),
    (0.16, rgb("c6b6c0")),
    (0.34, rgb("7ba2c2")),
    (1, rgb("376f9e")),
)


def clouds(sky, amount, warm):
    """Lay streaks of lit cloud over a sky."""

    def paint(d):
        rise = np.maximum(d[1], 0.02)
        x, z = d[0] / (rise + 0.12), d[2] / (rise + 0.12)
        cover = smooth(0.5, 0.78, fbm2(x * 0.9 + 3.1, z * 2.2, 5)) * smooth(0.01, 0.12, d[1])
        edge = smooth(0.5, 0.9, fbm2(x * 0.9 + 2.9, z * 2.2 + 0.2, 5))
        lit = mix(vec(*warm), vec(*rgb("c99a96")), edge * 0.8)
        return mix(sky(d), lit, cover * amount)

    return paint


def bright(sky):
    """Raise a sky to the brightness at which the camera sees it."""
    return lambda d: 1.65 * sky(d)


def _ripples(scale, height):
    def waves(p):
        x, z = p[0] * scale, p[2] * scale
        slow = fbm2(x * 0.5 + 7, z * 1.1, 2)
        return height * (slow + 0.4 * fbm2(x * 1.9, z * 3.4 + 3, 3))

    return waves


def sea(colour, scale, height):
    """Water with ripples of the given scale and height."""
    return Material(colour, rough=0.08, shine=0.03, mirror=1.0, bump=_ripples(scale, height), bump_size=0.03)
