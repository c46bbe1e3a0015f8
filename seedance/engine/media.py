"""Where the engine keeps files: uploads and videos, each under a token that nobody can guess."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Media:
    """The engine's folder of files."""

    root: Path

    def upload(self, token: str) -> Path:
        """Return the path of an upload's bytes."""
        return self.root / "uploads" / token

    def video(self, token: str) -> Path:
        """Return the path of a finished video."""
        return self.root / "videos" / f"{token}.mp4"

    def progress(self, token: str) -> Path:
        """Return the path of the note in which a worker keeps its progress."""
        return self.root / "videos" / f"{token}.progress"

    def read_progress(self, token: str) -> float | None:
        """Return how much of a video is rendered, 0 to 1, or None where no worker has said so."""
        try:
            return float(self.progress(token).read_text())
        except (OSError, ValueError):
            return None
