"""An observatory among dunes under the Milky Way."""

import numpy as np

from ..noise import fbm2, fbm3, noise2
from ..palette import CREAM, clay, enamel, gradient, mottled, rgb
from ..shapes import (
    blend,
    box,
    dot,
    length,
    limb,
    mix,
    move,
    pitch,
    smooth,
    sphere,
    tube,
    union,
    unit,
    vec,
    yaw,
)
from ..stage import Air, Camera, Lamp, Look, Material, Part, Scene, Sun

_SKY = gradient(
    (-0.3, rgb("1c2238")),
    (0, rgb("6b6a8c")),
    (0.08, rgb("4d5a88")),
    (0.3, rgb("24386a")),
    (0.8, rgb("101c40")),
)
_BAND = unit(vec(0.62, 0.52, 0.35))


def _stars(d):
    colour = _SKY(d)
    along = dot(d, _BAND)
    p = d * 7
    cloud = fbm3(p + 3, 5)
    band = np.exp(-((along - 0.02) ** 2) / 0.022)
    lanes = smooth(0.42, 0.62, fbm3(d * vec(9, 9, 9) + 11, 4))
    milk = band * (0.25 + 1.3 * cloud**2) * (1 - 0.65 * lanes * np.exp(-((along - 0.02) ** 2) / 0.006))
    colour = colour + milk * mix(vec(0.10, 0.13, 0.26), vec(0.34, 0.26, 0.26), band * cloud)
    for scale, share, size, power in ((70, 0.04, 0.075, 2.6), (150, 0.05, 0.13, 1.6), (240, 0.07, 0.2, 0.9)):
        q = d * scale
        cell = np.floor(q)
        local = q - cell
        index = cell.astype(np.int64)
        code = (index[0] * 73856093 ^ index[1] * 19349663 ^ index[2] * 83492791) & 0xFFFFFF
        draw = [((code >> shift) & 255).astype(np.float32) / 255 for shift in (0, 8, 16)]
        fine = ((code * 2654435761 >> 9) & 1023).astype(np.float32) / 1023
        gap = length(local - (0.3 + 0.4 * np.stack(draw)))
        spark = (
            (fine < share * (0.6 + 1.2 * band))
            * np.exp(-((gap / size) ** 2))
            * power
            * (0.15 + 2.5 * draw[0] ** 4)
        )
        tint = mix(vec(0.7, 0.85, 1.25), vec(1.3, 1.0, 0.75), draw[1])
        colour = colour + spark * tint * smooth(0.02, 0.2, d[1])
    return colour


def _dunes(x, z):
    u = x * 0.11 + 0.5 * fbm2(x * 0.05 + 2, z * 0.05, 2) * 2
    v = z * 0.14 + 0.9 * fbm2(x * 0.07, z * 0.06 + 8, 2) * 2
    crest = 1 - np.abs(2 * (noise2(u * 0.9 + 1.2, v) - 0.5))
    small = 1 - np.abs(2 * (noise2(u * 2.1 + 5, v * 2.3) - 0.5))
    hill = 1.6 * np.exp(-(((x - 0.9) / 3.8) ** 2 + ((z + 1.0) / 3.2) ** 2))
    open_ground = 1 - 0.9 * np.exp(-(((x - 0.9) / 2.6) ** 2 + ((z + 0.6) / 2.4) ** 2))
    return (2.3 * crest**1.6 + 0.5 * small**1.5 - 1.4) * open_ground * (0.55 + 0.6 * smooth(4, 25, -z)) + hill


_FLOOR = float(_dunes(np.float32([0.9]), np.float32([-1.0]))[0])


def _sand(p):
    return (p[1] - _dunes(p[0], p[2])) * 0.7


def _wind(p):
    wave = p[0] * 9 + p[2] * 16 + 7 * fbm2(p[0] * 0.9, p[2] * 0.9, 2)
    return 0.012 * np.abs(np.sin(wave * 0.8)) + 0.006 * fbm2(p[0] * 30, p[2] * 30, 2)


def _own(p):
    return yaw(move(p, 0.9, _FLOOR, -1.0), -0.5)


def _walls(p):
    q = _own(p)
    drum = tube(move(q, 0, 0.35, 0), 1.15, 0.9, 0.03)
    wing = box(move(q, 1.5, 0.0, 0.25), 0.75, 0.75, 0.5, 0.04)
    return union(drum, wing, tube(move(q, 0, 1.25, 0), 1.24, 0.06, 0.03))


def _dome(p):
    q = _own(p)
    ball = sphere(q, 0, 1.3, 0, 1.12)
    shell = np.maximum(np.abs(ball) - 0.035, 1.3 - q[1])
    slit = np.maximum(np.abs(q[0]) - 0.24, np.maximum(-q[2] - 0.1, 1.5 - q[1]))
    shell = np.maximum(shell, -slit)
    side = np.abs(np.abs(q[0]) - 0.27) - 0.035
    rails = np.maximum(np.maximum(side, np.abs(ball - 0.03) - 0.04), np.maximum(-q[2] - 0.1, 1.4 - q[1]))
    ribs = np.maximum(np.abs(ball) - 0.05, 1.3 - q[1])
    angle = np.arctan2(q[2], q[0])
    turn = np.round(angle / (np.pi / 7)) * (np.pi / 7)
    edge = np.abs(q[2] * np.cos(turn) - q[0] * np.sin(turn)) - 0.012
    ribs = np.maximum(np.maximum(ribs, edge), -np.maximum(np.abs(q[0]) - 0.3, -q[2]))
    return union(shell, rails, ribs)


def _inside(p):
    return tube(move(_own(p), 0, 1.25, 0), 1.0, 0.1, 0.02)


def _telescope(p):
    q = move(_own(p), 0, 1.55, 0.1)
    barrel = limb(q, (0, 0, 0), (0, 0.75, 0.95), 0.15)
    return union(barrel, tube(pitch(move(q, 0, 0.78, 0.98), -0.9), 0.19, 0.1, 0.02))


def _openings(p):
    q = _own(p)
    found = box(move(q, 1.5, 0.28, 0.76), 0.14, 0.17, 0.03, 0.02)
    found = union(found, box(move(q, 1.95, 0.28, 0.76), 0.14, 0.17, 0.03, 0.02))
    for angle in (-0.75, 0.62):
        w = yaw(q, angle)
        found = union(found, box(move(w, 0, 0.62, 1.14), 0.1, 0.2, 0.04, 0.02))
    return union(found, box(move(q, 0, 0.28, 1.15), 0.2, 0.4, 0.04, 0.03))


def _panes(p, n):
    """Lamplight behind glazing bars."""
    q = _own(p)
    angle = np.arctan2(q[0], q[2])
    round_wall = 1.15 * np.minimum(np.minimum(np.abs(angle + 0.75), np.abs(angle - 0.62)), np.abs(angle))
    across = np.where(q[0] > 1.3, np.minimum(np.abs(q[0] - 1.5), np.abs(q[0] - 1.95)), round_wall)
    high = (q[0] < 1.3) & (np.abs(angle) > 0.3)
    up = np.where(high, np.abs(q[1] - 0.62), np.abs(q[1] - 0.3))
    open_glass = smooth(0.012, 0.022, across) * smooth(0.012, 0.022, up)
    return vec(2.6, 1.15, 0.32) * open_glass * (0.5 + 0.7 * noise2(q[0] * 4 + 7, q[1] * 5)) + vec(
        0.1, 0.04, 0.01
    )


_CACTI = ((-3.2, 2.2, 1.0), (4.4, 1.5, 0.8), (-2.2, -6.5, 1.1))


def _cacti(p):
    found = None
    for x, z, size in _CACTI:
        base = float(_dunes(np.float32([x]), np.float32([z]))[0])
        q = move(p, x, base, z) / size
        stem = limb(q, (0, -0.2, 0), (0, 1.35, 0), 0.17, 0.15)
        arms = union(
            limb(q, (0, 0.55, 0), (0.42, 0.62, 0), 0.1), limb(q, (0.42, 0.62, 0), (0.44, 1.05, 0), 0.1)
        )
        arms = union(
            arms,
            limb(q, (0, 0.4, 0), (-0.36, 0.46, 0), 0.09),
            limb(q, (-0.36, 0.46, 0), (-0.38, 0.78, 0), 0.09),
        )
        plant = (blend(stem, arms, 0.06) - 0.012 * np.cos(12 * np.arctan2(q[2], q[0]))) * size
        found = plant if found is None else np.minimum(found, plant)
    return found


def desert():
    top = _FLOOR
    return Scene(
        size=(1536, 1024),
        camera=Camera((-1.6, 1.7, 12.0), (0.4, 2.95, 0), 35.0, focus=13.5, aperture=0.0012),
        parts=[
            Part(
                _sand,
                Material(
                    mottled(rgb("c79a72"), rgb("b38560"), 0.8),
                    rough=0.85,
                    soft=0.2,
                    sheen=0.3,
                    bump=_wind,
                    bump_size=0.02,
                ),
            ),
            Part(_walls, clay(mottled(rgb("e9e0d2"), rgb("cfc2b0"), 2)), (1.2, top + 0.5, -0.8, 2.6)),
            Part(
                _dome, Material(rgb("c9d4da"), rough=0.35, shine=0.3, mirror=0.5), (0.9, top + 1.7, -1.0, 1.4)
            ),
            Part(_inside, Material(CREAM, glow=(2.4, 1.1, 0.35)), (0.9, top + 1.25, -1.0, 1.1)),
            Part(_telescope, enamel(CREAM, rough=0.35), (0.9, top + 1.9, -0.8, 1.4)),
            Part(_openings, Material(CREAM, glow=_panes, rough=0.3), (1.2, top + 0.4, -0.6, 2.4)),
            Part(_cacti, clay(mottled(rgb("3f6a4a"), rgb("5f8a55"), 4)), (-0.8, 0.8, 0.5, 6.8)),
        ],
        sun=Sun((-0.85, 0.3, 0.05), (1.05, 1.5, 2.6), size=0.05, reach=14),
        lamps=[
            Lamp((0.9, top + 1.9, -0.9), (3.0, 1.4, 0.45), clear=0.35),
            Lamp((0.3, top + 0.5, 0.8), (0.6, 0.28, 0.09), clear=0.35, shadow=False),
        ],
        sky=lambda d: 1.15 * _SKY(d),
        backdrop=_stars,
        air=Air(lambda d: _SKY(d), density=0.012, falloff=0.15),
        look=Look(exposure=1.35, bloom=0.1, vignette=0.3),
        far=110,
        reach=6,
        stride=0.9,
    )
