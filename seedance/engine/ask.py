"""What a prompt asks of the camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Pace = Literal["slow", "steady", "fast"]


@dataclass(frozen=True)
class Ask:
    """A move that a clause asks for or forbids: any of `gestures`. Positions are in the clause."""

    start: int
    end: int
    gestures: tuple[str, ...]
    pace: Pace = "steady"
    forbidden: bool = False
