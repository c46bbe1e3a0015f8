"""A toy sailing boat on calm water at golden hour."""

import numpy as np

from ..noise import fbm2, noise3
from ..palette import CORAL, CREAM, MUSTARD, NAVY, TEAL, clay, enamel, gradient, mottled, rgb, with_glow
from ..shapes import (
    blend,
    box,
    carve,
    ellipsoid,
    length,
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
from ..stage import Air, Camera, Look, Part, Scene, Sun
from .sea import DUSK, bright, clouds, sea


def _own(p):
    return roll(yaw(move(p, 0, 0.03, 0), -0.5), 0.035)


def _sheer(x):
    return 0.42 + 0.2 * (x / 1.2) ** 2


def _hull(p):
    q = _own(p)
    outer = ellipsoid(q, -0.05, 0.55, 0, 1.42, 0.86, 0.56)
    rim = (q[1] - _sheer(q[0])) * 0.9
    stern = -1.02 - q[0]
    inner = ellipsoid(q, -0.05, 0.6, 0, 1.33, 0.72, 0.48)
    shell = np.maximum(np.maximum(outer, rim), stern)
    shell = carve(shell, np.maximum(inner, (0.3 - q[1])), 0.02)
    return blend(shell, limb(q, (0.9, 0.1, 0), (1.36, 0.72, 0), 0.04, 0.035), 0.04)


def _hull_colour(p, n):
    q = _own(p)
    top = q[1] - _sheer(q[0])
    band = smooth(-0.13, -0.125, top)
    planks = 0.86 + 0.14 * smooth(0.0, 0.12, np.abs(np.sin(top * 26)))
    colour = mix(vec(*rgb("c23a26")), vec(*CREAM), band)
    return mix(vec(*NAVY), colour, smooth(0.09, 0.1, q[1])) * planks


def _wood(p):
    q = _own(p)
    deck = np.maximum(
        ellipsoid(q, -0.05, 0.6, 0, 1.35, 0.74, 0.5), np.maximum(np.abs(q[1] - 0.36) - 0.03, -0.99 - q[0])
    )
    x = q - vec(0, 1, 0) * (0.2 * (q[0] / 1.2) ** 2)[None]
    rail = np.abs(length(np.stack([x[0] / 2.5, 0 * x[0], x[2]]) + vec(0.02, 0, 0)) - 0.505)
    rail = np.maximum(np.hypot(rail, x[1] - 0.43) - 0.035, -1.03 - q[0])
    mast = limb(q, (0.18, 0.3, 0), (0.18, 2.72, 0), 0.042, 0.026)
    boom = limb(q, (0.18, 0.98, 0), (-1.08, 0.94, 0.12), 0.03, 0.022)
    return union(deck, rail * 0.6, mast, boom)


def _grain(p, n):
    q = _own(p)
    return mix(vec(*rgb("8a5630")), vec(*rgb("c08a52")), noise3(q * vec(3, 16, 26)))


def _cabin(p):
    q = move(_own(p), -0.52, 0.58, 0)
    return carve(
        box(q, 0.25, 0.24, 0.22, 0.05),
        sphere(mirrored(np.stack([q[2], q[1], q[0]])), 0.22, 0.06, 0.02, 0.085),
        0.01,
    )


def _cabin_roof(p):
    q = move(_own(p), -0.52, 0.85, 0)
    return box(q + vec(0, 1, 0) * (0.25 * q[2] ** 2)[None], 0.3, 0.035, 0.27, 0.03)


def _triangle(x, y, corners):
    found = None
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        side = np.hypot(x1 - x0, y1 - y0)
        gap = ((y - y0) * (x1 - x0) - (x - x0) * (y1 - y0)) / side
        found = gap if found is None else np.maximum(found, gap)
    return found


def _sails(p):
    q = _own(p)
    x, y, z = q
    main = _triangle(x, y, ((0.13, 1.04), (-1.02, 1.0), (0.13, 2.6)))
    belly = 0.22 * np.clip(-(x - 0.13) / 1.1, 0, 1) ** 0.7 * np.clip((2.6 - y) / 1.6, 0, 1)
    main = np.maximum(main, np.abs(z - belly) - 0.012)
    jib = _triangle(x, y, ((1.28, 0.78), (0.3, 0.92), (0.22, 2.4)))
    along = np.clip((1.2 - x) / 1.0, 0, 1)
    jib = np.maximum(jib, np.abs(z - 0.28 * along * (1 - along) * 2) - 0.012)
    return np.minimum(main, jib) * 0.7 - 0.004


def _sail_colour(p, n):
    q = _own(p)
    stripe = smooth(1.42, 1.43, q[1]) - smooth(1.66, 1.67, q[1])
    seams = 0.93 + 0.07 * smooth(0, 0.1, np.abs(np.sin(q[0] * 14)))
    return mix(vec(*rgb("f6ead2")), vec(*MUSTARD), stripe * (q[0] < 0.16)) * seams


def _pennant(p):
    q = _own(p)
    flag = _triangle(q[0], q[1], ((0.17, 2.56), (-0.32, 2.64), (0.17, 2.74)))
    return np.maximum(flag, np.abs(q[2] - 0.05 * np.sin(q[0] * 12)) - 0.01) * 0.6


def _fittings(p):
    q = _own(p)
    buoy = ring(pitch(move(q, 0.5, 0.38, 0.53), 1.35), 0.11, 0.042)
    return union(buoy, sphere(q, 0.18, 2.76, 0, 0.035))


def _islands(p):
    x, z = p[0], p[2]
    rise = 5.0 * smooth(-6, -20, x) + 7.0 * smooth(8, 24, x) + 1.2
    rise = rise * smooth(-20, -34, z) * (0.35 + 0.85 * fbm2(x * 0.13 + 3, z * 0.13, 4))
    return (p[1] + 0.9 - rise) * 0.6


def boat():
    towards = (-0.72, 0.42, 0.1)
    sky = with_glow(gradient(*DUSK), (-0.5, 0.04, -0.85), (2.0, 1.0, 0.42), 16)
    return Scene(
        size=(1536, 1024),
        camera=Camera((0.2, 1.25, 7.2), (0.05, 1.22, 0), 31.5, focus=7.0, aperture=0.022),
        parts=[
            Part(lambda p: p[1], sea(rgb("0f4c54"), 1.5, 0.085)),
            Part(_hull, enamel(_hull_colour, rough=0.3, mirror=0.7), (0, 0.4, 0, 1.6)),
            Part(_wood, clay(_grain, soft=0.1), (0, 1.4, 0, 1.75)),
            Part(_cabin, clay(CREAM), (-0.45, 0.6, 0.2, 0.6)),
            Part(_cabin_roof, clay(TEAL), (-0.45, 0.85, 0.2, 0.6)),
            Part(_sails, clay(_sail_colour, soft=0.75, rough=0.9), (0.05, 1.6, 0, 1.65)),
            Part(_pennant, clay(CORAL, soft=0.6), (0, 2.65, 0, 0.5)),
            Part(_fittings, clay(mottled(CORAL, CREAM, 9)), (0.3, 1.5, 0.2, 1.5)),
            Part(_islands, clay(mottled(rgb("4b5d4c"), rgb("6c6a4e"), 0.3))),
        ],
        sun=Sun(towards, (6.4, 4.3, 2.4), size=0.06, reach=8),
        sky=lambda d: 0.8 * sky(d),
        backdrop=bright(clouds(sky, 0.85, (1.15, 0.82, 0.62))),
        air=Air(lambda d: 1.5 * sky(d), density=0.02, falloff=0.16),
        look=Look(exposure=0.8, bloom=0.1, contrast=1.1, saturation=1.12),
        far=90,
        reach=4,
        stride=0.9,
    )
