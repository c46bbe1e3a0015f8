"""The machine that the program runs on: its disk, its database, its log; each can fail on order."""

from __future__ import annotations

import errno
import io
import logging
import os
import random
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

from PIL import Image
from sqlalchemy import Engine

from seedance import images, journal, leases, record, studio
from seedance.database import connect, sqlite_url
from seedance.images import CleanImage
from seedance.presence import Presence
from tests.simulation.process import CURRENT, Crash, point

_FULL: Final = "database or disk is full"
_TAKE_OVER: Final = 60.0  # seconds between looks, instead of 1.5: they would take most of the time
_LEASE: Final = 60.0  # seconds, instead of 15, likewise
_AWAY: Final = "server closed the connection unexpectedly"
_RAM: Final = Path("/dev/shm")


class Machine:
    """One disk and one database, used again for every schedule. Use it as a context manager."""

    def __init__(self) -> None:
        self.full: Callable[[], bool] = lambda: False
        self.now: Callable[[], float] = lambda: 0.0
        self.apart = False
        """Whether a process's death cannot be seen."""
        self.chance = random.Random(0)
        self.log = _Log()
        self.mute = False
        """The harness itself is at work: nothing fails and nothing counts."""
        self._cleaned: dict[tuple[Path, str | None], CleanImage] = {}

    def __enter__(self) -> Machine:
        parent = _RAM if os.access(_RAM, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="seedance-simulation-", dir=parent))
        self.data = self.folder / "data"
        self.database = self.folder / "journal.sqlite"
        self.engine = connect(self.url, record.METADATA, name="journal", version=record.VERSION)
        self.raw = sqlite3.connect(self.database, isolation_level=None)
        self._wrap(self.engine)
        self._stack = ExitStack()
        for owner, name, new in (
            (os, "fsync", self._fsync),
            (os, "replace", self._replace),
            (os, "unlink", self._unlink),
            (io, "open", self._open),
            (uuid, "uuid4", self._uuid),
            (images, "clean", self.clean_once),
            (journal, "connect", self._connect),
            (journal, "LEASE", _LEASE),
            (leases, "LEASE", _LEASE),
            (studio, "_TAKE_OVER", _TAKE_OVER),
            (Presence, "dead", lambda *arguments: self._dead(*arguments)),
        ):
            self._stack.enter_context(mock.patch.object(owner, name, new))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
        self._dispose()
        self.raw.close()
        shutil.rmtree(self.folder)

    @property
    def url(self) -> str:
        return sqlite_url(self.database)

    def picture(self, n: int) -> Path:
        """Return a picture that a user may give, made at its first use."""
        path = self.folder / f"picture-{n}.png"
        if not path.exists():
            Image.new("RGB", (320, 320), (40 * n, 90, 160)).save(path)
        return path

    def clean_once(self, path: Path, name: str | None = None) -> CleanImage:
        """Clean each picture once: it is the same each time, and takes milliseconds."""
        if (path, name) not in self._cleaned:
            with self.quiet():
                self._cleaned[path, name] = _CLEAN(path, name)
        return self._cleaned[path, name]

    def clear(self) -> None:
        """Make it as new."""
        with self.quiet():
            for table in record.METADATA.tables:
                self.raw.execute(f"DELETE FROM {table}")
            shutil.rmtree(self.data, ignore_errors=True)
            self.data.mkdir()
            self.log.lines.clear()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Let the harness look and clear up without any fault."""
        self.mute = True
        try:
            yield
        finally:
            self.mute = False

    def rows(self) -> list[dict[str, Any]]:
        """Return the videos as they are committed."""
        found = self.raw.execute("SELECT * FROM videos")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def knows(self, seed: int) -> bool:
        """Return whether it is committed that a video with that seed is being submitted, or later."""
        known = "SELECT 1 FROM videos WHERE seed = ? AND state <> 'new' AND submitted_at IS NOT NULL"
        return self.raw.execute(known, (seed,)).fetchone() is not None

    def holds(self, text: str) -> bool:
        """Return whether the database's files hold that text, deleted rows included."""
        files = self.folder.glob("journal.sqlite*")
        return any(text.encode() in path.read_bytes() for path in files)

    def dump(self) -> str:
        """Return all that the database holds, as text."""
        return "\n".join(
            str(row) for table in record.METADATA.tables for row in self.raw.execute(f"SELECT * FROM {table}")
        )

    def _wrap(self, engine: Engine) -> None:
        """Put crash points and faults around every write and its commit."""
        dialect: Any = engine.dialect
        execute, commit = dialect.do_execute, dialect.do_commit
        self._writing = ""

        def do_execute(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
            self._alive()
            if self._cut_off():
                raise sqlite3.OperationalError(_AWAY)
            if statement.startswith(("INSERT", "UPDATE", "DELETE")):
                first, _, second = statement.partition(" ")
                about_holders = second.removeprefix("INTO ").removeprefix("FROM ").startswith("holders")
                self._writing = "write" if not about_holders else "tidy" if first == "DELETE" else "renew"
                if self.full():
                    raise sqlite3.OperationalError(_FULL)
            execute(cursor, statement, parameters, context)

        def do_commit(connection: Any) -> None:
            kind, self._writing = self._writing, ""
            if kind:
                point(f"before {kind}")
                if self.full():
                    raise sqlite3.OperationalError(_FULL)
            commit(connection)
            if kind:
                point(f"after {kind}")

        dialect.do_execute, dialect.do_commit = do_execute, do_commit
        self._dispose, engine.dispose = engine.dispose, lambda *_, **__: None  # type: ignore[method-assign]

    def _connect(self, *_: Any, **__: Any) -> Engine:
        return self.engine

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.chance.getrandbits(128), version=4)

    def _dead(self, presence: Presence, holders: Iterable[str]) -> list[str]:
        return [] if self.apart else _DEAD(presence, holders)

    def _cut_off(self) -> bool:
        process = CURRENT.get()
        return process is not None and process.cut_off[0] <= self.now() < process.cut_off[1]

    def _alive(self) -> None:
        process = CURRENT.get()
        if process is not None and not process.alive:
            raise Crash("the process is gone")

    def _fsync(self, descriptor: int) -> None:
        self._alive()
        if self.full() and not self.mute:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _replace(self, source: Any, target: Any, **more: Any) -> None:
        point("before replace")
        _REPLACE(source, target, **more)
        point("after replace")

    def _unlink(self, path: Any, **more: Any) -> None:
        self._alive()
        _UNLINK(path, **more)

    def _open(self, file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        inside = isinstance(file, (str, Path)) and str(file).startswith(str(self.data))
        if inside and not self.mute and set(mode) & set("wax+"):
            self._alive()
            if self.full():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        return _OPEN(file, mode, *more, **named)


_DEAD: Final = Presence.dead
_CLEAN: Final = images.clean
_OPEN: Final = io.open
_REPLACE: Final = os.replace
_UNLINK: Final = os.unlink


class _Log(logging.Handler):
    """Keeps every line that the program logs, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Take the place of every other handler."""
        root = logging.root
        handlers, level = root.handlers[:], root.level
        root.handlers[:] = [self]
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
