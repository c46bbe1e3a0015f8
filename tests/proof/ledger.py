"""The provider's books: what each key was charged for, on disk before the client can hear of it."""

from __future__ import annotations

import json
import os
import random
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Sold:
    """One task that was accepted and charged."""

    id: str
    key: str
    model: str
    body: dict[str, Any]
    time: float
    done_at: float
    polls: int = 0
    known_at: float | None = None
    """When its client was first told that it is completed."""
    downloads: int = 0
    """How often its video was sent to the last byte."""

    @property
    def charge(self) -> dict[str, Any]:
        return {"id": self.id, "time": self.time, "key": self.key, "model": self.model, "body": self.body}


@dataclass
class Ledger:
    """All that was sold, appended to a file of JSON lines and synchronised to disk line by line."""

    path: Path
    sold: dict[str, Sold] = field(default_factory=dict)
    posts: Counter[str] = field(default_factory=Counter)
    """How many submits each key sent, whatever became of them."""

    def charge(self, key: str, model: str, body: dict[str, Any], delay: float) -> Sold:
        now = time.time()
        task = Sold(random.randbytes(16).hex(), key, model, body, now, now + delay)
        with self.path.open("a") as file:
            file.write(json.dumps(task.charge) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.sold[task.id] = task
        return task

    def told(self, key: str | None) -> dict[str, Any]:
        """Return the books as JSON, of one key or of all."""
        sold = [task for task in self.sold.values() if key in (None, task.key)]
        return {
            "posts": self.posts.total() if key is None else self.posts[key],
            "tasks": [
                task.charge
                | {"polls": task.polls, "downloads": task.downloads}
                | {"known_after": task.known_at and task.known_at - task.done_at}
                for task in sold
            ],
        }


def video(task_id: str) -> bytes:
    """Return the video of a task: an MP4 that no other task has, built by hand (ISO/IEC 14496-12)."""
    chance = random.Random(task_id)
    unity = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = struct.pack(">5I", 0, 0, 0, 1000, 5000) + struct.pack(">IHH8x", 0x10000, 0x100, 0)
    movie = _box(b"mvhd", header + unity + bytes(24) + struct.pack(">I", 1))
    frames = chance.randbytes(chance.randint(200_000, 600_000))
    kind = b"isom" + struct.pack(">I", 512) + b"isomiso2mp41"
    return _box(b"ftyp", kind) + _box(b"moov", movie) + _box(b"mdat", frames)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content
