"""A glazed teapot and a cup on a wooden table by a morning window."""

import numpy as np

from ..noise import fbm2, fbm3, noise3
from ..palette import CORAL, CREAM, MUSTARD, clay, enamel, gradient, mottled, rgb
from ..shapes import (
    blend,
    box,
    carve,
    ellipsoid,
    limb,
    mix,
    move,
    pitch,
    ring,
    roll,
    smooth,
    sphere,
    tube,
    union,
    vec,
    yaw,
)
from ..stage import Air, Camera, Look, Material, Part, Scene, Sun, Volume


def _own(p):
    return yaw(move(p, -0.12, 0, 0), 0.3)


def _table(p):
    plank = np.abs((p[2] + 0.2) / 0.62 - np.floor((p[2] + 0.2) / 0.62) - 0.5)
    groove = 0.018 * smooth(0.47, 0.5, plank)
    return p[1] + groove


def _table_colour(p, n):
    plank = np.floor((p[2] + 0.2) / 0.62)
    x = p[0] + 3.7 * plank
    warp = fbm2(x * 0.6, p[2] * 2 + plank, 3)
    rings = np.abs(np.sin((p[2] * 7 + warp * 7 + plank) * 2.2))
    fibre = noise3(np.stack([x * 2.5, p[2] * 60, 0 * x]))
    tone = 0.25 + 0.45 * rings * warp + 0.3 * fibre + 0.12 * np.sin(plank * 2.4)
    return mix(vec(*rgb("5f3a20")), vec(*rgb("b77f4c")), np.clip(tone, 0, 1))


def _pot(p):
    q = _own(p)
    body = blend(ellipsoid(q, 0, 0.62, 0, 0.72, 0.56, 0.72), tube(move(q, 0, 0.1, 0), 0.45, 0.09, 0.04), 0.12)
    lid = blend(ellipsoid(q, 0, 1.1, 0, 0.38, 0.14, 0.38), sphere(q, 0, 1.31, 0, 0.085), 0.09)
    collar = ring(move(q, 0, 1.1, 0), 0.39, 0.035)
    spout = blend(
        limb(q, (0.5, 0.5, 0), (0.88, 0.72, 0), 0.2, 0.13),
        limb(q, (0.88, 0.72, 0), (1.1, 1.1, 0), 0.13, 0.085),
        0.1,
    )
    mouth = limb(q, (1.0, 0.9, 0), (1.18, 1.26, 0), 0.055)
    spout = carve(blend(spout, ring(roll(move(q, 1.11, 1.12, 0), -0.5), 0.075, 0.022), 0.03), mouth, 0.02)
    groove = ring(move(q, 0, 1.045, 0), 0.425, 0.014)
    return carve(blend(blend(body, spout, 0.14), blend(lid, collar, 0.03), 0.02), groove, 0.02)


def _glaze(p, n):
    q = _own(p)
    drip = 0.09 * fbm2(np.arctan2(q[2], q[0]) * 3.2 + 9, 0 * q[0], 2) + 0.03 * noise3(q * 6)
    bare = 1 - smooth(0.22, 0.25, q[1] - drip + 0.05)
    speck = smooth(0.76, 0.84, noise3(q * 48))
    tone = mix(vec(*rgb("12656b")), vec(*rgb("2d979a")), fbm3(q * vec(2.5, 1.2, 2.5), 3))
    pool = smooth(0.25, 0.4, q[1] - drip)
    tone = mix(tone * 0.6, tone, pool) * (1 - 0.45 * speck)
    return mix(tone, vec(*rgb("cfa783")) * (1 - 0.3 * speck), bare)


def _handle(p):
    q = move(_own(p), -0.7, 0.66, 0)
    bow = ring(pitch(q / vec(0.92, 1.08, 1), np.pi / 2), 0.33, 0.058)
    return np.maximum(bow, q[0] - 0.3) * 0.92


def _cup(p):
    q = move(p, 1.12, 0.06, 0.8)
    wall = ellipsoid(q, 0, 0.36, 0, 0.34, 0.38, 0.34)
    wall = np.maximum(wall, q[1] - 0.42)
    wall = carve(wall, ellipsoid(q, 0, 0.4, 0, 0.295, 0.34, 0.295), 0.03)
    ear = ring(pitch(move(q, 0.36, 0.24, 0), np.pi / 2), 0.11, 0.03)
    ear = np.maximum(ear, -(q[0] - 0.3))
    saucer = blend(
        tube(move(q, 0, -0.03, 0), 0.49, 0.018, 0.015), ring(move(q, 0, 0.0, 0), 0.49, 0.022), 0.08
    )
    return blend(blend(wall, tube(move(q, 0, 0.02, 0), 0.16, 0.03, 0.01), 0.03), union(ear, saucer), 0.02)


def _tea(p):
    return tube(move(p, 1.12, 0.39, 0.8), 0.29, 0.012, 0.005)


def _lemons(p):
    q = move(p, -1.18, 0.24, 0.75)
    whole = blend(ellipsoid(q, 0, 0, 0, 0.33, 0.24, 0.24), sphere(q, 0.32, 0.01, 0, 0.05), 0.1)
    r = yaw(move(p, -0.62, 0.21, 1.15), 0.9)
    half = np.maximum(ellipsoid(r, 0, 0, 0, 0.22, 0.22, 0.24), r[2] - 0.04)
    return union(whole, half)


def _lemon_colour(p, n):
    r = yaw(move(p, -0.62, 0.21, 1.15), 0.9)
    face = smooth(0.02, 0.03, r[2]) * (np.abs(r[0]) < 0.3) * (np.abs(r[1]) < 0.3) * (r[2] < 0.1)
    flat = np.hypot(r[0], r[1])
    slices = np.abs(np.sin(np.arctan2(r[1], r[0]) * 4.5))
    pulp = smooth(0.12, 0.3, slices) * (1 - smooth(0.165, 0.175, flat)) * smooth(0.015, 0.03, flat)
    cut = mix(vec(*rgb("f7edc8")), vec(*rgb("f0c23a")), pulp)
    return mix(vec(*rgb("edb92a")), cut, face)


def _wall(p):
    return p[2] + 4.2


def _window(p):
    """Window that the sun shines through; it stands outside the picture."""
    q = move(p, -4.2, 3.0, 1.4)
    pane = np.abs(np.stack([q[1], q[2]]))
    openings = np.maximum(np.abs(pane[0] - 0.74) - 0.66, np.abs(pane[1] - 0.74) - 0.66)
    return np.maximum(np.abs(q[0]) - 0.06, -openings)


def _shelf(p):
    return box(move(p, 0.4, 1.72, -3.9), 3.2, 0.06, 0.32, 0.02)


def _pots(p):
    vase = blend(
        ellipsoid(p, -1.3, 2.15, -3.85, 0.28, 0.36, 0.28),
        tube(move(p, -1.3, 2.55, -3.85), 0.11, 0.16, 0.03),
        0.12,
    )
    bowl = np.maximum(ellipsoid(p, 1.6, 2.1, -3.85, 0.42, 0.34, 0.36), p[1] - 2.12)
    return union(vase, bowl)


def _books(p):
    found = None
    for x, height, lean in ((-0.45, 0.42, 0), (-0.25, 0.5, 0), (-0.06, 0.38, 0), (0.2, 0.45, 0.22)):
        book = box(roll(move(p, x, 1.78 + height, -3.85), lean), 0.08, height, 0.24, 0.02)
        found = book if found is None else np.minimum(found, book)
    return found


def _book_colour(p, n):
    index = np.floor((p[0] + 0.6) / 0.2) % 3
    return np.where(index == 0, vec(*CORAL), np.where(index == 1, vec(*rgb("e6d4ad")), vec(*rgb("2f6f73"))))


def _steam(p):
    up = p[1] - 0.45
    sway = 0.16 * np.sin(p[1] * 2.1 + 0.6) * np.clip(up, 0, 2)
    x, z = p[0] - 1.12 - sway - 0.05 * up, p[2] - 0.8
    cup = (
        np.exp(-((x * x + z * z) / (0.02 + 0.035 * np.clip(up, 0, 3))))
        * smooth(0, 0.2, up)
        * (1 - smooth(0.5, 1.7, up))
    )
    lift = p[1] - 1.15
    q = p - vec(0.95, 0, -0.33)
    drift = q[0] - 0.1 * np.sin(p[1] * 2.6) * np.clip(lift, 0, 2) - 0.12 * lift
    spout = (
        np.exp(-((drift**2 + q[2] ** 2) / (0.005 + 0.02 * np.clip(lift, 0, 3))))
        * smooth(-0.02, 0.2, lift)
        * (1 - smooth(0.4, 1.6, lift))
    )
    near = np.flatnonzero(cup + spout > 0.01)
    thick = np.zeros_like(cup)
    if near.size:
        w = p[:, near] * vec(2.6, 1.5, 2.6) - vec(0, 1.3, 0)
        curl = fbm3(w + 1.2 * noise3(w * 0.8), 3)
        thick[near] = (cup + 1.3 * spout)[near] * smooth(0.5, 0.66, curl) * 2.2
    return thick


def teapot():
    towards = (-0.8, 0.52, 0.22)
    sky = gradient((-0.4, rgb("6b4e3a")), (0, rgb("c9a888")), (0.3, rgb("d6c3ae")), (1, rgb("a9bcc6")))
    return Scene(
        size=(1280, 1280),
        camera=Camera((0.4, 1.75, 7.3), (0.15, 0.86, 0.1), 27.0, focus=7.0, aperture=0.03),
        parts=[
            Part(_table, Material(_table_colour, rough=0.4, shine=0.04, mirror=0.35)),
            Part(
                _pot,
                enamel(_glaze, rough=0.15, bump=lambda p: 0.006 * noise3(p * 5), bump_size=0.01),
                (0, 0.7, 0, 1.35),
            ),
            Part(_handle, enamel(rgb("12656b"), rough=0.15), (-0.9, 0.7, 0.2, 0.75)),
            Part(_cup, enamel(mottled(CREAM, rgb("e2cfa9"), 6), rough=0.25), (1.22, 0.25, 0.85, 0.7)),
            Part(_tea, Material(rgb("a4531a"), rough=0.05, mirror=1.0), (1.22, 0.39, 0.85, 0.32)),
            Part(
                _lemons,
                clay(_lemon_colour, rough=0.4, soft=0.4, bump=lambda p: 0.008 * noise3(p * 24)),
                (-1.1, 0.2, 0.85, 0.85),
            ),
            Part(_wall, clay(mottled(rgb("b3ab9c"), rgb("a39a8a"), 0.8), sheen=0)),
            Part(_window, clay(CREAM), (-4.2, 3.0, 1.4, 30)),
            Part(_shelf, clay(rgb("7a4f2e"))),
            Part(_pots, clay(mottled(rgb("d9cbb2"), MUSTARD, 1)), (0.2, 2.2, -3.9, 2.4)),
            Part(_books, clay(_book_colour), (-0.1, 2.3, -3.9, 1.1)),
        ],
        sun=Sun(towards, (7.6, 6.1, 4.3), size=0.03, reach=9),
        volumes=[Volume(_steam, lambda p, d: vec(1.9, 1.7, 1.45), near=4.6, far=8.0, steps=48)],
        sky=lambda d: 0.75 * sky(d),
        air=Air(sky),
        look=Look(exposure=0.8, bloom=0.1, vignette=0.35, saturation=0.98, lights=(0.99, 1.0, 1.0)),
        far=30,
        reach=4,
    )
