"""Sphere tracing: where rays meet a scene, which way its surface faces, what lies in shade."""

import numpy as np

from .shapes import unit

_TETRAHEDRON = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)


def trace(scene, origin, d, near=0.02, far=None, steps=None):
    """Distance along each ray to the first surface; `far` where there is none."""
    far = far or scene.far
    count = d.shape[1]
    result = np.full(count, far, np.float32)
    live = np.arange(count)
    t = np.broadcast_to(np.asarray(near, np.float32), (count,)).copy()
    origin = np.broadcast_to(origin, d.shape)
    for _ in range(steps or scene.steps):
        gap = scene.distance(origin + d * t)
        arrived = gap < 0.0006 * t + 0.0002
        t += gap * scene.stride
        gone = t > far
        if arrived.any():
            result[live[arrived]] = t[arrived]
        keep = ~(arrived | gone)
        left = np.count_nonzero(keep)
        if left == 0:
            return result
        if left < keep.size:
            live, t, d, origin = live[keep], t[keep], d[:, keep], origin[:, keep]
    close = scene.distance(origin + d * t) < 0.01 * t
    result[live[close]] = t[close]
    return np.minimum(result, far)


def normals(scene, p, t):
    """Outward directions of the surface at points seen from the distance `t`."""
    size = 0.0006 * t + 0.0006
    total = np.zeros_like(p)
    for corner in _TETRAHEDRON:
        corner = corner[:, None]
        total += corner * scene.distance(p + corner * size)
    return unit(total)


def bumped(p, n, height, size):
    """Tilt normals by a height field over the surface."""
    slope = np.zeros_like(p)
    for corner in _TETRAHEDRON:
        corner = corner[:, None]
        slope += corner * height(p + corner * size)
    slope *= 0.25 / size
    along = slope[0] * n[0] + slope[1] * n[1] + slope[2] * n[2]
    return unit(n - (slope - n * along))


def shadow(scene, p, d, size, reach, start, steps=30):
    """Share of a light of half-angle `size` that reaches points from the direction `d`."""
    count = p.shape[1]
    result = np.ones(count, np.float32)
    live = np.arange(count)
    t = np.broadcast_to(np.asarray(start, np.float32), (count,)).copy()
    d = np.broadcast_to(d, p.shape)
    limit = np.broadcast_to(np.asarray(reach, np.float32), (count,))
    lit = np.ones(count, np.float32)
    for _ in range(steps):
        gap = scene.distance(p + d * t)
        lit = np.minimum(lit, gap / (size * t))
        t += np.clip(gap * 0.9, 0.012 + 0.02 * t, 0.1 * limit)
        keep = (t < limit) & (lit > -1)
        if not keep.all():
            result[live[~keep]] = lit[~keep]
            live, t, lit, limit = live[keep], t[keep], lit[keep], limit[keep]
            p, d = p[:, keep], d[:, keep]
            if live.size == 0:
                break
    result[live] = lit
    result = np.clip(result, -1, 1)
    return 0.25 * (1 + result) ** 2 * (2 - result)


def crevices(scene, p, n, scale):
    """Darkening of tight corners, one in the open."""
    total = 0.0
    for k, weight in ((1, 1.0), (2.2, 0.6), (4.5, 0.35)):
        h = scale * k
        total = total + weight * np.clip((h - scene.distance(p + n * h)) / h, 0, 1)
    return np.clip(1 - 0.5 * total, 0.15, 1)
