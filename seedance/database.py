"""One way to open a database, for the journal and the engine's records alike."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.exc import DBAPIError


def connect(url: str, tables: MetaData) -> Engine:
    """Open the database at an SQLAlchemy URL and create the tables that it lacks.

    SQLite runs in write-ahead mode with full synchronisation: a committed row survives a power cut. Its
    folder is made where it is missing.
    """
    database = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if database.dialect.name == "sqlite":
        Path(database.url.database or "").parent.mkdir(parents=True, exist_ok=True)
        event.listen(database, "connect", _configure_sqlite)
    _create(database, tables)
    return database


def _create(database: Engine, tables: MetaData) -> None:
    for _ in tables.tables:  # a failure means: another process is creating them, and has come one further
        with suppress(DBAPIError):
            return tables.create_all(database)
    return tables.create_all(database)


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file."""
    return f"sqlite:///{path}"


def _configure_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
