"""A hot-air balloon over a sea of cloud at sunrise."""

import numpy as np

from ..noise import fbm2, noise3, ridge2
from ..palette import CREAM, MUSTARD, clay, gradient, mottled, rgb, with_glow
from ..shapes import box, ellipsoid, limb, mix, move, roll, smooth, sphere, tube, union, vec
from ..stage import Air, Camera, Lamp, Look, Material, Part, Scene, Sun

_GORES = 16


def _own(p):
    return roll(p, 0.05)


def _envelope(p):
    q = _own(p)
    up = q[1] - 2.6
    drop = np.clip(-up, 0, None)
    flat = np.hypot(q[0], q[2])
    angle = np.arctan2(q[2], q[0])
    bulge = 0.045 * np.abs(np.cos(angle * _GORES / 2)) * np.clip(flat, 0, 1)
    round_top = np.sqrt(flat * flat + (up / 0.96) ** 2 + 1e-6) - 1.3
    h = np.clip(drop / 1.75, 0, 1)
    narrow = 1.3 * np.sqrt(np.clip(1 - (h * 1.06) ** 2, 0, 1)) * (1 - 0.1 * h * h) + 0.34 * h**2
    lower = (flat - narrow - bulge) * 0.72
    skin = np.where(up > 0, (round_top - bulge) * 0.72, np.maximum(lower, -1.72 - up))
    hole = np.maximum(flat - 0.3, np.abs(up + 1.7) - 0.25)
    return np.maximum(skin, -hole) * 0.85


def _envelope_colour(p, n):
    q = _own(p)
    angle = np.arctan2(q[2], q[0])
    gore = np.floor((angle + 0.1) / (2 * np.pi / _GORES))
    kind = gore % 4
    colour = mix(vec(*rgb("c9362a")), vec(*CREAM), ((kind == 1) | (kind == 3)).astype(np.float32))
    colour = mix(colour, vec(*MUSTARD), (kind == 2).astype(np.float32))
    band = smooth(1.72, 1.73, q[1]) - smooth(1.98, 1.99, q[1])
    zigzag = 0.06 * np.abs(((angle * _GORES / (2 * np.pi) + 0.25) * 2) % 2 - 1)
    colour = mix(colour, vec(*rgb("1d5c66")), band)
    colour = mix(
        colour,
        vec(*CREAM),
        smooth(1.80, 1.805, q[1] + zigzag - 0.03) - smooth(1.86, 1.865, q[1] + zigzag - 0.03),
    )
    crown = smooth(3.62, 3.63, q[1])
    return mix(colour, vec(*rgb("1d5c66")), crown)


def _basket(p):
    q = _own(p)
    wicker = box(move(q, 0, 0.2, 0), 0.24, 0.19, 0.24, 0.06)
    return np.maximum(wicker, -box(move(q, 0, 0.35, 0), 0.2, 0.22, 0.2, 0.04))


def _weave(p):
    q = _own(p)
    return (
        0.012
        * np.abs(np.sin(q[1] * 62))
        * np.abs(np.sin((q[0] + q[2]) * 44 + 1.57 * np.floor(q[1] * 62 / np.pi)))
    )


def _ropes(p):
    q = _own(p)
    side = np.stack([np.abs(q[0]), q[1], np.abs(q[2])])
    ropes = union(
        limb(side, (0.22, 0.38, 0.22), (0.25, 0.95, 0.25), 0.011),
        limb(side, (0.22, 0.38, 0.22), (0.4, 0.95, 0.05), 0.008),
    )
    rim = box(move(q, 0, 0.385, 0), 0.26, 0.028, 0.26, 0.025)
    rim = np.maximum(rim, -box(move(q, 0, 0.385, 0), 0.2, 0.1, 0.2, 0.02))
    burner = union(
        tube(move(q, 0, 0.72, 0), 0.07, 0.05, 0.02), limb(side, (0.22, 0.6, 0.22), (0, 0.66, 0), 0.01)
    )
    bags = ellipsoid(side, 0.26, 0.16, 0.12, 0.05, 0.09, 0.06)
    return union(ropes, rim, burner, bags)


def _flame(p):
    return ellipsoid(_own(p), 0, 0.9, 0, 0.045, 0.14, 0.045)


def _puffs():
    draw = np.random.default_rng(12).uniform
    heaps = []
    for x, y, z, size in (
        (-2.7, -1.5, -1.0, 1.1),
        (2.9, -1.7, -1.8, 1.3),
        (-4.6, -1.0, -6.0, 1.9),
        (5.4, -1.3, -7.5, 2.2),
        (0.4, -2.2, 0.6, 1.0),
    ):
        for _ in range(5):
            shift = draw((-1.3, -0.25, -0.7), (1.3, 0.45, 0.7)) * size
            heaps.append((x + shift[0], y + shift[1], z + shift[2], size * draw(0.4, 0.75)))
    return [tuple(float(v) for v in heap) for heap in heaps]


_HEAPS = _puffs()


def _billow(p):
    """Round heads with creases between them."""
    return np.sqrt((2 * noise3(p) - 1) ** 2 + 0.02)


def _clouds(p):
    floor = p[1] + 2.25 - 1.2 * fbm2(p[0] * 0.3 + 4, p[2] * 0.3, 2)
    found = floor
    for x, y, z, radius in _HEAPS:
        ball = sphere(p, x, y, z, radius)
        h = np.maximum(0.5 - np.abs(found - ball), 0) * 2
        found = np.minimum(found, ball) - h * h * 0.125
    near = np.flatnonzero(found < 0.8)
    if near.size:
        q = p[:, near]
        found[near] -= (
            0.34 * _billow(q * 0.8) + 0.17 * _billow(q * 1.9 + 4) + 0.09 * _billow(q * 4.2 + 2) - 0.25
        )
    return found * 0.7


def _peaks(p):
    x, z = p[0], p[2]
    ridge = ridge2(x * 0.05 + 1.4, z * 0.05 + 3.3, 5)
    rise = 13 * smooth(-20, -34, z) * ridge**1.5 * (0.35 + smooth(2, 14, np.abs(x + 2)))
    return (p[1] + 3.2 - rise) * 0.55


def _peak_colour(p, n):
    snow = smooth(0.5, 0.7, n[1] + 0.2 * fbm2(p[0], p[2], 3))
    return mix(vec(*rgb("3a4a78")), vec(*rgb("8c92b8")), snow)


def balloon():
    towards = (-0.8, 0.36, 0.25)
    sky = with_glow(
        gradient(
            (-0.4, rgb("cdc3d2")),
            (0, rgb("ffd9c4")),
            (0.07, rgb("f9cdc0")),
            (0.2, rgb("b3c4de")),
            (0.4, rgb("6ea3cc")),
            (1, rgb("3a74b0")),
        ),
        (-0.85, 0.05, -0.5),
        (1.3, 0.65, 0.3),
        7,
    )
    return Scene(
        size=(1024, 1280),
        camera=Camera((0.2, 1.3, 11.6), (0.05, 1.72, 0), 27.0, focus=11.2, aperture=0.008),
        parts=[
            Part(_clouds, Material(rgb("fbf5f2"), rough=1, shine=0, soft=0.9, sheen=0.4)),
            Part(
                _envelope,
                clay(_envelope_colour, soft=0.5, bump=lambda p: 0.006 * noise3(p * 9)),
                (0, 2.35, 0, 1.75),
            ),
            Part(
                _basket,
                clay(mottled(rgb("a06a38"), rgb("7d4e28"), 8), bump=_weave, bump_size=0.006),
                (0, 0.2, 0, 0.5),
            ),
            Part(_ropes, clay(rgb("6b4528")), (0, 0.5, 0, 0.75)),
            Part(_flame, Material(CREAM, glow=(9, 5, 1.5)), (0, 0.9, 0, 0.2)),
            Part(_peaks, clay(_peak_colour)),
        ],
        sun=Sun(towards, (6.6, 4.6, 2.8), size=0.06, reach=9),
        lamps=[Lamp((0, 1.15, 0), (0.9, 0.5, 0.16), clear=0.2)],
        sky=lambda d: 1.05 * sky(d) * vec(0.9, 0.98, 1.15),
        backdrop=lambda d: 1.25 * sky(d),
        air=Air(lambda d: 1.35 * sky(d * vec(1, 0.3, 1)), density=0.042, falloff=0.3, base=-2),
        look=Look(exposure=0.8, bloom=0.1, vignette=0.2, contrast=1.14, saturation=1.15),
        far=90,
        reach=5,
        stride=0.9,
    )
