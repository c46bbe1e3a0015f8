"""Proof that a process lives: a file that it keeps locked. The system unlocks it when the process is gone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock


class Presence:
    """The living processes on one data directory, each by its holder's name."""

    def __init__(self, folder: Path, holder: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._holder = holder
        self._lock = self._file(holder)
        self._lock.acquire(blocking=False)

    def close(self) -> None:
        """End this process's presence."""
        self._lock.release()
        self._path(self._holder).unlink(missing_ok=True)

    def dead(self, holders: Iterable[str]) -> list[str]:
        """Return those that surely live no more. Of a holder on another machine nothing can be told."""
        return [holder for holder in holders if holder != self._holder and self._is_dead(holder)]

    def forget(self, dead: Iterable[str]) -> None:
        """Clear away what dead processes left, once nothing of theirs is unfinished."""
        for holder in dead:
            self._path(holder).unlink(missing_ok=True)

    def _is_dead(self, holder: str) -> bool:
        if not self._path(holder).exists():
            return False
        lock = self._file(holder)
        try:
            lock.acquire(blocking=False)
        except OSError:  # held by a living process (filelock's Timeout is one), or another user's
            return False
        lock.release()
        return True

    def _path(self, holder: str) -> Path:
        return self._folder / f"{holder}.lock"

    def _file(self, holder: str) -> FileLock:
        return FileLock(self._path(holder), thread_local=False)
