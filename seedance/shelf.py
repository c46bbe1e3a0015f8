"""Files that several machines share: what is at hand in a folder, before a bucket that has them all."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from seedance.errors import InvalidRequest
from seedance.files import put_in_place

MOST: Final = 2 << 30
"""Bytes of a bucket's files that are kept at hand."""
_UNTOUCHED: Final = 600.0  # seconds without use after which a file at hand may go
_BUCKET: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?")
_NAME: Final = "SEEDANCE_MEDIA_URL"


class Bucket:
    """Files under names in object storage. Blocking; safe in threads. What goes wrong is an `OSError`.

    Who may write there, and where it is, boto's own variables say: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ….
    """

    def __init__(self, url: str) -> None:
        """Raise `InvalidRequest` where the address is none, or what speaks to it is not installed."""
        if not _BUCKET.fullmatch(url):
            raise InvalidRequest(
                _NAME, f"{_NAME}: {url!r} given; a folder, or s3://bucket or s3://bucket/prefix, is allowed."
            )
        try:
            import fsspec
            import s3fs  # noqa: F401  fsspec would load it only later
        except ImportError as error:
            extra = "s3:// needs the extra 'cluster': pip install '.[cluster]' in this program's folder"
            raise InvalidRequest(_NAME, f"{_NAME}: {extra} ({error}).") from error
        self._root = url.removeprefix("s3://").strip("/")
        self._files = fsspec.filesystem("s3", use_listings_cache=False)

    def put(self, path: Path, name: str) -> None:
        """Store a file, whole or not at all."""
        with _as_os_errors():
            self._files.put_file(str(path), self._at(name))

    def fetch(self, name: str, path: Path) -> bool:
        """Bring a file to `path`, whole or not at all; False where there is none of that name."""
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            with _as_os_errors():
                size = self._files.info(self._at(name))["size"]
                path.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(self._at(name), str(part))
            if part.stat().st_size != size:
                raise OSError(f"{name} came incomplete: {part.stat().st_size} of {size} bytes")
            part.replace(path)
        except FileNotFoundError:
            return False
        finally:
            part.unlink(missing_ok=True)
        return True

    def move(self, name: str, to: str) -> None:
        """Give a file another name."""
        with _as_os_errors():
            self._files.cp_file(self._at(name), self._at(to))
        self.remove(name)

    def remove(self, *names: str) -> None:
        """Remove files, if they are there."""
        with _as_os_errors():
            for name in names:
                with suppress(FileNotFoundError):
                    self._files.rm_file(self._at(name))

    def files(self, folder: str, beginning: str = "") -> Iterator[tuple[str, float]]:
        """Yield the names in a folder that begin so, and for how many seconds each file is there."""
        with _as_os_errors():
            found: dict[str, Any] = self._files.find(self._at(folder), prefix=beginning, detail=True)
        now = time.time()
        for path, facts in found.items():
            yield path.rpartition("/")[2], now - facts["LastModified"].timestamp()

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder, and behind it the bucket's folder `name`, where there is one. Blocking.

    Without a bucket the folder is the place itself. With one it holds what was used last.
    """

    folder: Path
    bucket: Bucket | None = None
    name: str = ""

    def bring(self, path: Path) -> bool:
        """Have a file of the folder at hand; False where there is none of that name.

        Raises:
            OSError: the bucket is away.
        """
        if self.bucket is None:
            return path.is_file()
        with suppress(FileNotFoundError):
            os.utime(path)
            return True
        if not self.bucket.fetch(self._key(path), path):
            return False
        self._trim()
        return True

    def place(self, part: Path, path: Path) -> None:
        """Give a finished file its name, for good: in the bucket first.

        Raises:
            OSError: the disk, or the bucket, does not take it.
        """
        if self.bucket is not None:
            self.bucket.put(part, self._key(path))
        put_in_place(part, path)
        self._trim()

    @contextmanager
    def staged(self, part: Path, path: Path) -> Iterator[Callable[[], None]]:
        """Give what gives a finished file its name, and is quick: the bytes are in the bucket before."""
        if self.bucket is None:
            yield lambda: put_in_place(part, path)
            return
        bucket, waiting, key = self.bucket, self._key(part), self._key(path)
        bucket.put(part, waiting)

        def place() -> None:
            bucket.move(waiting, key)
            put_in_place(part, path)

        try:
            yield place
        finally:
            bucket.remove(waiting)

    def share(self, *paths: Path) -> None:
        """Put files that are in the folder into the bucket as well; those that are not there are passed over.

        Raises:
            OSError: the bucket does not take them.
        """
        if self.bucket is None:
            return
        for path in paths:
            if path.is_file():
                self.bucket.put(path, self._key(path))
        self._trim()

    def remove(self, *paths: Path) -> None:
        """Remove files, if they are there."""
        for path in paths:
            path.unlink(missing_ok=True)
        if self.bucket is not None:
            self.bucket.remove(*map(self._key, paths))

    def _key(self, path: Path) -> str:
        return f"{self.name}/{path.relative_to(self.folder).as_posix()}"

    def _trim(self) -> None:
        """Let go what was not used for longest, where there is more at hand than may be."""
        if self.bucket is None:
            return
        kept = []
        for path in self.folder.glob("*/*"):
            with suppress(FileNotFoundError):
                if path.is_file():
                    kept.append((path.stat().st_mtime, path.stat().st_size, path))
        left = sum(size for _, size, _ in kept)
        for used, size, path in sorted(kept):
            if left <= MOST or time.time() - used < _UNTOUCHED:
                return
            path.unlink(missing_ok=True)
            left -= size


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Tell what boto and its connections raise as what it is to a caller: an input or output that failed."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"the bucket failed ({type(error).__name__}: {error})") from error
