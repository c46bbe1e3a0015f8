"""Smooth random fields over points, from fixed tables: the same picture on every run."""

import numpy as np

_SIDE = 64
_MASK = _SIDE - 1
_TABLE = np.random.default_rng(7).random(_SIDE**3, dtype=np.float32)


def _fade(fraction):
    return fraction * fraction * fraction * (fraction * (fraction * 6 - 15) + 10)


def _mix(a, b, amount):
    return a + (b - a) * amount


def noise3(p):
    """Value noise in 0..1 at points of shape (3, n)."""
    cell = np.floor(p)
    u, v, w = _fade(p - cell)
    low = cell.astype(np.int32) & _MASK
    high = (low + 1) & _MASK
    x0, x1 = low[0], high[0]
    y0, y1 = low[1] << 6, high[1] << 6
    z0, z1 = low[2] << 12, high[2] << 12
    take = _TABLE.take
    near = _mix(
        _mix(take(x0 + y0 + z0), take(x1 + y0 + z0), u), _mix(take(x0 + y1 + z0), take(x1 + y1 + z0), u), v
    )
    far = _mix(
        _mix(take(x0 + y0 + z1), take(x1 + y0 + z1), u), _mix(take(x0 + y1 + z1), take(x1 + y1 + z1), u), v
    )
    return _mix(near, far, w)


def noise2(x, y):
    """Value noise in 0..1 at plane coordinates."""
    x_cell, y_cell = np.floor(x), np.floor(y)
    u, v = _fade(x - x_cell), _fade(y - y_cell)
    x0, y0 = x_cell.astype(np.int32) & 511, y_cell.astype(np.int32) & 511
    x1, y1 = (x0 + 1) & 511, ((y0 + 1) & 511) << 9
    y0 = y0 << 9
    take = _TABLE.take
    return _mix(_mix(take(x0 + y0), take(x1 + y0), u), _mix(take(x0 + y1), take(x1 + y1), u), v)


def fbm3(p, octaves=4, gain=0.5):
    """Sum of octaves of `noise3`, about 0..1."""
    total, weight, amount = 0.0, 1.0, 0.0
    for octave in range(octaves):
        total = total + weight * noise3(p * (2.03**octave) + 17.3 * octave)
        amount += weight
        weight *= gain
    return total / amount


def fbm2(x, y, octaves=4, gain=0.5):
    """Sum of octaves of `noise2`, each turned against the last, about 0..1."""
    total, weight, amount = 0.0, 1.0, 0.0
    for octave in range(octaves):
        total = total + weight * noise2(x + 31.7 * octave, y - 12.1 * octave)
        amount += weight
        weight *= gain
        x, y = 1.62 * x + 1.22 * y, 1.62 * y - 1.22 * x
    return total / amount


def ridge2(x, y, octaves=4, gain=0.5):
    """Sharp-crested octaves for mountains, about 0..1."""
    total, weight, amount = 0.0, 1.0, 0.0
    for octave in range(octaves):
        crest = 1 - np.abs(2 * noise2(x + 31.7 * octave, y - 12.1 * octave) - 1)
        total = total + weight * crest * crest
        amount += weight
        weight *= gain
        x, y = 1.62 * x + 1.22 * y, 1.62 * y - 1.22 * x
    return total / amount


def cells2(x, y, seed=0):
    """Whole cell of each point and four numbers in 0..1 that belong to that cell."""
    x_cell, y_cell = np.floor(x), np.floor(y)
    index = (x_cell.astype(np.int32) & 255) + ((y_cell.astype(np.int32) & 255) << 8)
    draws = [_TABLE.take((index + 65536 * k + 977 * seed) & (_SIDE**3 - 1)) for k in range(4)]
    return x_cell, y_cell, draws
