"""What is kept: the cleaned reference images, by their sha-256, and the videos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Self

from seedance.errors import NotRecorded
from seedance.files import write_whole
from seedance.images import CleanImage
from seedance.settings import Settings
from seedance.shelf import Bucket, Shelf


class Store:
    """The two folders, on this machine's disk or in a bucket that all replicas share. Blocking."""

    def __init__(self, images: Path, videos: Path, bucket: Bucket | None = None) -> None:
        self.images: Final = images
        self.videos: Final = videos
        self.shared: Final = bucket is not None
        """Whether a file may have to be fetched before it is at hand."""
        self._shelf = Shelf(videos.parent, bucket, "page")

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the store that the settings name.

        Raises:
            InvalidRequest: SEEDANCE_MEDIA_URL cannot be used.
        """
        return cls(settings.images, settings.videos, Bucket(settings.bucket) if settings.bucket else None)

    def image(self, sha256: str) -> Path:
        """Return where a reference image lies, once it is at hand."""
        return self.images / f"{sha256}.jpg"

    def bring(self, path: Path) -> bool:
        """Have an image or a video at hand; False where it is gone.

        Raises:
            OSError: the bucket is away.
        """
        return self._shelf.bring(path)

    def place(self, part: Path, path: Path) -> None:
        """Give a finished video its name, for good.

        Raises:
            OSError: it cannot be stored.
        """
        self._shelf.place(part, path)

    def keep(self, pictures: Sequence[CleanImage]) -> None:
        """Keep images until they are sent and for the history, whatever happens to the originals.

        Raises:
            NotRecorded: the disk, or the bucket, does not take them.
        """
        try:
            for picture in pictures:
                path = self.image(picture.sha256)
                if not self.bring(path):
                    write_whole(path, picture.data)
                    self._shelf.share(path)
        except OSError as error:
            raise NotRecorded(
                f"The images cannot be kept in {self.images} ({error.strerror or error}), so nothing is "
                "sent. Check the disk and SEEDANCE_DATA_DIR."
            ) from error

    def remove(self, images: Iterable[str], video: str | None) -> None:
        """Delete images, by their sha-256, and a video, by its file's name."""
        self._shelf.remove(*map(self.image, images), *([self.videos / video] if video else []))
