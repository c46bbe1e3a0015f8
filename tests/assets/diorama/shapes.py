"""Signed distances from points of shape (3, n) to simple solids, and ways to join them."""

import math

import numpy as np


def vec(x, y, z):
    """Make a column that broadcasts against points."""
    return np.array([[x], [y], [z]], np.float32)


def length(v):
    """Length of each vector of shape (3, n)."""
    return np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])


def dot(a, b):
    """Dot product of vectors of shape (3, n) or (3, 1)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(v):
    """Vectors scaled to length one."""
    return v / np.maximum(length(v), 1e-9)


def smooth(low, high, x):
    """Zero below `low`, one above `high`, an S-curve between."""
    x = np.clip((x - low) / (high - low), 0, 1)
    return x * x * (3 - 2 * x)


def mix(a, b, amount):
    """Linear blend of `a` and `b`."""
    return a + (b - a) * amount


def move(p, x, y, z):
    """Points as seen from a place."""
    return p - vec(x, y, z)


def yaw(p, angle):
    """Points turned about the vertical axis."""
    c, s = math.cos(angle), math.sin(angle)
    return np.stack([c * p[0] - s * p[2], p[1], s * p[0] + c * p[2]])


def pitch(p, angle):
    """Points turned about the x axis."""
    c, s = math.cos(angle), math.sin(angle)
    return np.stack([p[0], c * p[1] - s * p[2], s * p[1] + c * p[2]])


def roll(p, angle):
    """Points turned about the z axis."""
    c, s = math.cos(angle), math.sin(angle)
    return np.stack([c * p[0] - s * p[1], s * p[0] + c * p[1], p[2]])


def mirrored(p):
    """Points folded onto x > 0, for a pair of things."""
    return np.stack([np.abs(p[0]), p[1], p[2]])


def sphere(p, x, y, z, radius):
    """Distance to a ball."""
    return length(move(p, x, y, z)) - radius


def ellipsoid(p, x, y, z, rx, ry, rz):
    """Distance to an egg; near its surface the distance is close to exact."""
    q = move(p, x, y, z)
    k0 = length(q / vec(rx, ry, rz))
    k1 = length(q / vec(rx * rx, ry * ry, rz * rz))
    return k0 * (k0 - 1) / np.maximum(k1, 1e-6)


def limb(p, a, b, radius_a, radius_b=None):
    """Distance to a round-ended bar from `a` to `b`, thinner towards one end if the radii differ."""
    a, b = vec(*a), vec(*b)
    axis = b - a
    from_a = p - a
    h = np.clip(dot(from_a, axis) / float(dot(axis, axis)[0]), 0, 1)
    radius = radius_a if radius_b is None else radius_a + (radius_b - radius_a) * h
    return length(from_a - axis * h) - radius


def box(p, x, y, z, edge=0.02):
    """Distance to a block of half-sizes x, y, z about the origin with rounded edges."""
    q = np.abs(p) - vec(x - edge, y - edge, z - edge)
    outside = length(np.maximum(q, 0))
    return outside + np.minimum(np.maximum(q[0], np.maximum(q[1], q[2])), 0) - edge


def tube(p, radius, half_height, edge=0.02):
    """Distance to an upright cylinder about the origin with rounded rims."""
    side = np.sqrt(p[0] * p[0] + p[2] * p[2]) - (radius - edge)
    top = np.abs(p[1]) - (half_height - edge)
    outside = np.sqrt(np.maximum(side, 0) ** 2 + np.maximum(top, 0) ** 2)
    return outside + np.minimum(np.maximum(side, top), 0) - edge


def cone(p, base, tip, half_height, edge=0.02):
    """Distance to an upright cone about the origin, `base` and `tip` its radii, with rounded rims."""
    h = np.clip(p[1] / (2 * half_height) + 0.5, 0, 1)
    slope = 1 / math.hypot(1, (base - tip) / (2 * half_height))
    side = (np.sqrt(p[0] * p[0] + p[2] * p[2]) - (base + (tip - base) * h) + edge) * slope
    top = np.abs(p[1]) - (half_height - edge)
    outside = np.sqrt(np.maximum(side, 0) ** 2 + np.maximum(top, 0) ** 2)
    return outside + np.minimum(np.maximum(side, top), 0) - edge


def ring(p, radius, thickness, flatten=1.0):
    """Distance to a lying torus about the origin; `flatten` over one makes it a band."""
    side = np.sqrt(p[0] * p[0] + p[2] * p[2]) - radius
    return np.sqrt(side * side + (p[1] / flatten) ** 2) - thickness


def union(*distances):
    """Join several solids."""
    best = distances[0]
    for other in distances[1:]:
        best = np.minimum(best, other)
    return best


def blend(a, b, k):
    """Two solids flowing into each other over the width `k`, like clay."""
    h = np.maximum(k - np.abs(a - b), 0) / k
    return np.minimum(a, b) - h * h * (k * 0.25)


def carve(a, b, k=0.02):
    """Cut the second solid out of the first."""
    return -blend(-a, b, k)
