"""Depth without a depth map: the camera's way bends about the picture, which turns in perspective.

Leaning near rows against far ones gives more depth to a landscape, but upright subjects sway: left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seedance.engine.camera import ease
from seedance.engine.storyboard import Shot

_TURN = 0.012
"""How much larger than the middle the nearer edge of the frame is at either end of a shot."""


def tilted(shot: Shot, progress: float) -> NDArray[np.float64]:
    """Give the matrix that takes the frame, 0 to 1 both ways, to the part of the steady view that it shows.

    A sideways journey turns about an upright axis: what the camera goes towards comes nearer. A push tips:
    the ground comes nearer faster than the sky. Nothing folds, and all lies inside the steady view.
    """
    journey = 2 * ease(progress) - 1
    sideways = np.sign(round(shot.move.end.x - shot.move.start.x, 4))
    inward = np.sign(round(shot.move.end.zoom - shot.move.start.zoom, 4)) if not sideways else 0
    turn, tip = (2 * _TURN * journey * way for way in (sideways, inward))
    margin = 1 / (1 + 2 * _TURN * (abs(sideways) + abs(inward)))
    centre = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    turned = np.array([[margin, 0, 0], [0, margin, 0], [turn, tip, 1]])
    whole: NDArray[np.float64] = np.linalg.inv(centre) @ turned @ centre
    return whole
