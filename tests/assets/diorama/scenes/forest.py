"""Misty mountains and pine woods at dawn."""

import numpy as np

from ..noise import fbm2, noise3, ridge2
from ..palette import gradient, rgb, tufts, with_glow
from ..pines import needles, wood
from ..shapes import mix, smooth, vec
from ..stage import Air, Camera, Look, Material, Part, Scene, Sun


def _land(x, z):
    """Height of the land: a valley that winds away between wooded ridges."""
    bend = 1.6 * np.sin(z * 0.16 + 0.6)
    across = np.abs(x - bend)
    sides = 5.5 * smooth(1.6, 15, across) + 3.2 * smooth(9, 30, across)
    roll = (fbm2(x * 0.16 + 5, z * 0.16, 3) - 0.45) * 3.2 * smooth(1.2, 7, across)
    away = -z
    peaks = ridge2(x * 0.028 + 2.2, z * 0.028 + 0.4, 5) ** 1.3 * 23 * smooth(34, 70, away)
    return sides * (0.75 + 0.5 * smooth(8, 40, away)) + roll + peaks - 0.02 * away * smooth(0, 20, away)


def _ground(p):
    return (p[1] - _land(p[0], p[2])) * 0.62


def _ground_colour(p, n):
    grass = mix(vec(*rgb("3f5226")), vec(*rgb("71793a")), fbm2(p[0] * 1.3, p[2] * 1.3, 3))
    rock = mix(vec(*rgb("4e5663")), vec(*rgb("77737a")), fbm2(p[0] * 0.3, p[1] * 0.6, 3))
    high = smooth(6, 10, p[1] + 3 * fbm2(p[0] * 0.2, p[2] * 0.2, 2)) * smooth(30, 45, -p[2])
    snow = smooth(0.62, 0.76, n[1] + 0.1 * fbm2(p[0] * 0.5, p[2] * 0.5, 3)) * smooth(10, 14, p[1])
    return mix(mix(grass, rock, high), vec(*rgb("e8e6ea")), snow)


def _density(x, z):
    bend = 1.6 * np.sin(z * 0.16 + 0.6)
    across = np.abs(x - bend)
    return smooth(1.3, 3.6, across) * (1 - smooth(44, 54, -z)) * (z < 2.2 + 0.9 * x)


def _sprays(p):
    return 0.05 * noise3(p * vec(22, 14, 22)) + 0.02 * noise3(p * 60)


def _water(p):
    return p[1] - 0.02


def forest():
    towards = (-0.42, 0.3, -0.85)
    sky = with_glow(
        gradient(
            (-0.3, rgb("6f8a9c")),
            (0, rgb("b9b9c0")),
            (0.1, rgb("d9bdb4")),
            (0.25, rgb("a3b6cc")),
            (0.8, rgb("5488b8")),
        ),
        (-0.42, 0.2, -0.85),
        (3.4, 1.75, 0.7),
        22,
    )
    greens = (rgb("1d3a2a"), rgb("5d7038"))
    return Scene(
        size=(1536, 1024),
        camera=Camera((1.0, 3.3, 8.5), (-0.6, 3.2, -10), 36.0, focus=18, aperture=0.003),
        parts=[
            Part(_ground, Material(_ground_colour, bump=tufts, bump_size=0.02, rough=0.9, sheen=0.3)),
            Part(
                _water,
                Material(
                    rgb("1f4a52"),
                    rough=0.06,
                    shine=0.04,
                    mirror=0.9,
                    bump=lambda p: 0.02 * fbm2(p[0] * 3, p[2] * 5, 2),
                    bump_size=0.03,
                ),
            ),
            Part(
                wood(_land, 1.15, 2.1, 0.95, 0, _density),
                Material(needles(*greens), bump=_sprays, bump_size=0.015, rough=0.9, soft=0.25, sheen=0.4),
            ),
        ],
        sun=Sun(towards, (6.5, 3.9, 1.9), size=0.06, reach=14),
        sky=lambda d: 0.8 * sky(d),
        backdrop=lambda d: 1.15 * sky(d),
        air=Air(sky, density=0.045, falloff=0.3),
        look=Look(exposure=0.85, bloom=0.12, contrast=1.12),
        far=150,
        reach=5,
        stride=0.9,
        steps=150,
    )
