"""A small robot with a lantern for a head, in a forest clearing at dusk."""

import numpy as np

from ..noise import fbm2
from ..palette import (
    BARK,
    BRONZE,
    CREAM,
    INK,
    MOSS,
    brass,
    clay,
    enamel,
    gradient,
    moss,
    mottled,
    rgb,
    with_glow,
)
from ..shapes import (
    blend,
    carve,
    cone,
    ellipsoid,
    limb,
    mirrored,
    mix,
    move,
    pitch,
    ring,
    roll,
    sphere,
    tube,
    union,
    unit,
    vec,
    yaw,
)
from ..stage import Air, Camera, Lamp, Look, Material, Part, Scene, Sun

_EYE = (0.9, 1.25, 6.6)
_HEAD = (0.0, 1.78, 0.0)


def _turned(p):
    return yaw(p, 0.16)


def _ground(p):
    hills = 0.3 * fbm2(p[0] * 0.55 + 4.2, p[2] * 0.55, 2) - 0.16
    return p[1] - hills - 0.035 * fbm2(p[0] * 4, p[2] * 4, 2)


def _globe(p):
    return sphere(p, *_HEAD, 0.5)


def _globe_light(p, n):
    facing = np.clip((n * unit(vec(*_EYE) - p)).sum(0), 0, 1)
    core = facing[None] ** 2.2
    return mix(vec(1.5, 0.42, 0.07), vec(3.0, 1.75, 0.72), core)


def _eyes(p):
    q = mirrored(_turned(p))
    return ellipsoid(q, 0.165, 1.79, 0.45, 0.062, 0.098, 0.06)


def _catchlights(p):
    q = _turned(p)
    return union(sphere(q, -0.143, 1.835, 0.5, 0.018), sphere(q, 0.187, 1.835, 0.5, 0.018))


def _smile(p):
    q = pitch(move(_turned(p), 0, 1.665, 0.475), -1.45)
    arc = ring(q, 0.075, 0.016)
    return np.maximum(arc, 0.01 - q[2])


def _frame(p):
    q = _turned(p)
    collar = union(tube(move(q, 0, 1.29, 0), 0.3, 0.045, 0.02), tube(move(q, 0, 1.22, 0), 0.23, 0.05, 0.02))
    cap = union(cone(move(q, 0, 2.3, 0), 0.27, 0.1, 0.07, 0.02), tube(move(q, 0, 2.24, 0), 0.3, 0.025, 0.02))
    cap = union(cap, sphere(q, 0, 2.4, 0, 0.075))
    handle = ring(pitch(move(q, 0, 2.53, 0), np.pi / 2), 0.1, 0.022)
    cage = ring(pitch(move(q, *_HEAD), np.pi / 2), 0.515, 0.02)
    cross = ring(roll(move(q, *_HEAD), np.pi / 2), 0.515, 0.02)
    cross = np.maximum(cross, q[2])
    return union(collar, cap, handle, cage, cross)


def _body(p):
    q = _turned(p)
    bell = blend(ellipsoid(q, 0, 0.8, 0, 0.4, 0.42, 0.36), ellipsoid(q, 0, 0.62, 0, 0.43, 0.3, 0.4), 0.2)
    seam = ring(move(q, 0, 0.95, 0), 0.385, 0.012)
    return carve(bell, seam, 0.02)


def _trim(p):
    q = _turned(p)
    belt = ring(move(q, 0, 0.56, 0), 0.425, 0.03, 1.4)
    dial = ring(pitch(move(q, 0, 0.8, 0.385), -1.29), 0.135, 0.026)
    side = mirrored(q)
    shoulder = sphere(side, 0.38, 1.0, 0, 0.09)
    rivets = sphere(side, 0.23, 0.99, 0.3, 0.025)
    return union(belt, dial, shoulder, rivets)


def _dial(p):
    q = pitch(move(_turned(p), 0, 0.8, 0.385), -1.29)
    return tube(q, 0.13, 0.016, 0.01)


def _limbs(p):
    q = _turned(p)
    raised = union(
        limb(q, (0.4, 1.0, 0.02), (0.68, 0.98, 0.14), 0.055),
        limb(q, (0.68, 0.98, 0.14), (0.8, 1.26, 0.26), 0.05),
    )
    low = union(
        limb(q, (-0.4, 1.0, 0.02), (-0.56, 0.76, 0.06), 0.055),
        limb(q, (-0.56, 0.76, 0.06), (-0.53, 0.52, 0.2), 0.05),
    )
    legs = limb(mirrored(q), (0.18, 0.4, 0), (0.19, 0.15, 0.02), 0.075)
    return union(raised, low, legs)


def _ends(p):
    q = _turned(p)
    open_hand = blend(
        sphere(q, 0.82, 1.34, 0.28, 0.1), limb(q, (0.82, 1.36, 0.28), (0.8, 1.47, 0.29), 0.045), 0.04
    )
    for tip in ((0.89, 1.45, 0.28), (0.71, 1.41, 0.31)):
        open_hand = blend(open_hand, limb(q, (0.82, 1.35, 0.28), tip, 0.042), 0.03)
    hand = sphere(q, -0.53, 0.46, 0.22, 0.1)
    boot = blend(
        ellipsoid(mirrored(q), 0.2, 0.06, 0.1, 0.15, 0.12, 0.23),
        sphere(mirrored(q), 0.19, 0.13, 0.0, 0.12),
        0.1,
    )
    return union(open_hand, hand, np.maximum(boot, 0.01 - p[1]))


def _stones(p):
    found = ellipsoid(p, -1.15, 0.02, 0.55, 0.34, 0.22, 0.28)
    for x, z, size in (
        (1.25, -0.5, 0.42),
        (-1.6, -0.9, 0.5),
        (0.95, 1.25, 0.13),
        (-0.7, 1.3, 0.11),
        (1.75, 0.6, 0.22),
    ):
        found = union(found, ellipsoid(p, x, size * 0.15, z, size, size * 0.62, size * 0.85))
    return found - 0.03 * fbm2(p[0] * 5 + p[1] * 3, p[2] * 5, 2)


_TREES = (
    (-2.2, -3.6, 0.3),
    (2.5, -4.4, 0.36),
    (-3.9, -6.5, 0.45),
    (0.9, -8.0, 0.4),
    (4.6, -7.5, 0.5),
    (-1.2, -10.0, 0.45),
)


def _trees(p):
    found = None
    for x, z, radius in _TREES:
        trunk = limb(p, (x, -0.3, z), (x + 0.25, 9, z - 0.3), radius, radius * 0.7)
        trunk = blend(trunk, limb(p, (x - 0.5, -0.25, z + 0.35), (x, 0.7, z), 0.1, 0.2), 0.3)
        found = trunk if found is None else np.minimum(found, trunk)
    return found


_SPARKS = np.random.default_rng(21).uniform((-2.6, 0.25, -5.5), (2.8, 3.3, -1.2), (22, 3)).tolist()


def _caps(p):
    found = None
    for x, z, size in (
        (-0.95, 0.95, 1.0),
        (-1.1, 1.08, 0.65),
        (-0.82, 1.12, 0.5),
        (1.15, 0.75, 0.8),
        (1.3, 0.9, 0.5),
    ):
        q = move(p, x, 0.02, z) / size
        cap = carve(ellipsoid(q, 0, 0.2, 0, 0.13, 0.1, 0.13), sphere(q, 0, 0.08, 0, 0.11), 0.03)
        part = union(cap, limb(q, (0, -0.1, 0), (0.01, 0.2, 0), 0.03, 0.022)) * size
        found = part if found is None else np.minimum(found, part)
    return found


def robot():
    sky = with_glow(
        gradient((-0.3, rgb("14282c")), (0.0, rgb("3f7a80")), (0.25, rgb("2a6276")), (0.9, rgb("1a3c5c"))),
        (-0.5, 0.35, -0.8),
        (0.3, 0.5, 0.5),
        6,
    )
    ball = (*_HEAD, 0.55)
    whole = (0.1, 1.2, 0.1, 1.55)
    return Scene(
        size=(1024, 1280),
        camera=Camera(_EYE, (0.05, 1.24, 0), 30.0, focus=6.35, aperture=0.028),
        parts=[
            Part(_ground, moss()),
            Part(_globe, Material(CREAM, rough=0.15, mirror=0.6, glow=_globe_light), ball),
            Part(_eyes, enamel(INK, rough=0.1), ball),
            Part(_catchlights, Material(CREAM, glow=(4, 3.6, 3)), ball),
            Part(_smile, Material(INK, rough=0.4), ball),
            Part(_body, enamel(mottled(CREAM, rgb("dcc79c"), 5), rough=0.3), (0, 0.75, 0, 0.6)),
            Part(_frame, brass(), (0, 1.9, 0, 0.85)),
            Part(_trim, brass(), (0, 0.8, 0, 0.6)),
            Part(_dial, Material(CREAM, rough=0.3, glow=(1.2, 0.5, 0.12)), (0, 0.8, 0.36, 0.2)),
            Part(_limbs, enamel(BRONZE, rough=0.4), whole),
            Part(_ends, clay(rgb("b84a30")), whole),
            Part(_stones, moss(rgb("6b6f68"), MOSS), (0.1, 0, 0, 2.6)),
            Part(_trees, clay(mottled(BARK, rgb("3c4a2c"), 2), sheen=0.1)),
            Part(_caps, clay(rgb("e9b06a"), soft=0.6, glow=(0.05, 0.02, 0.005)), (0.2, 0.1, 0.95, 1.8)),
        ],
        sun=Sun((-0.7, 0.75, -0.65), (2.4, 3.3, 4.0), size=0.1, reach=6),
        lamps=[
            Lamp(_HEAD, (4.6, 2.2, 0.75), clear=0.58),
            Lamp((0.3, 1.9, 1.5), (3.0, 1.5, 0.58), clear=0.9, shadow=False),
        ],
        sparks=[(place, 0.024, (14, 7.5, 1.8)) for place in _SPARKS],
        sky=sky,
        air=Air(sky, density=0.075, falloff=0.12),
        look=Look(exposure=1.15, bloom=0.13, vignette=0.35, contrast=1.12, saturation=1.1),
        far=40,
        reach=4,
    )
