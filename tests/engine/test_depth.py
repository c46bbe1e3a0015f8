from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from seedance.engine.camera import Move, View
from seedance.engine.depth import tilted
from seedance.engine.storyboard import Shot

MOVES = {
    "push": Move(View(0.5, 0.5), View(0.5, 0.5, 1.2)),
    "pull": Move(View(0.5, 0.5, 1.2), View(0.5, 0.5)),
    "truck": Move(View(0.4, 0.5, 1.3), View(0.6, 0.5, 1.3)),
    "orbit": Move(View(0.6, 0.5, 1.1), View(0.4, 0.5, 1.2)),
    "still": Move(View(0.5, 0.5), View(0.5, 0.5)),
}
CORNERS = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]])


def corners(name: str, progress: float) -> NDArray[np.float64]:
    points = CORNERS @ tilted(Shot(0, 0, 48, MOVES[name], name, depth=True), progress).T
    return points[:, :2] / points[:, 2:]


@pytest.mark.parametrize("name", MOVES)
def test_a_turn_stays_within_the_steady_view(name: str) -> None:
    """Every corner of the frame falls inside, at most 3 % from where it was: nothing folds or tears."""
    for progress in np.linspace(0, 1, 25):
        shown = corners(name, progress)
        assert shown.min() >= -1e-12
        assert shown.max() <= 1 + 1e-12
        assert np.abs(shown - CORNERS[:, :2]).max() < 0.03


@pytest.mark.parametrize("name", ["truck", "orbit"])
def test_upright_edges_stay_upright_in_a_sideways_journey(name: str) -> None:
    """A tower does not sway: left and right edges remain plumb."""
    for progress in (0, 0.3, 1):
        shown = corners(name, progress)
        assert shown[0, 0] == pytest.approx(shown[3, 0])
        assert shown[1, 0] == pytest.approx(shown[2, 0])


def test_what_the_camera_goes_towards_comes_nearer() -> None:
    """In a push the ground grows more than the sky; going right, the right edge more than the left."""

    def wide(shown: NDArray[np.float64], a: int, b: int) -> float:
        return float(np.hypot(*(shown[a] - shown[b])))

    first, last = corners("push", 0), corners("push", 1)
    assert wide(first, 2, 3) / wide(last, 2, 3) > 1.02
    assert wide(first, 0, 1) / wide(last, 0, 1) < 0.98
    first, last = corners("truck", 0), corners("truck", 1)
    assert wide(first, 1, 2) / wide(last, 1, 2) > 1.02
    assert wide(first, 0, 3) / wide(last, 0, 3) < 0.98


def test_a_still_camera_does_not_turn() -> None:
    """Without a journey there is no perspective either."""
    assert (tilted(Shot(0, 0, 48, MOVES["still"], "still", depth=True), 0.3) == np.eye(3)).all()
