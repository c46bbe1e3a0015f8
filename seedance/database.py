"""One way to open a database, for the journal and the engine's records alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, event


def connect(url: str, tables: MetaData) -> Engine:
    """Open the database at an SQLAlchemy URL and create the tables that it lacks.

    SQLite runs in write-ahead mode with full synchronisation: a committed row survives a power cut.
    """
    database = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if database.dialect.name == "sqlite":
        event.listen(database, "connect", _configure_sqlite)
    tables.create_all(database)
    return database


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file, its folder made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path}"


def _configure_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
