"""Light on surfaces: sun, lamps, bounced light, reflections, fog."""

from dataclasses import dataclass

import numpy as np

from .marcher import bumped, crevices, normals, shadow, trace
from .shapes import dot, length, mix, smooth, unit, vec

_CREEP = vec(1.0, 0.55, 0.4)  # light bleeds further into red than into blue


@dataclass
class Surface:
    """Materials gathered at points: colours of shape (3, n), the rest (n,)."""

    colour: np.ndarray
    glow: np.ndarray
    base: np.ndarray  # reflectance head-on
    rough: np.ndarray
    mirror: np.ndarray
    soft: np.ndarray
    sheen: np.ndarray
    metal: np.ndarray
    n: np.ndarray


def surface(scene, p, n, index, fine=True):
    """Materials at points of the parts with the given indices."""
    count = p.shape[1]
    numbers = {name: np.zeros(count, np.float32) for name in ("rough", "mirror", "soft", "sheen", "metal")}
    colour, glow, base = (np.zeros((3, count), np.float32) for _ in range(3))
    tilted = n.copy()
    for number in np.unique(index):
        where = np.flatnonzero(index == number)
        material = scene.parts[number].material
        q, m = p[:, where], n[:, where]
        shade = material.colour(q, m) if callable(material.colour) else vec(*material.colour)
        colour[:, where] = shade
        if material.glow is not None:
            glow[:, where] = material.glow(q, m) if callable(material.glow) else vec(*material.glow)
        base[:, where] = shade if material.metal else material.shine
        for name, values in numbers.items():
            values[where] = getattr(material, name)
        if fine and material.bump is not None:
            tilted[:, where] = bumped(q, m, material.bump, material.bump_size)
    return Surface(colour, glow, base, n=tilted, **numbers)


def _highlight(n, v, towards, rough, base):
    """Glossy reflection of one light (GGX with a cheap visibility term)."""
    half = unit(v + towards)
    n_h, v_h = np.clip(dot(n, half), 0, 1), np.clip(dot(v, half), 0, 1)
    a2 = np.maximum(rough, 0.06) ** 4
    spread = a2 / (np.pi * (n_h * n_h * (a2 - 1) + 1) ** 2)
    fresnel = base + (1 - base) * (1 - v_h) ** 5
    return fresnel * np.minimum(spread / (4 * np.maximum(v_h * v_h, 0.08)), 12)


def _falling(n, towards, soft):
    """Diffuse share of a light: Lambert, creeping past the edge of shade on soft materials."""
    facing = dot(n, towards)
    wrap = soft * _CREEP
    return np.maximum(facing + wrap, 0) / (1 + wrap) ** 2


def direct(scene, p, s, v, t, steps=30, jitter=0.0, gloss=True):
    """Sun and lamps on surfaces seen from `v`."""
    start = 0.006 * t + 0.01 + jitter * 0.02
    sun = scene.sun.direction
    total = np.zeros_like(p)
    where = np.flatnonzero(dot(s.n, sun) > -0.6 * s.soft - 0.02)
    if where.size and max(scene.sun.colour) > 0:
        q, n = p[:, where], s.n[:, where]
        lit = shadow(scene, q + n * 0.01, sun, scene.sun.size, scene.sun.reach, start[where], steps)
        total[:, where] += _lit(s, where, n, v, sun, lit * vec(*scene.sun.colour), gloss)
    for lamp in scene.lamps:
        to_lamp = vec(*lamp.place) - p
        away = length(to_lamp)
        towards = to_lamp / away
        strength = 1 / np.maximum(away, lamp.clear) ** 2
        where = np.flatnonzero((dot(s.n, towards) > -0.6 * s.soft - 0.02) & (strength > 0.002))
        if where.size == 0:
            continue
        q, n, reach = p[:, where], s.n[:, where], away[where] - lamp.clear
        lit = strength[where]
        if lamp.shadow and steps > 12:
            lit = lit * shadow(scene, q + n * 0.01, towards[:, where], 0.12, reach, start[where], steps // 2)
        total[:, where] += _lit(s, where, n, v, towards[:, where], lit * vec(*lamp.colour), gloss)
    return total


def _lit(s, where, n, v, towards, strength, gloss):
    diffuse = s.colour[:, where] * (1 - s.metal[where]) * _falling(n, towards, s.soft[where])
    if gloss:
        facing = np.clip(dot(n, towards), 0, 1)
        diffuse = diffuse + facing * _highlight(n, v[:, where], towards, s.rough[where], s.base[:, where])
    return strength * diffuse


def backdrop(scene, d):
    """Light of a ray that meets nothing."""
    return (scene.backdrop or scene.sky)(d)


def fogged(scene, colour, height, d, t):
    """Colour as seen through the air from a point of the given height."""
    if scene.air.density == 0:
        return colour
    return mix(colour, scene.air.colour(d), scene.air.veil(height, d, t))


def shade(scene, p, d, t, n, index, around, jitter):
    """Light that leaves surfaces towards the camera; `around` is the bounced light that falls on them."""
    s = surface(scene, p, n, index)
    v = -d
    nooks = crevices(scene, p, n, 0.004 * t + 0.012)
    total = direct(scene, p, s, v, t, jitter=jitter)
    total += s.colour * (1 - s.metal) * around * nooks + s.glow
    edge = (1 - np.clip(dot(s.n, v), 0, 1)) ** 3
    total += s.sheen * edge * around * mix(s.colour, 1.0, 0.4) * nooks
    return total + _mirrored(scene, p, d, t, s, around, nooks)


def _mirrored(scene, p, d, t, s, around, nooks):
    """Reflections: traced where the material asks for it, else a glance at the sky."""
    cosine = np.clip(-dot(s.n, d), 0, 1)
    fresnel = s.base + (np.maximum(1 - s.rough, s.base) - s.base) * (1 - cosine) ** 5
    r = unit(d - 2 * dot(d, s.n) * s.n)
    seen = mix(scene.sky(r), around, s.rough) * nooks
    where = np.flatnonzero(s.mirror > 0)
    if where.size:
        q = p[:, where] + s.n[:, where] * (0.004 * t[where] + 0.004)
        r = r[:, where]
        hit = trace(scene, q, r, steps=56)
        found = backdrop(scene, r)
        solid = np.flatnonzero(hit < scene.far * 0.99)
        if solid.size:
            place = q[:, solid] + r[:, solid] * hit[solid]
            facing = normals(scene, place, hit[solid] + 1)
            _, part = scene.nearest(place)
            m = surface(scene, place, facing, part, fine=False)
            colour = direct(scene, place, m, -r[:, solid], hit[solid] + 1, steps=16)
            colour += m.colour * 0.75 * scene.sky(facing) + m.glow
            found[:, solid] = fogged(scene, colour, float(q[1].mean()), r[:, solid], hit[solid])
        seen[:, where] = mix(seen[:, where], found, s.mirror[where])
    return seen * fresnel * smooth(-0.1, 0.05, cosine + 0.05)
