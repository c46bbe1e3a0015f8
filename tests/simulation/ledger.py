"""What the provider charged, and what its history shows of it."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(slots=True)
class Charge:
    """One accepted submit: what was asked, when, and the task that came of it."""

    id: str
    body: dict[str, Any]
    time: float
    takes: float
    fails: bool
    foreign: bool = False
    """Somebody else's, with the same key: it stands in the history, too."""
    recorded: bool = True
    """Whether the journal knew of it at the moment of the charge."""

    @property
    def seed(self) -> int:
        return int(self.body["seed"])

    @property
    def ready(self) -> float:
        return self.time + self.takes

    @property
    def video(self) -> bytes:
        return make_mp4(self.id)


@dataclass(slots=True)
class History:
    """How the list call behaves; times are seconds since the simulation's start."""

    lag: float = 1.0
    no_inputs_until: float = 0.0
    outage: tuple[float, float] = (0.0, 0.0)
    strangers: int = 0
    """Tasks of other programs with the same key that stand before ours, newest first."""

    def shows(self, now: float, since: float) -> bool:
        """Return whether a task accepted at `since` can be found at `now`."""
        out = self.outage[0] <= now < self.outage[1]
        return not out and now >= since + self.lag and now >= self.no_inputs_until


@lru_cache(1000)
def make_mp4(name: str) -> bytes:
    """Return the smallest file that counts as a whole MP4, its data telling whose it is."""
    data = b"".join(hashlib.sha256(f"{name}{n}".encode()).digest() for n in range(8))
    boxes = ((b"ftyp", b"isom\0\0\2\0isomiso2"), (b"moov", b"\0" * 16), (b"mdat", data))
    return b"".join(struct.pack(">I4s", len(body) + 8, kind) + body for kind, body in boxes)
