"""Where the engine keeps files: uploads and results, each under a token that nobody can guess."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from seedance.engine.schema import TaskRecord, Upload
from seedance.shelf import Bucket, Shelf


@dataclass(frozen=True, slots=True)
class Media:
    """The engine's folder of files, and the bucket behind it that all engines share, where there is one."""

    root: Path
    bucket: Bucket | None = None

    @property
    def shelf(self) -> Shelf:
        """The way to files that another engine may have made."""
        return Shelf(self.root, self.bucket, "engine")

    def share(self, task: TaskRecord) -> None:
        """Let the other engines have what a task has made. Blocking.

        Raises:
            OSError: the bucket does not take it.
        """
        self.shelf.share(self.thumbnail(task.output), self.last_frame(task.output), self.result(task))

    def upload(self, token: str) -> Path:
        """Return the path of an upload's bytes."""
        return self.root / "uploads" / token

    def new_part(self, token: str) -> Path:
        """Return a path, like no other, for an upload's bytes while they come; its folder is there."""
        whole = self.upload(token)
        whole.parent.mkdir(parents=True, exist_ok=True)
        return whole.with_name(f"{token}.{uuid.uuid4().hex[:8]}.part")

    def video(self, token: str) -> Path:
        """Return the path of a finished video."""
        return self.root / "videos" / f"{token}.mp4"

    def image(self, token: str) -> Path:
        """Return the path of a finished image."""
        return self.root / "videos" / f"{token}.jpg"

    def result(self, task: TaskRecord) -> Path:
        """Return the path of what a task makes."""
        return self.image(task.output) if task.kind == "image" else self.video(task.output)

    def thumbnail(self, token: str) -> Path:
        """Return the path of a result's small picture, a WebP. It is there before the result is."""
        return self.root / "videos" / f"{token}.thumb.webp"

    def last_frame(self, token: str) -> Path:
        """Return the path of a video's last frame, a PNG. It is there before the video is."""
        return self.root / "videos" / f"{token}.last.png"

    def progress(self, token: str) -> Path:
        """Return the path of the note in which a worker keeps its progress."""
        return self.root / "videos" / f"{token}.progress"

    def read_progress(self, token: str) -> float | None:
        """Return how much of a result is rendered, 0 to 1, or None where no worker has said so."""
        try:
            return float(self.progress(token).read_text())
        except (OSError, ValueError):
            return None

    def share_rendered(self, task: TaskRecord) -> float:
        """Return how much of a task is rendered, 0 to 1, wherever that happens."""
        share = self.read_progress(task.output)
        return task.progress if share is None else share

    def fetched(self, token: str, number: int) -> Path:
        """Return the path of an image of a task that was fetched for its render, until that ends."""
        return self.root / "fetched" / f"{token}.{number}"

    def forget(self, token: str) -> None:
        """Remove what an attempt at a task has left under its token. Blocking."""
        self.progress(token).unlink(missing_ok=True)
        files = (self.video, self.image, self.thumbnail, self.last_frame)
        self.shelf.remove(*(path(token) for path in files))

    def remove(self, *rows: TaskRecord | Upload) -> None:
        """Remove the files of tasks and uploads that are on record no more. Blocking."""
        for row in rows:
            if isinstance(row, Upload):
                self.shelf.remove(self.upload(row.token))
            else:
                self.forget(row.output)
