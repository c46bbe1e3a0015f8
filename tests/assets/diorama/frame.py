"""A scene made into a linear picture with its depth: small gathering pass, full pass, smoothed edges."""

import cv2
import numpy as np

from .bounce import calm, gather, haze
from .light import backdrop, fogged, shade
from .marcher import normals, trace
from .shapes import dot, vec

_TILE = 112
_COARSE = 3
_SPREAD = ((0.13, -0.37), (-0.38, -0.12), (0.37, 0.14), (-0.14, 0.38), (0.02, 0.05))


class Frame:
    """One picture of a scene at a size, rendered once."""

    def __init__(self, scene, width, height, seed=1):
        self.scene, self.width, self.height = scene, width, height
        self.eye = vec(*scene.camera.eye)
        self.rng = np.random.default_rng(seed)

    def render(self, rays=20):
        """Linear RGB of shape (h, w, 3) and depth (h, w)."""
        self._gather(rays)
        picture = np.zeros((3, self.height, self.width), np.float32)
        depth = np.zeros((self.height, self.width), np.float32)
        facing = np.zeros((3, self.height, self.width), np.float32)
        for top in range(0, self.height, _TILE):
            for left in range(0, self.width, _TILE):
                rows = np.arange(top, min(top + _TILE, self.height))
                cols = np.arange(left, min(left + _TILE, self.width))
                y, x = (a.ravel().astype(np.float32) + 0.5 for a in np.meshgrid(rows, cols, indexing="ij"))
                block = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
                colour, t, n = self._sample(x, y)
                picture[:, *block] = colour.reshape(3, rows.size, cols.size)
                depth[block] = t.reshape(rows.size, cols.size)
                facing[:, *block] = n.reshape(3, rows.size, cols.size)
        self._smooth_edges(picture, depth, facing)
        self._ignite(picture, depth)
        return picture.transpose(1, 2, 0), depth

    def _see(self, x, y, near=0.02):
        d = self.scene.camera.rays(x, y, self.width, self.height)
        t = trace(self.scene, self.eye, d, near)
        solid = np.flatnonzero(t < self.scene.far * 0.995)
        n = np.zeros_like(d)
        if solid.size:
            n[:, solid] = normals(self.scene, self.eye + d[:, solid] * t[solid], t[solid])
        return d, t, n, solid

    def _gather(self, rays):
        w, h = -(-self.width // _COARSE), -(-self.height // _COARSE)
        y, x = (a.ravel().astype(np.float32) for a in np.mgrid[0:h, 0:w])
        around, added = np.zeros((3, h * w), np.float32), np.zeros((3, h * w), np.float32)
        passed, t, n = (
            np.ones(h * w, np.float32),
            np.zeros(h * w, np.float32),
            np.zeros((3, h * w), np.float32),
        )
        for start in range(0, h * w, _TILE * _TILE):
            part = np.s_[start : start + _TILE * _TILE]
            d, t[part], n[:, part], solid = self._see((x[part] + 0.5) * _COARSE, (y[part] + 0.5) * _COARSE)
            if solid.size:
                away = t[part][solid]
                p = self.eye + d[:, solid] * away
                around[:, start + solid] = gather(self.scene, p, n[:, start + solid], away, self.rng, rays)
            added[:, part], passed[part] = haze(self.scene, d, t[part], self.rng)
        self.small_n, self.small_t = n.reshape(3, h, w), t.reshape(h, w)
        self.small_near = np.maximum(cv2.erode(self.small_t, np.ones((5, 5), np.uint8)) * 0.93 - 0.1, 0.02)
        self.around = calm(around.reshape(3, h, w), self.small_n, self.small_t)
        mist = np.concatenate([added, passed[None]]).reshape(4, h, w)
        if self.scene.volumes:
            mist = calm(mist, np.broadcast_to(vec(0, 1, 0)[:, :, None], (3, h, w)), self.small_t, rounds=3)
        self.small = np.concatenate([self.around, mist])

    def _look_up(self, x, y, t, n):
        """Bounced light and haze at picture coordinates, from coarse neighbours that are alike."""
        h, w = self.small_t.shape
        u, v = x / _COARSE - 0.5, y / _COARSE - 0.5
        u0, v0 = np.floor(u), np.floor(v)
        total, weights = np.zeros((7, x.size), np.float32), np.full(x.size, 1e-9, np.float32)
        for dv in (0, 1):
            for du in (0, 1):
                share = np.abs(1 - du - (u - u0)) * np.abs(1 - dv - (v - v0)) + 0.02
                col = np.clip(u0 + du, 0, w - 1).astype(np.int32)
                row = np.clip(v0 + dv, 0, h - 1).astype(np.int32)
                alike = np.clip(dot(n, self.small_n[:, row, col]), 0, 1) ** 6 + 0.002
                near = np.exp(-np.minimum(np.abs(self.small_t[row, col] - t) / (0.03 * t), 12))
                weight = share * alike * near
                total += weight * self.small[:, row, col]
                weights += weight
        total /= weights
        return total[:3], total[3:6], total[6]

    def _sample(self, x, y):
        row, col = (y / _COARSE).astype(np.int32), (x / _COARSE).astype(np.int32)
        d, t, n, solid = self._see(x, y, self.small_near[row, col])
        around, added, passed = self._look_up(x, y, t, n)
        colour = backdrop(self.scene, d).astype(np.float32)
        if solid.size:
            d_s, t_s, n_s = d[:, solid], t[solid], n[:, solid]
            p = self.eye + d_s * t_s
            _, index = self.scene.nearest(p)
            jitter = self.rng.random(solid.size, dtype=np.float32)
            lit = shade(self.scene, p, d_s, t_s, n_s, index, around[:, solid], jitter)
            colour[:, solid] = fogged(self.scene, lit, float(self.eye[1, 0]), d_s, t_s)
        return np.maximum(colour * passed + added, 0), t, n

    def _smooth_edges(self, picture, depth, facing):
        """More samples where neighbouring pixels differ."""
        tone = np.sqrt(picture / (picture + 0.6)).transpose(1, 2, 0)
        kernel = np.ones((3, 3), np.uint8)
        contrast = (cv2.dilate(tone, kernel) - cv2.erode(tone, kernel)).max(2)
        bend = facing.transpose(1, 2, 0)
        bend = (cv2.dilate(bend, kernel) - cv2.erode(bend, kernel)).max(2)
        jump = cv2.dilate(depth, kernel) / np.maximum(cv2.erode(depth, kernel), 1e-3) > 1.03
        rough = (contrast > 0.08) | ((contrast > 0.04) & (jump | (bend > 0.5)))
        y, x = np.nonzero(rough)
        for start in range(0, x.size, _TILE * _TILE):
            row, col = y[start : start + _TILE * _TILE], x[start : start + _TILE * _TILE]
            total = picture[:, row, col] / (1 + picture[:, row, col].max(0))
            for dx, dy in _SPREAD:
                colour, _, _ = self._sample(
                    (col + 0.5 + dx).astype(np.float32), (row + 0.5 + dy).astype(np.float32)
                )
                total += colour / (1 + colour.max(0))
            total /= len(_SPREAD) + 1
            picture[:, row, col] = total / np.maximum(1 - total.max(0), 0.02)

    def _ignite(self, picture, depth):
        """Bright specks, where nothing stands before them."""
        camera = self.scene.camera
        scale = self.height / (2 * np.tan(np.radians(camera.fov) / 2))
        for place, radius, colour in self.scene.sparks:
            x, y, away = camera.project(place, self.width, self.height)
            size = max(radius * scale / away, 0.6)
            reach = int(size * 2) + 2
            rows = np.arange(max(int(y) - reach, 0), min(int(y) + reach + 1, self.height))
            cols = np.arange(max(int(x) - reach, 0), min(int(x) + reach + 1, self.width))
            if rows.size == 0 or cols.size == 0:
                continue
            block = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
            gap = np.hypot(*np.meshgrid(cols + 0.5 - x, rows + 0.5 - y))
            cover = np.clip(size + 0.5 - gap, 0, 1) * (depth[block] > away)
            picture[:, *block] += cover * vec(*colour)[:, :, None]
            depth[block] = np.where(cover > 0.3, away, depth[block])
