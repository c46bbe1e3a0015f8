"""A clay fox with a knitted scarf, in a mossy glade on a golden morning."""

import numpy as np

from ..noise import fbm2, noise3
from ..palette import CREAM, INK, clay, enamel, gradient, moss, rgb, with_glow
from ..pines import needles, pine
from ..shapes import (
    blend,
    box,
    carve,
    ellipsoid,
    limb,
    mirrored,
    mix,
    move,
    pitch,
    ring,
    roll,
    smooth,
    sphere,
    union,
    vec,
    yaw,
)
from ..stage import Air, Camera, Look, Material, Part, Scene, Sun, Volume

_ORANGE = rgb("dc6a24")
_DARK = rgb("3a221a")
_SCARF = rgb("17777c")


def _own(p):
    return yaw(p, 0.42)


def _tilt(q):
    """Head coordinates: cocked a little to one side."""
    return yaw(roll(move(q, 0, 1.4, 0.16), 0.1), -0.16) + vec(0, 1.4, 0.16)


def _ground(p):
    return p[1] - 0.35 * fbm2(p[0] * 0.5 + 1.2, p[2] * 0.5 + 3, 2) + 0.17 - 0.03 * fbm2(p[0] * 5, p[2] * 5, 2)


def _body(p):
    q = _own(p)
    side = mirrored(q)
    trunk = blend(
        ellipsoid(q, 0, 0.46, -0.12, 0.4, 0.44, 0.42),
        limb(q, (0, 0.55, -0.02), (0, 1.05, 0.1), 0.34, 0.24),
        0.2,
    )
    trunk = blend(trunk, ellipsoid(side, 0.3, 0.3, 0.04, 0.19, 0.29, 0.28), 0.1)
    trunk = blend(trunk, ellipsoid(side, 0.34, 0.07, 0.34, 0.12, 0.085, 0.19), 0.06)
    legs = blend(
        limb(side, (0.15, 0.75, 0.2), (0.14, 0.1, 0.34), 0.13, 0.09),
        ellipsoid(side, 0.14, 0.08, 0.4, 0.11, 0.085, 0.14),
        0.06,
    )
    return blend(trunk, legs, 0.07)


def _body_colour(p, n):
    q = _own(p)
    wobble = 0.06 * noise3(q * 9)
    chest = ellipsoid(q, 0, 0.78, 0.38, 0.19, 0.36, 0.3) + wobble - 0.03
    sock = q[1] - 0.3 + wobble
    colour = mix(vec(*CREAM), vec(*_ORANGE), smooth(0, 0.04, chest))
    front = smooth(0.16, 0.24, q[2])
    return mix(colour, vec(*_DARK), (1 - smooth(-0.03, 0.03, sock)) * front)


def _head(p):
    q = _tilt(_own(p))
    side = mirrored(q)
    skull = blend(
        ellipsoid(q, 0, 1.42, 0.16, 0.4, 0.33, 0.34), ellipsoid(side, 0.28, 1.31, 0.2, 0.19, 0.14, 0.16), 0.12
    )
    skull = blend(skull, limb(q, (0, 1.33, 0.4), (0, 1.28, 0.7), 0.17, 0.08), 0.12)
    ear = limb(side, (0.22, 1.6, 0.08), (0.34, 2.0, 0.04), 0.165, 0.035)
    ear = carve(ear, limb(side, (0.225, 1.58, 0.25), (0.33, 1.9, 0.14), 0.12, 0.03), 0.03)
    return blend(skull, ear, 0.05)


def _head_colour(p, n):
    q = _tilt(_own(p))
    side = mirrored(q)
    wobble = 0.03 * noise3(q * 11)
    mask = np.minimum(
        ellipsoid(side, 0.2, 1.24, 0.42, 0.2, 0.12, 0.26), ellipsoid(q, 0, 1.2, 0.6, 0.14, 0.09, 0.3)
    )
    colour = mix(vec(*CREAM), vec(*_ORANGE), smooth(0.0, 0.035, mask + wobble))
    tip = smooth(1.82, 1.86, q[1] + wobble)
    inner = 1 - smooth(0.0, 0.02, limb(side, (0.225, 1.58, 0.25), (0.33, 1.9, 0.14), 0.125, 0.035))
    return mix(mix(colour, vec(*_DARK), tip), vec(*rgb("e9b58c")), inner)


def _eyes(p):
    return ellipsoid(mirrored(_tilt(_own(p))), 0.17, 1.45, 0.462, 0.058, 0.078, 0.05)


def _catchlights(p):
    q = _tilt(_own(p))
    return union(sphere(q, -0.15, 1.485, 0.505, 0.016), sphere(q, 0.19, 1.485, 0.505, 0.016))


def _nose(p):
    return ellipsoid(_tilt(_own(p)), 0, 1.325, 0.77, 0.072, 0.055, 0.055)


def _tail(p):
    q = _own(p)
    first = limb(q, (-0.1, 0.2, -0.4), (-0.62, 0.24, -0.3), 0.1, 0.2)
    second = limb(q, (-0.62, 0.24, -0.3), (-0.95, 0.6, -0.1), 0.2, 0.235)
    third = limb(q, (-0.95, 0.6, -0.1), (-0.86, 1.12, 0.0), 0.235, 0.03)
    return blend(blend(first, second, 0.15), third, 0.12)


def _tail_colour(p, n):
    q = _own(p)
    zigzag = 0.05 * np.abs(np.sin(7 * np.arctan2(q[2] + 0.05, q[0] + 0.9))) + 0.03 * noise3(q * 8)
    return mix(vec(*_ORANGE), vec(*CREAM), smooth(0.76, 0.79, q[1] + zigzag))


def _scarf(p):
    q = _own(p)
    lap = pitch(move(q, 0, 1.07, 0.1), 0.12)
    loop = blend(ring(lap, 0.26, 0.095, 1.0), ring(move(roll(lap, 0.12), 0, 0.07, 0), 0.255, 0.08), 0.04)
    end = roll(pitch(move(q, 0.17, 0.78, 0.42), -0.08), 0.16)
    hem = 0.012 * np.sin(end[1] * 22)
    end = box(end + np.stack([0 * hem, 0 * hem, hem]), 0.1, 0.25, 0.035, 0.03)
    return blend(blend(loop, end, 0.05), sphere(q, 0.15, 1.03, 0.36, 0.095), 0.05)


def _knit(p):
    q = _own(p)
    angle = np.arctan2(q[2] - 0.1, q[0])
    return 0.011 * np.abs(np.sin(angle * 24)) * (0.7 + 0.3 * np.sin(q[1] * 120))


def _scarf_colour(p, n):
    q = _own(p)
    stripe = smooth(0.6, 0.62, q[1]) - smooth(0.655, 0.675, q[1])
    return mix(vec(*_SCARF), vec(*CREAM), stripe)


_MUSHROOMS = ((0.96, 0.5, 0.9), (1.2, 0.35, 0.6), (0.8, 0.88, 0.45), (-1.3, -0.5, 0.8), (-1.5, -0.2, 0.5))


def _mushroom(part):
    def solid(p):
        found = None
        for x, z, size in _MUSHROOMS:
            q = move(p, x, 0.0, z) / size
            shape = (
                carve(
                    ellipsoid(q, 0, 0.36, 0, 0.22, 0.17, 0.22),
                    ellipsoid(q, 0, 0.22, 0, 0.24, 0.12, 0.24),
                    0.03,
                )
                if part == "cap"
                else limb(q, (0.02, -0.1, 0), (0, 0.36, 0), 0.07, 0.05)
            )
            found = shape * size if found is None else np.minimum(found, shape * size)
        return found

    return solid


def _cap_colour(p, n):
    dots = smooth(0.66, 0.7, noise3(p * 13 + 4.4))
    return mix(vec(*rgb("c23522")), vec(*CREAM), dots * smooth(0.1, 0.4, n[1]))


_PINES = (
    (-2.3, -3.2, 4.2),
    (2.6, -4.2, 4.8),
    (-4.2, -5.5, 5.6),
    (0.6, -7.5, 5.0),
    (4.8, -6.5, 6.0),
    (-1.6, -9.0, 6.4),
)


def _pines(p):
    found = None
    for x, z, height in _PINES:
        tree = pine(move(p, x, 0.0, z), height, height * 0.24, 8)
        found = tree if found is None else np.minimum(found, tree)
    return found


_SPARKS = np.random.default_rng(5).uniform((-2.2, 0.3, -4.0), (2.4, 2.6, -0.6), (26, 3)).tolist()


def fox():
    towards = (-0.85, 0.5, 0.05)
    sky = with_glow(
        gradient((-0.3, rgb("56664a")), (0.0, rgb("d6cfa2")), (0.2, rgb("cfd3ac")), (0.9, rgb("8fbccb"))),
        (-0.75, 0.5, -0.55),
        (2.6, 1.6, 0.7),
        5,
    )
    ball = (0, 1.4, 0.2, 0.95)
    return Scene(
        size=(1280, 1280),
        camera=Camera((0.55, 1.3, 6.4), (-0.03, 1.02, 0), 23.5, focus=6.0, aperture=0.03),
        parts=[
            Part(_ground, moss(rgb("7d8f3a"), rgb("4a5a24"))),
            Part(_body, clay(_body_colour), (0, 0.6, 0.1, 0.9)),
            Part(_head, clay(_head_colour), ball),
            Part(_tail, clay(_tail_colour), (-0.5, 0.6, -0.3, 0.95)),
            Part(
                _scarf,
                clay(_scarf_colour, bump=_knit, bump_size=0.006, sheen=0.8, rough=0.9),
                (0, 0.95, 0.2, 0.6),
            ),
            Part(_eyes, enamel(INK, rough=0.08), ball),
            Part(_catchlights, Material(CREAM, glow=(3, 3, 3)), ball),
            Part(_nose, enamel(_DARK, rough=0.2), ball),
            Part(_mushroom("cap"), clay(_cap_colour, rough=0.4), (0, 0.2, 0.2, 1.9)),
            Part(_mushroom("stem"), clay(CREAM), (0, 0.2, 0.2, 1.9)),
            Part(_pines, Material(needles(rgb("24421f"), rgb("6f8a3a")), rough=0.9, soft=0.3, sheen=0.4)),
        ],
        sun=Sun(towards, (7.5, 5.2, 2.9), size=0.07, reach=7),
        volumes=[
            Volume(
                lambda p: np.full(p.shape[1], 0.035, np.float32),
                lambda p, d: vec(2.6, 1.9, 1.0),
                7.3,
                13,
                16,
                shadowed=True,
            )
        ],
        sparks=[(place, 0.012, (5.0, 3.6, 1.6)) for place in _SPARKS],
        sky=lambda d: 0.8 * sky(d),
        backdrop=lambda d: 1.25 * sky(d),
        air=Air(lambda d: 0.95 * sky(d), density=0.045, falloff=0.1),
        look=Look(exposure=0.86, bloom=0.12, vignette=0.3, contrast=1.14, saturation=1.1),
        far=40,
        reach=4,
        stride=0.85,
    )
