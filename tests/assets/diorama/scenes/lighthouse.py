"""A lighthouse on a rocky island at golden hour."""

import numpy as np

from ..noise import fbm2, fbm3, noise3
from ..palette import CREAM, clay, enamel, gradient, mottled, rgb, with_glow
from ..shapes import (
    blend,
    box,
    cone,
    ellipsoid,
    limb,
    mirrored,
    mix,
    move,
    ring,
    roll,
    smooth,
    sphere,
    tube,
    union,
    vec,
    yaw,
)
from ..stage import Air, Camera, Lamp, Look, Material, Part, Scene, Sun, Volume
from .sea import DUSK, bright, clouds, sea

_AT = (1.0, 1.5, 0.0)
_LAMP = (1.0, 7.12, 0.0)


def _rocks(p):
    base = ellipsoid(p, 1.5, -0.2, -0.4, 3.0, 1.75, 2.2)
    for x, y, z, a, b, c in (
        (4.3, -0.5, -1.2, 2.4, 1.7, 1.8),
        (-1.3, -0.5, 0.5, 1.3, 1.1, 1.1),
        (2.8, -0.4, 1.9, 1.2, 0.9, 0.9),
    ):
        base = blend(base, ellipsoid(p, x, y, z, a, b, c), 0.5)
    for x, z, a in (
        (-3.0, 1.2, 0.5),
        (-2.1, 2.3, 0.42),
        (0.6, 2.9, 0.5),
        (4.6, 2.0, 0.65),
        (-3.9, -0.4, 0.35),
        (1.7, 3.5, 0.3),
    ):
        base = np.minimum(base, ellipsoid(p, x, 0, z, a * 1.25, a * 0.8, a))
    near = np.flatnonzero(base < 0.7)
    if near.size:
        q = p[:, near]
        layers = np.abs(2 * noise3(q * vec(0.9, 1.8, 0.9) + 2.5) - 1)
        flat = smooth(1.15, 1.5, q[1])
        base[near] += (
            0.42 * layers + 0.22 * np.abs(2 * noise3(q * 2.3) - 1) + 0.07 * noise3(q * 7) - 0.3
        ) * (1 - 0.75 * flat)
    return base * 0.75


def _weathered(p):
    return 0.11 * fbm3(p * vec(3.2, 7.5, 3.2), 4)


def _rock_colour(p, n):
    stone = mix(vec(*rgb("4c4b50")), vec(*rgb("a59c92")), smooth(0.3, 0.7, fbm3(p * vec(1.3, 5, 1.3), 4)))
    stone = mix(vec(*rgb("2c2a2e")), stone, smooth(0.05, 0.45, p[1] + 0.3 * noise3(p * 2)))
    grass = smooth(0.6, 0.8, n[1] + 0.25 * noise3(p * 4)) * smooth(0.9, 1.25, p[1])
    return mix(stone, mix(vec(*rgb("6f7a35")), vec(*rgb("a39a4a")), noise3(p * 5)), grass)


def _tower(p):
    q = move(p, *_AT)
    shaft = cone(move(q, 0, 2.4, 0), 0.78, 0.5, 2.5, 0.02)
    return union(shaft, tube(move(q, 0, 0.05, 0), 0.95, 0.16, 0.04))


def _tower_colour(p, n):
    up = p[1] - _AT[1]
    red = smooth(0, 0.015, np.sin((up + 0.28) * np.pi / 0.98))
    white, coral = vec(*rgb("f1e6d2")), vec(*rgb("c43c28"))
    streak = 0.8 + 0.2 * fbm3(p * vec(4, 0.7, 4), 3)
    return mix(white, coral, red) * streak


def _trim(p):
    q = move(p, *_AT)
    deck = union(tube(move(q, 0, 4.95, 0), 0.78, 0.06, 0.02), cone(move(q, 0, 4.8, 0), 0.5, 0.72, 0.1, 0.01))
    rail = union(ring(move(q, 0, 5.3, 0), 0.74, 0.018), ring(move(q, 0, 5.16, 0), 0.74, 0.012))
    angle = np.arctan2(q[2], q[0])
    turn = np.round(angle / (np.pi / 8)) * (np.pi / 8)
    posts = np.hypot(q[0] - 0.74 * np.cos(turn), q[2] - 0.74 * np.sin(turn)) - 0.016
    posts = np.maximum(posts, np.abs(q[1] - 5.15) - 0.17)
    bars = np.hypot(q[0] - 0.42 * np.cos(turn), q[2] - 0.42 * np.sin(turn)) - 0.02
    bars = np.maximum(bars, np.abs(q[1] - 5.6) - 0.38)
    roof = union(
        cone(move(q, 0, 6.17, 0), 0.55, 0.1, 0.2, 0.02), tube(move(q, 0, 5.97, 0), 0.56, 0.03, 0.015)
    )
    roof = union(roof, sphere(q, 0, 6.42, 0, 0.1), limb(q, (0, 6.4, 0), (0, 6.85, 0), 0.018))
    return union(deck, rail, posts, bars, roof, tube(move(q, 0, 5.22, 0), 0.46, 0.12, 0.02))


def _openings(p):
    q = move(p, *_AT)
    door = box(move(q, -0.1, 0.5, 0.715), 0.19, 0.36, 0.06, 0.05)
    found = door
    for up, out in ((1.65, 0.655), (2.75, 0.595), (3.85, 0.53)):
        found = np.minimum(found, box(move(q, -0.1, up, out), 0.1, 0.16, 0.05, 0.03))
    return found


def _cottage(p):
    q = yaw(move(p, 3.05, 1.42, -0.1), -0.35)
    walls = box(move(q, 0, 0.28, 0), 0.82, 0.42, 0.52, 0.02)
    gable = np.maximum(np.abs(q[2]) * 0.78 + (q[1] - 1.38) * 0.62, np.abs(q[0]) - 0.82)
    return union(walls, np.maximum(gable, 0.7 - q[1]))


def _roof(p):
    q = yaw(move(p, 3.05, 1.42, -0.1), -0.35)
    slope = np.abs(np.abs(q[2]) * 0.78 + (q[1] - 1.42) * 0.62) - 0.045
    roof = np.maximum(np.maximum(slope, np.abs(q[0]) - 0.92), 0.76 - q[1])
    return union(roof * 0.9, box(move(q, 0.5, 1.32, -0.12), 0.13, 0.34, 0.13, 0.02))


def _windows(p):
    q = yaw(move(p, 3.05, 1.42, -0.1), -0.35)
    return union(
        box(move(q, -0.38, 0.5, 0.52), 0.15, 0.17, 0.03, 0.01),
        box(move(q, 0.3, 0.5, 0.52), 0.15, 0.17, 0.03, 0.01),
    )


def _headland(p):
    x, z = p[0], p[2]
    left = 3.4 * smooth(-9, -22, x) * smooth(-18, -30, z)
    right = 5.5 * smooth(10, 26, x) * smooth(-26, -40, z)
    return (p[1] + 0.6 - (left + right) * (0.55 + 0.6 * fbm2(x * 0.16, z * 0.16, 4))) * 0.6


def _foam(p, n):
    deep = mix(vec(*rgb("0f4650")), vec(*rgb("1f6a6c")), fbm2(p[0] * 0.3, p[2] * 0.3, 2))
    shore = _rocks(p) + 0.28 * (fbm3(p * 2.6, 4) - 0.5)
    return mix(vec(*rgb("f3ead9")), deep, smooth(0.02, 0.22, shore))


def _gulls(p):
    found = None
    for x, y, z, size, bank in (
        (-2.6, 5.6, 0.5, 0.34, 0.3),
        (-3.7, 4.9, -1.0, 0.28, -0.2),
        (-1.5, 6.5, -2.0, 0.26, 0.1),
    ):
        q = mirrored(roll(yaw(move(p, x, y, z), 0.5), bank)) / size
        wing = union(
            limb(q, (0, 0, 0), (0.55, 0.26, 0.05), 0.1, 0.07),
            limb(q, (0.55, 0.26, 0.05), (1.2, 0.16, -0.1), 0.07, 0.015),
        )
        bird = np.minimum(wing, ellipsoid(q, 0, -0.02, 0, 0.12, 0.11, 0.34)) * size
        found = bird if found is None else np.minimum(found, bird)
    return found


def _beam(p):
    q = yaw(move(p, *_LAMP), -0.42)
    out = np.abs(q[0])
    wide = 0.2 + out * 0.05
    return (
        0.5 * np.exp(-((q[1] * q[1] + q[2] * q[2]) / (wide * wide))) * smooth(0.3, 0.7, out) / (1 + 0.3 * out)
    )


def lighthouse():
    towards = (-0.85, 0.3, 0.18)
    sky = with_glow(gradient(*DUSK), (-0.9, 0.05, -0.45), (1.6, 0.8, 0.3), 8)
    return Scene(
        size=(1536, 1024),
        camera=Camera((-0.6, 2.1, 15.5), (0.75, 3.85, 0), 37.0, focus=15.5, aperture=0.004),
        parts=[
            Part(lambda p: p[1], sea(_foam, 1.0, 0.22)),
            Part(
                _rocks,
                Material(_rock_colour, bump=_weathered, bump_size=0.02, rough=0.8, soft=0.1, sheen=0.2),
                (1.3, 0, 0, 6.6),
            ),
            Part(_tower, clay(_tower_colour, soft=0.2), (1.0, 3.9, 0, 3.1)),
            Part(_trim, Material(rgb("8f2f22"), rough=0.35, mirror=0.4), (1.0, 7.2, 0, 1.4)),
            Part(
                lambda p: tube(move(p, 1.0, 7.1, 0), 0.36, 0.38, 0.02),
                Material(CREAM, glow=(7, 4.4, 1.7)),
                (1.0, 7.1, 0, 0.6),
            ),
            Part(_openings, enamel(rgb("35302c")), (0.9, 3.6, 0.6, 2.6)),
            Part(_cottage, clay(mottled(rgb("efe2cb"), rgb("d8c6a8"))), (3.05, 2.0, -0.1, 1.5)),
            Part(_roof, clay(rgb("a8452c")), (3.05, 2.2, -0.1, 1.6)),
            Part(_windows, Material(CREAM, glow=(3.2, 1.7, 0.55)), (3.0, 1.95, 0.3, 0.9)),
            Part(_headland, clay(mottled(rgb("4d5a4a"), rgb("6b6a50"), 0.3))),
            Part(_gulls, clay(rgb("f6f1e8")), (-2.6, 5.6, -0.8, 2.6)),
        ],
        sun=Sun(towards, (6.8, 4.5, 2.5), size=0.06, reach=12),
        lamps=[Lamp(_LAMP, (2.2, 1.4, 0.6), clear=0.9, shadow=False)],
        volumes=[Volume(_beam, lambda p, d: vec(2.4, 1.7, 0.9), near=9, far=26, steps=36)],
        sky=lambda d: 0.75 * sky(d),
        backdrop=bright(clouds(sky, 0.85, (1.15, 0.82, 0.62))),
        air=Air(lambda d: 1.5 * sky(d), density=0.018, falloff=0.14),
        look=Look(exposure=0.78, bloom=0.1, contrast=1.1, saturation=1.12),
        far=110,
        reach=6,
        stride=0.9,
    )
