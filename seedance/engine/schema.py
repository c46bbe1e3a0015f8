"""The tables of the engine's database and their rows as the rest of the engine sees them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    TextClause,
    text,
    true,
)

from seedance.models import MAX_SEED, RANDOM_SEED

VERSION: Final = 4
METADATA: Final = MetaData()


def _only(rows: TextClause) -> dict[str, Any]:
    """Return the options of an index that holds those rows alone."""
    return {"sqlite_where": rows, "postgresql_where": rows}


TASKS: Final = Table(
    "engine_tasks",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("model", String(255), nullable=False),
    Column("input", JSON, nullable=False),
    Column("images", JSON, nullable=False),
    Column("output", String(64), nullable=False),
    Column("kind", String(16), nullable=False, server_default="video"),
    Column("status", String(16), nullable=False),
    Column("error", Text, nullable=False),
    Column("code", Integer),
    Column("inference_ms", Integer),
    Column("storyboard", Text, nullable=False, server_default=""),
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    Column("attempts", Integer, nullable=False),
    Column("progress", Float, nullable=False, server_default="0"),
    Column("webhook", Text, nullable=False, server_default=""),
    Column("delivered", Boolean, nullable=False, server_default=true()),
    Column("holder", String(32)),
    Column("lease", Float, nullable=False),
    Index("engine_tasks_by_status", "status", "created_at"),
    Index("engine_tasks_by_age", "created_at"),
    Index("engine_tasks_by_output", "output"),
    Index("engine_tasks_by_delivery", "delivered", "status"),
    Index("engine_tasks_untold", "created_at", **_only(text("NOT delivered"))),
    Index("engine_tasks_in_work", "created_at", **_only(text("status = 'processing'"))),
    Index("engine_tasks_by_list", "account", "created_at", "id"),
    Index("engine_tasks_by_list_status", "account", "status", "created_at", "id"),
    Index("engine_tasks_by_list_model", "account", "model", "created_at", "id", "status"),
)
UPLOADS: Final = Table(
    "engine_uploads",
    METADATA,
    Column("token", String(64), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("filename", String(255), nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("size", Integer, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("stored", Boolean, nullable=False),
    Index("engine_uploads_by_expiry", "expires_at"),
)
SECRETS: Final = Table(
    "engine_secrets",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", String(64), nullable=False),
)


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task's row. Times are seconds since the epoch."""

    id: str
    account: str
    """Fingerprint of the key that it was asked with."""
    model: str
    """As submitted."""
    input: dict[str, Any]
    """As validated. A seed of -1 is drawn by the id."""
    images: list[str]
    """In order, each the token of an upload or a public URL, fetched when the task runs."""
    output: str
    """Token of the result: whoever knows it may fetch it."""
    kind: str
    """What is made: `video` or `image`."""
    status: str
    """The contract's own words: created, processing, completed, failed."""
    error: str
    code: int | None
    """Why it failed, one of `codes`."""
    inference_ms: int | None
    storyboard: str
    """The video in words, once it is made."""
    created_at: float
    finished_at: float | None
    attempts: int
    """How often its render was started."""
    webhook: str
    """Where its end is told, or an empty text."""
    progress: float = 0.0
    """The share that is rendered, 0 to 1, as the engine that renders it told the others."""

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ENDED

    @property
    def seed(self) -> int:
        """The seed asked for, 0 to 2147483647, or the one drawn: the same however often its render begins."""
        asked = int(self.input.get("seed", RANDOM_SEED))
        return zlib.crc32(self.id.encode()) % (MAX_SEED + 1) if asked == RANDOM_SEED else asked


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload's row; its bytes lie in the media folder under its token."""

    token: str
    account: str
    filename: str
    content_type: str
    size: int
    expires_at: float
    """Until when the bytes are taken; they are kept for longer."""
    stored: bool


WAITING: Final = ("created", "processing")
ENDED: Final = ("completed", "failed")
TASK_COLUMNS: Final = tuple(TASKS.c[field.name] for field in fields(TaskRecord))


def read_task(row: Row[Any]) -> TaskRecord:
    """Return the task of a row that has `TASK_COLUMNS`."""
    return TaskRecord(**{column.name: row._mapping[column.name] for column in TASK_COLUMNS})
