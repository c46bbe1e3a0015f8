"""What is kept on this machine's disk: the cleaned reference images, by their sha-256, and the videos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from seedance.errors import NotRecorded
from seedance.files import write_whole
from seedance.images import CleanImage
from seedance.settings import Settings


@dataclass(frozen=True, slots=True)
class Store:
    """The two folders. Blocking."""

    images: Path
    videos: Path

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the store in the data directory."""
        return cls(settings.images, settings.videos)

    def image(self, sha256: str) -> Path:
        """Return where a reference image lies."""
        return self.images / f"{sha256}.jpg"

    def keep(self, pictures: Sequence[CleanImage]) -> None:
        """Keep images until they are sent and for the history, whatever happens to the originals.

        Raises:
            NotRecorded: the disk does not take them.
        """
        try:
            for picture in pictures:
                path = self.image(picture.sha256)
                if not path.exists():
                    write_whole(path, picture.data)
        except OSError as error:
            raise NotRecorded(
                f"The images cannot be kept in {self.images} ({error.strerror}), so nothing is sent. "
                "Check the disk and SEEDANCE_DATA_DIR."
            ) from error

    def remove(self, images: Iterable[str], video: str | None) -> None:
        """Delete images, by their sha-256, and a video, by its file's name."""
        gone = [self.image(sha256) for sha256 in images]
        gone += [self.videos / video] if video else []
        for path in gone:
            path.unlink(missing_ok=True)
