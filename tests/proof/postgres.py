"""A Postgres of its own: made in a temporary folder, listening on 127.0.0.1, ended by its process id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import create_engine, text

MISSING: Final = "no Postgres here: apt-get install postgresql (only its programs are used, no service)"
_PLACES: Final = "/usr/lib/postgresql"
_START: Final = 30.0


def programs() -> Path | None:
    """Return the folder of initdb and postgres, the newest there is, or None."""
    found = sorted(Path(_PLACES).glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _user() -> dict[str, Any]:
    """Return as whom to run: Postgres refuses to be run by root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("no system user to run Postgres as: neither postgres nor nobody")


@dataclass
class Postgres:
    """A running server; `stop` ends it, `start` brings it back with what it had committed."""

    folder: Path
    port: int
    made: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, name: str = "postgres") -> str:
        return f"postgresql+psycopg://seedance@127.0.0.1:{self.port}/{name}"

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        self.made += 1
        name = f"house_{self.made}"
        server = create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with server.connect() as db:
            db.execute(text(f"CREATE DATABASE {name}"))
        server.dispose()
        return self.url(name)

    def start(self) -> None:
        command = [programs_or_fail() / "postgres", "-D", self.folder / "data", "-k", self.folder]
        listen = ["-p", str(self.port), "-c", "listen_addresses=127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *listen], cwd=self.folder, stdout=log, stderr=log, **_user()
            )
        deadline = time.monotonic() + _START
        ready = [programs_or_fail() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"Postgres did not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.05)

    def busy(self) -> float:
        """Return the processor time that the server and its connections have used, in seconds."""
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        ended = server.cpu_times()
        used = ended.user + ended.system + ended.children_user + ended.children_system
        for connection in server.children():
            with suppress(psutil.NoSuchProcess):
                times = connection.cpu_times()
                used += times.user + times.system
        return used

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server and its connections at once, everything committed on disk."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None


def programs_or_fail() -> Path:
    if (found := programs()) is None:
        raise RuntimeError(MISSING)
    return found


@contextmanager
def running() -> Iterator[Postgres]:
    """Run a new server with the settings it comes with: fsync, synchronous commits."""
    user = _user()
    with tempfile.TemporaryDirectory(prefix="seedance-postgres-") as name:
        folder = Path(name)
        if user:
            os.chown(folder, user["user"], user["group"])
        init = [programs_or_fail() / "initdb", "-D", folder / "data", "-U", "seedance", "-A", "trust"]
        subprocess.run(
            [*init, "--no-sync", "-E", "UTF8"], cwd=folder, check=True, capture_output=True, **user
        )
        server = Postgres(folder, _free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)  # its files go: nothing need be written out


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
