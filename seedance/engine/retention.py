"""What goes after seven days: records, uploads, results, and what killed processes have left behind."""

from __future__ import annotations

import asyncio
import itertools
import logging
import string
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from seedance.engine.media import Media
from seedance.engine.records import Records
from seedance.engine.tickets import BATCH, KEPT

_LOG: Final = logging.getLogger(__name__)
_EVERY: Final = 60.0  # seconds between sweeps for what is old
_EVERY_FILE: Final = 3600.0  # seconds between sweeps through the folder
_EVERY_LIST: Final = 86400.0  # seconds between sweeps through the bucket
_BEGINNINGS: Final = string.ascii_letters + string.digits + "-_"  # of tokens: few names at a time
_PASSING: Final = 3600.0  # seconds without a change after which nobody writes a temporary file any more
_ORPHANED: Final = 86400.0  # seconds after which a file without a record was not just deleted or begun


class Sweeper:
    """Sweeps an engine's records and files, for as long as `run` runs."""

    def __init__(self, records: Records, media: Media, *, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._media = media
        self._clock = clock

    async def run(self) -> None:
        """Sweep every minute, and through the whole folder every hour, until cancelled."""
        searched = listed = float("-inf")
        while True:
            try:
                await asyncio.to_thread(self.sweep)
                if time.monotonic() - searched >= _EVERY_FILE:
                    await asyncio.to_thread(self.sweep_files)
                    searched = time.monotonic()
                if time.monotonic() - listed >= _EVERY_LIST:
                    await asyncio.to_thread(self.sweep_bucket)
                    listed = time.monotonic()
            except Exception:  # a disk or a database that is away for a while
                _LOG.exception("what is old could not be swept; trying again")
            await asyncio.sleep(_EVERY)

    def sweep(self) -> None:
        """Delete what is older than its seven days, files after their records. Blocking."""
        while True:
            tasks, uploads = self._records.expire(self._clock() - KEPT, BATCH)
            self._media.remove(*tasks, *uploads)
            if max(len(tasks), len(uploads)) < BATCH:
                return

    def sweep_bucket(self) -> None:
        """Remove from the bucket what no record names, as `sweep_files` does on the disk. Blocking."""
        media, bucket = self._media, self._media.bucket
        if bucket is None:
            return
        kinds = {"videos": self._records.known_outputs, "uploads": self._records.known_uploads}
        for (kind, known), beginning in itertools.product(kinds.items(), _BEGINNINGS):
            names = [name for name, age in bucket.files(f"engine/{kind}", beginning) if age > _ORPHANED]
            named = known({_token(Path(name)) for name in names})
            left = [name for name in names if _token(Path(name)) not in named or name.endswith(".part")]
            media.shelf.remove(*(media.root / kind / name for name in left))

    def sweep_files(self) -> None:
        """Remove old temporary files, and old files that no record names. Blocking."""
        now = self._clock()
        results, uploads = self._media.root / "videos", self._media.root / "uploads"
        for path, age in _files(self._media.root / "fetched", now):
            if age > _PASSING:
                path.unlink(missing_ok=True)
        for folder, known in ((results, self._records.known_outputs), (uploads, self._records.known_uploads)):
            old: list[Path] = []
            for path, age in _files(folder, now):
                if path.suffix in (".part", ".progress") and age > _PASSING:
                    path.unlink(missing_ok=True)
                elif age > _ORPHANED:
                    old.append(path)
            named = known({_token(path) for path in old})
            for path in old:
                if _token(path) not in named:
                    path.unlink(missing_ok=True)


def _files(folder: Path, now: float) -> Iterator[tuple[Path, float]]:
    """Yield the files of a folder, if it is there, and for how many seconds each is unchanged."""
    if not folder.is_dir():
        return
    for path in list(folder.iterdir()):
        try:
            status = path.stat()
        except FileNotFoundError:  # just renamed
            continue
        yield path, now - status.st_mtime


def _token(path: Path) -> str:
    return path.name.partition(".")[0]
