"""One way to open a database, for the journal and the engine's records alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    Table,
    cast,
    create_engine,
    event,
    func,
    inspect,
    literal,
)
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateColumn

from seedance.errors import NotRecorded

_LAST_WORDS: Final = 5.0  # seconds for what is just being asked of a server
_TRIES: Final = 5  # several processes may bring one database forward at the same time


def connect(
    url: str,
    tables: MetaData,
    *,
    name: str,
    version: int,
    fill: Callable[[Connection], object] = lambda _: None,
) -> Engine:
    """Open the database at an SQLAlchemy URL and bring the tables that go by this name forward to `version`.

    Tables, columns and indexes that are missing are added, and `fill` puts into new ones what old ones say;
    it may be called again where it was broken off. Nothing is ever dropped. SQLite runs in
    write-ahead mode with full synchronisation: a committed row survives a power cut.

    Raises:
        NotRecorded: the database was written by a newer program.
    """
    database = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if database.dialect.name == "sqlite":
        Path(database.url.database or "").parent.mkdir(parents=True, exist_ok=True)
        event.listen(database, "connect", _configure_sqlite)
    try:
        for _ in range(_TRIES - 1):
            with suppress(DBAPIError):  # another process did a part of it just now, so less is left to do
                _bring_forward(database, tables, name, version, fill)
                return database
        _bring_forward(database, tables, name, version, fill)
    except BaseException:
        database.dispose()
        raise
    return database


def disconnect(database: Engine) -> None:
    """Close the connections; a server's, once the threads that still have some have given them back.

    A thread that comes later is refused: nobody would close its connection.
    """
    deadline = time.monotonic() + _LAST_WORDS
    if isinstance(database.pool, QueuePool) and database.dialect.name != "sqlite":
        event.listen(database, "do_connect", _refuse)
        while database.pool.checkedout() and time.monotonic() < deadline:
            time.sleep(0.01)
    database.dispose()


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file."""
    return f"sqlite:///{path}"


def server_time(database: Engine, clock: Callable[[], float]) -> ColumnElement[float]:
    """Return the time that leases go by: the server's, where several machines share a database."""
    if database.dialect.name == "sqlite":
        return literal(clock())
    return cast(func.extract("epoch", func.clock_timestamp()), Float)


def _bring_forward(
    database: Engine, tables: MetaData, name: str, version: int, fill: Callable[[Connection], object]
) -> None:
    stamp = Table(f"{name}_version", MetaData(), Column("version", Integer, nullable=False))
    with database.begin() as db:
        found = db.execute(stamp.select()).scalar() if inspect(db).has_table(stamp.name) else 0
        if found == version:
            return
        if found and found > version:
            raise NotRecorded(
                f"The database is of version {found}, written by a newer program; this one knows {version}. "
                "Nothing was changed or sent. Update this program."
            )
        stamp.create(db, checkfirst=True)
        tables.create_all(db)
        for table in tables.sorted_tables:
            _complete(db, table)
        fill(db)
        db.execute(stamp.delete())
        db.execute(stamp.insert().values(version=version))


def _complete(db: Connection, table: Table) -> None:
    present = {column["name"] for column in inspect(db).get_columns(table.name)}
    for column in table.columns:
        if column.name not in present:
            added = CreateColumn(column).compile(dialect=db.dialect)
            db.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {added}")
    for index in table.indexes:
        index.create(db, checkfirst=True)


def _refuse(*_: object) -> None:
    raise InvalidRequestError("this database is closed")


def _configure_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
