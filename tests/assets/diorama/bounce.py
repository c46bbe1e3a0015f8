"""Light that comes by way of other surfaces and through hazy air, gathered on a small picture."""

import numpy as np

from .light import direct, surface
from .marcher import normals, shadow, trace
from .shapes import dot, unit, vec


def gather(scene, p, n, t, rng, rays):
    """Average light that falls on surfaces from sky and neighbours, by random rays."""
    count = p.shape[1]
    total = np.zeros_like(p)
    turn = rng.random(count, dtype=np.float32)
    lift = rng.random(count, dtype=np.float32)
    start = p + n * (0.004 * t + 0.01)
    for ray in range(rays):
        angle = 2 * np.pi * ((ray * 0.618034 + turn) % 1)
        z = 1 - 2 * ((ray + lift) / rays)
        flat = np.sqrt(np.maximum(1 - z * z, 0))
        d = unit(n * 1.001 + np.stack([flat * np.cos(angle), z, flat * np.sin(angle)]).astype(np.float32))
        hit = trace(scene, start, d, near=0.02, far=scene.reach, steps=24)
        light = scene.sky(d).astype(np.float32)
        solid = np.flatnonzero(hit < scene.reach * 0.99)
        if solid.size:
            place = start[:, solid] + d[:, solid] * hit[solid]
            light[:, solid] = _rebound(scene, place, d[:, solid], hit[solid])
        total += np.minimum(light, 4)
    return total / rays


def _rebound(scene, p, d, t):
    n = normals(scene, p, t + 1)
    _, index = scene.nearest(p)
    s = surface(scene, p, n, index, fine=False)
    light = direct(scene, p, s, -d, t + 1, steps=10, gloss=False)
    return light + s.colour * 0.4 * scene.sky(n) + np.minimum(s.glow, 1.5)


def haze(scene, d, t, rng):
    """Light added by the scene's volumes along rays that end at `t`, and the share that passes."""
    count = d.shape[1]
    added, passed = np.zeros((3, count), np.float32), np.ones(count, np.float32)
    eye = vec(*scene.camera.eye)
    for volume in scene.volumes:
        far = np.minimum(t, volume.far)
        step = np.maximum(far - volume.near, 0) / volume.steps
        offset = rng.random(count, dtype=np.float32)
        for k in range(volume.steps):
            p = eye + d * (volume.near + (k + offset) * step)
            thick = volume.density(p) * step
            where = np.flatnonzero(thick > 1e-5)
            if where.size == 0:
                continue
            light = volume.light(p[:, where], d[:, where])
            if volume.shadowed:
                sun = scene.sun
                light = light * shadow(scene, p[:, where], sun.direction, 0.05, sun.reach, 0.05, 14)
            share = 1 - np.exp(-thick[where])
            added[:, where] += passed[where] * share * light
            passed[where] *= 1 - share
    return added, passed


def _shifted(values, down, right):
    """Move a picture by whole pixels; its edge fills what becomes free."""
    rows = np.clip(np.arange(values.shape[-2]) - down, 0, values.shape[-2] - 1)
    cols = np.clip(np.arange(values.shape[-1]) - right, 0, values.shape[-1] - 1)
    return values[..., rows[:, None], cols]


def calm(values, n, t, rounds=4):
    """Noise averaged out of `values` (channels, h, w) without crossing edges of normal or depth."""
    for level in range(rounds):
        step = 2**level
        total, weights = values.copy(), np.ones_like(t)
        for dy in (-2, -1, 0, 1, 2):
            for dx in (-2, -1, 0, 1, 2):
                if dx == dy == 0:
                    continue
                shift = (dy * step, dx * step)
                other_n = _shifted(n, *shift)
                other_t = _shifted(t, *shift)
                alike = np.clip(dot(n, other_n), 0, 1) ** 12
                near = np.exp(-np.abs(t - other_t) / (0.015 * t * step + 1e-3))
                weight = alike * near * (0.8 ** (dx * dx + dy * dy))
                total += weight * _shifted(values, *shift)
                weights += weight
        values = total / weights
    return values
