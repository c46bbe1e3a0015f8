"""Development: depth of field, bloom, film tones, grain."""

import math

import cv2
import numpy as np

_TO_FILM = np.array(
    [[0.59719, 0.35458, 0.04823], [0.076, 0.90834, 0.01566], [0.0284, 0.13383, 0.83777]], np.float32
)
_FROM_FILM = np.linalg.inv(
    np.array([[0.64304, 0.31119, 0.04579], [0.05931, 0.92883, 0.01186], [0.00596, 0.06393, 0.93011]])
).astype(np.float32)


def develop(picture, depth, scene, seed=3):
    """8-bit RGB from linear light."""
    camera, look = scene.camera, scene.look
    picture = _focus(picture, depth, camera.focus_distance, camera.aperture * picture.shape[0])
    picture = _bloom(picture, look.bloom)
    picture = _vignette(picture * look.exposure, look.vignette)
    tone = _grade(_film(picture), look)
    rng = np.random.default_rng(seed)
    grain = rng.standard_normal(tone.shape[:2], dtype=np.float32)
    grain = 0.6 * grain + 0.8 * cv2.GaussianBlur(grain, (0, 0), 0.8) * 1.6
    weight = look.grain * (0.5 + 2 * tone.mean(2) * (1 - tone.mean(2)))
    tone = tone + (grain * weight)[:, :, None] + (rng.random(tone.shape, dtype=np.float32) - 0.5) / 255
    return (np.clip(tone, 0, 1) * 255 + 0.5).astype(np.uint8)


def _disc(radius):
    reach = math.ceil(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return disc / disc.sum()


def _focus(picture, depth, focus, strength):
    """Blur by distance from the plane in focus: layers, from far to near."""
    if strength < 0.5:
        return picture
    blur = strength * (1 - focus / np.maximum(depth, 1e-3))
    blur = np.sign(blur) * np.maximum(np.abs(blur) - 0.7, 0)
    span = float(np.abs(blur).max())
    levels = [k for k in (strength * np.array([1, 0.72, 0.5, 0.34, 0.22, 0.13, 0.07, 0.03])) if k > 0.6]
    stops = levels + [0.0] + [-k for k in levels[::-1]]
    stops = [s for s in stops if abs(s) <= span * 1.5 or s == 0]
    result = None
    for k, stop in enumerate(stops):
        above = stops[k - 1] if k else None
        below = stops[k + 1] if k + 1 < len(stops) else None
        share = np.ones_like(blur)
        if above is not None:
            share = np.minimum(share, np.clip((above - blur) / (above - stop), 0, 1))
        if below is not None:
            share = np.minimum(share, np.clip((blur - below) / (stop - below), 0, 1))
        if share.max() == 0:
            continue
        layer, cover = picture * share[:, :, None], share
        if stop != 0:
            kernel = _disc(abs(stop))
            layer = cv2.filter2D(layer, -1, kernel, borderType=cv2.BORDER_REPLICATE)
            cover = cv2.filter2D(cover, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        if result is None:
            result, total = layer, cover
            continue
        result = result * (1 - cover)[:, :, None] + layer
        total = total * (1 - cover) + cover
    return result / np.maximum(total, 1e-3)[:, :, None]


def _bloom(picture, amount):
    """Light spilling round bright places, wide and narrow."""
    height, width = picture.shape[:2]
    bright = picture / (1 + 0.08 * picture)
    total = np.zeros_like(picture)
    for share, weight in ((0.004, 0.4), (0.015, 0.3), (0.05, 0.2), (0.14, 0.1)):
        sigma = share * height
        shrink = max(1, int(sigma / 3))
        small = cv2.resize(
            bright, (max(width // shrink, 4), max(height // shrink, 4)), interpolation=cv2.INTER_AREA
        )
        small = cv2.GaussianBlur(small, (0, 0), sigma / shrink, borderType=cv2.BORDER_REPLICATE)
        total += weight * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return picture * (1 - amount) + np.maximum(total, 0) * amount


def _vignette(picture, amount):
    height, width = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return picture * (1 - amount * np.clip((x * x + y * y) / 2, 0, 1) ** 1.4)[:, :, None]


def _film(picture):
    """Shoulder and toe of film; bright colours lose saturation as they do on film."""
    v = np.maximum(picture, 0) @ _TO_FILM.T
    v = (v * (v + 0.0245786) - 0.000090537) / (v * (0.983729 * v + 0.4329510) + 0.238081)
    v = np.clip(v @ _FROM_FILM.T, 0, 1)
    return np.where(v < 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


def _grade(tone, look):
    luma = (tone @ np.array([0.2126, 0.7152, 0.0722], np.float32))[:, :, None]
    tone = luma + (tone - luma) * look.saturation
    tone = tone * (np.array(look.shadows) * (1 - luma) + np.array(look.lights) * luma).astype(np.float32)
    return 0.5 + (tone - 0.5) * look.contrast
