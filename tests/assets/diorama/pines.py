"""Conifers: one tree, and a wood of them over a landscape."""

import numpy as np

from .noise import cells2, noise3
from .shapes import mix, smooth, vec


def pine(p, height, width, tiers=7, ragged=0.35):
    """Distance to a conifer that stands on the origin; `height` and `width` may be arrays."""
    up = p[1] / height
    level = up * tiers
    saw = level - np.floor(level)
    skirt = 1 - smooth(0.0, 1.0, saw) * 0.55 + 0.25 * smooth(0.9, 1.0, saw)
    taper = np.clip(1.02 - up, 0, 1)
    reach = np.sqrt(p[0] * p[0] + p[2] * p[2])
    angle = np.arctan2(p[2], p[0])
    teeth = 1 + 0.13 * np.sin(angle * 9 + np.floor(level) * 2.1) + 0.08 * np.sin(angle * 23 + level * 3)
    crown = reach - width * taper * skirt * teeth
    crown = np.maximum(crown * 0.55, np.maximum(up - 1, 0.12 - up) * height * 0.8)
    near = crown < 0.1 * height
    if near.any() and ragged:
        crown = crown - np.where(near, ragged * 0.07 * height * (noise3(p * (14 / height)) - 0.5), 0)
    trunk = np.maximum(reach - width * 0.12, np.maximum(-0.3 * height - p[1], up - 0.5))
    return np.minimum(crown, trunk)


def needles(green, tip):
    """Colour of a wood: dark within, paler where the light catches."""
    a, b = vec(*green), vec(*tip)

    def paint(p, n):
        return mix(a, b, smooth(0.1, 0.9, 0.6 * n[1] + 0.6 * noise3(p * 3)))

    return paint


def wood(ground, spacing, tall, share=1.0, seed=0, limit=None):
    """Plant a wood over the height field `ground`: one tree to a cell, `share` of the cells planted.

    `limit` gives, for plane coordinates, how densely trees stand there (0..1).
    """

    def solid(p):
        x_cell, z_cell, (a, b, c, e) = cells2(p[0] / spacing, p[2] / spacing, seed)
        u = p[0] - (x_cell + 0.5) * spacing
        v = p[2] - (z_cell + 0.5) * spacing
        edge = spacing * 0.5 - np.maximum(np.abs(u), np.abs(v))
        shift_x, shift_z = (a - 0.5) * 0.4 * spacing, (b - 0.5) * 0.4 * spacing
        x, z = (x_cell + 0.5) * spacing + shift_x, (z_cell + 0.5) * spacing + shift_z
        height = tall * (0.6 + 0.8 * c)
        planted = e < (share if limit is None else share * limit(x, z))
        base = p[1] - ground(x, z)
        guard = edge + 0.12 * spacing
        far = np.maximum(np.hypot(u, v) - spacing, base - height)
        found = np.maximum(guard, far * 0.7)
        near = np.flatnonzero(planted & (base < height * 1.2) & (base > -0.4 * tall))
        if near.size:
            q = np.stack([(u - shift_x)[near], base[near], (v - shift_z)[near]])
            tree = pine(q, height[near], height[near] * (0.2 + 0.06 * a[near]))
            found[near] = np.minimum(tree, guard[near])
        return found

    return solid
