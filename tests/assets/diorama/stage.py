"""What a scene is made of: camera, light, air and solid parts with their materials."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .shapes import unit, vec

Field = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Material:
    """How a surface takes light. `colour` and `glow` are linear RGB or functions of points and normals."""

    colour: tuple | Callable
    rough: float = 0.7
    shine: float = 0.04  # reflectance seen head-on
    metal: bool = False
    mirror: float = 0.0  # weight of traced reflections
    soft: float = 0.0  # how far light creeps round the edge of shade, as in clay or skin
    sheen: float = 0.0  # bright rim of felt and moss
    glow: tuple | Callable | None = None
    bump: Field | None = None  # height in scene units
    bump_size: float = 0.01  # distance over which the height is measured


@dataclass(frozen=True)
class Part:
    """One solid. `bound` is a ball (x, y, z, radius) that holds all of it."""

    solid: Field
    material: Material
    bound: tuple | None = None


@dataclass(frozen=True)
class Camera:
    """A lens looking from one place to another; `fov` is the vertical angle in degrees."""

    eye: tuple
    target: tuple
    fov: float
    focus: float | None = None  # distance in focus; the target's by default
    aperture: float = 0.0  # blur of infinity, as a fraction of the picture's height

    def rays(self, x, y, width, height):
        """Directions through picture coordinates, in pixels of a width x height picture."""
        forward = unit(vec(*self.target) - vec(*self.eye))
        right = unit(np.cross(forward, vec(0, 1, 0), axis=0))
        up = np.cross(right, forward, axis=0)
        scale = 2 * math.tan(math.radians(self.fov) / 2) / height
        return unit(forward + right * ((x - width / 2) * scale) + up * ((height / 2 - y) * scale))

    def project(self, place, width, height):
        """Picture coordinates of a place, and its distance."""
        forward = unit(vec(*self.target) - vec(*self.eye))
        right = unit(np.cross(forward, vec(0, 1, 0), axis=0))
        up = np.cross(right, forward, axis=0)
        away = vec(*place) - vec(*self.eye)
        across, rise, deep = (float((axis * away).sum()) for axis in (right, up, forward))
        scale = height / (2 * math.tan(math.radians(self.fov) / 2) * deep)
        return width / 2 + across * scale, height / 2 - rise * scale, float(np.linalg.norm(away))

    @property
    def focus_distance(self):
        return self.focus or math.dist(self.eye, self.target)


@dataclass(frozen=True)
class Sun:
    """Light from far away; `size` is the half-angle of its disc, which softens shadows."""

    towards: tuple
    colour: tuple
    size: float = 0.06
    reach: float = 12.0

    @property
    def direction(self):
        return unit(vec(*self.towards))


@dataclass(frozen=True)
class Lamp:
    """Light from one place; nothing nearer to it than `clear` casts a shadow."""

    place: tuple
    colour: tuple
    clear: float = 0.3
    shadow: bool = True


@dataclass(frozen=True)
class Air:
    """Fog, thinner with height. `colour` is a function of view directions."""

    colour: Callable
    density: float = 0.0
    falloff: float = 0.5
    base: float = 0.0

    def veil(self, eye_height, d, t):
        """Share of light that the fog takes away over the distance `t`."""
        rise = np.where(np.abs(d[1]) < 1e-4, 1e-4, d[1]) * self.falloff
        start = math.exp(min(-(eye_height - self.base) * self.falloff, 20))
        path = (1 - np.exp(np.clip(-rise * t, -40, 40))) / rise
        return 1 - np.exp(-np.clip(self.density * start * path, 0, 40))


@dataclass(frozen=True)
class Volume:
    """Glowing or hazy air, marched in steps: steam, beams, shafts of light."""

    density: Field
    light: Callable  # of points and directions
    near: float
    far: float
    steps: int = 40
    shadowed: bool = False


@dataclass(frozen=True)
class Look:
    """Development of the picture after it is lit."""

    exposure: float = 1.0
    bloom: float = 0.08
    shadows: tuple = (0.97, 1.0, 1.05)
    lights: tuple = (1.03, 1.0, 0.95)
    saturation: float = 1.05
    contrast: float = 1.05
    vignette: float = 0.25
    grain: float = 0.008


@dataclass(frozen=True)
class Scene:
    """Everything needed for one picture of `size` (width, height) pixels."""

    size: tuple
    camera: Camera
    parts: list
    sun: Sun
    sky: Callable  # of directions; lights the scene
    air: Air
    backdrop: Callable | None = None  # of directions; what the camera sees behind everything
    lamps: list = field(default_factory=list)
    volumes: list = field(default_factory=list)
    sparks: list = field(default_factory=list)  # bright specks: (place, radius, colour)
    look: Look = Look()
    far: float = 60.0
    stride: float = 0.95
    steps: int = 110
    reach: float = 5.0  # how far light bounces

    def distance(self, p):
        """Distance from points to the nearest part."""
        return self._nearest(p, None)

    def nearest(self, p):
        """Distance to, and index of, the nearest part."""
        index = np.zeros(p.shape[1], np.int16)
        return self._nearest(p, index), index

    def _nearest(self, p, index):
        best = np.full(p.shape[1], self.far, np.float32)
        for number, part in enumerate(self.parts):
            where = self._close(p, part.bound, best)
            if where is None:
                continue
            whole = where.size == best.size
            found = part.solid(p if whole else p[:, where])
            if index is not None:
                closer = found < (best if whole else best[where])
                index[where[closer]] = number
            if whole:
                np.minimum(best, found, out=best)
            else:
                best[where] = np.minimum(best[where], found)
        return best

    @staticmethod
    def _close(p, bound, best):
        """Find the points for which a part within `bound` could be the nearest."""
        if bound is None:
            return np.arange(best.size)
        x, y, z, radius = bound
        dx, dy, dz = p[0] - x, p[1] - y, p[2] - z
        limit = best + radius
        inside = (dx * dx + dy * dy + dz * dz < limit * limit) & (limit > 0)
        where = np.flatnonzero(inside)
        if where.size == 0:
            return None
        return where if where.size < 0.75 * best.size else np.arange(best.size)
