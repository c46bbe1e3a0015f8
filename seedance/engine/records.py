"""The engine's tasks and uploads in its database: accepted means recorded."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
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
    and_,
    insert,
    or_,
    select,
    update,
)

from seedance.database import connect

LEASE: Final = 10.0  # seconds; a live engine renews its leases three times as often
UPLOAD_TIME: Final = 3600.0  # seconds from the ticket to the bytes

_METADATA: Final = MetaData()
_TASKS: Final = Table(
    "engine_tasks",
    _METADATA,
    Column("id", String(32), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("model", String(255), nullable=False),
    Column("input", JSON, nullable=False),
    Column("images", JSON, nullable=False),
    Column("output", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("error", Text, nullable=False),
    Column("code", Integer),
    Column("inference_ms", Integer),
    Column("created_at", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("holder", String(32)),
    Column("lease", Float, nullable=False),
    Index("engine_tasks_by_status", "status", "created_at"),
)
_UPLOADS: Final = Table(
    "engine_uploads",
    _METADATA,
    Column("token", String(64), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("filename", String(255), nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("size", Integer, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("stored", Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task's row. Times are seconds since the epoch."""

    id: str
    account: str
    """Fingerprint of the key that it was asked with."""
    model: str
    input: dict[str, Any]
    """As submitted, with a concrete seed."""
    images: list[str]
    """Tokens of the uploads, in order."""
    output: str
    """Token of the video: whoever knows it may fetch the video."""
    status: str
    """The contract's own words: created, processing, completed, failed."""
    error: str
    code: int | None
    inference_ms: int | None
    created_at: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload's row; its bytes lie in the media folder under its token."""

    token: str
    account: str
    filename: str
    content_type: str
    size: int
    expires_at: float
    stored: bool


_TASK_COLUMNS: Final = tuple(_TASKS.c[field.name] for field in fields(TaskRecord))


class Records:
    """Tasks and uploads, as one engine process works on them. Blocking; safe in threads."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._holder = uuid.uuid4().hex
        self._database = connect(url, _METADATA, name="engine", version=1)

    def close(self) -> None:
        """Put this process's unfinished tasks back into the queue and close the connections."""
        mine = and_(_TASKS.c.holder == self._holder, _TASKS.c.status == "processing")
        back = {"status": "created", "holder": None, "lease": 0.0, "attempts": _TASKS.c.attempts - 1}
        with self._database.begin() as db:
            db.execute(update(_TASKS).where(mine).values(back))
        self._database.dispose()

    def add_task(self, account: str, model: str, input: dict[str, Any], images: list[str]) -> TaskRecord:
        """Accept a task; it is durable when this returns."""
        task = TaskRecord(
            id=uuid.uuid4().hex,
            account=account,
            model=model,
            input=input,
            images=images,
            output=secrets.token_urlsafe(24),
            status="created",
            error="",
            code=None,
            inference_ms=None,
            created_at=self._clock(),
            attempts=0,
        )
        row = {field.name: getattr(task, field.name) for field in fields(task)}
        with self._database.begin() as db:
            db.execute(insert(_TASKS).values(**row, lease=0.0))
        return task

    def get_task(self, id: str, account: str) -> TaskRecord | None:
        """Return a task of that account, or None."""
        mine = and_(_TASKS.c.id == id, _TASKS.c.account == account)
        with self._database.connect() as db:
            row = db.execute(select(*_TASK_COLUMNS).where(mine)).one_or_none()
        return None if row is None else _task(row)

    def claim_task(self) -> TaskRecord | None:
        """Take the oldest task that waits or whose engine is gone, and mark it processing; None if none."""
        while True:
            now = self._clock()
            waits = _TASKS.c.status == "created"
            free = or_(waits, and_(_TASKS.c.status == "processing", _TASKS.c.lease < now))
            oldest = select(*_TASK_COLUMNS, _TASKS.c.lease).where(free).order_by(_TASKS.c.created_at).limit(1)
            with self._database.begin() as db:
                row = db.execute(oldest).one_or_none()
                if row is None:
                    return None
                same = and_(_TASKS.c.id == row.id, _TASKS.c.status == row.status, _TASKS.c.lease == row.lease)
                taken = {
                    "status": "processing",
                    "holder": self._holder,
                    "lease": now + LEASE,
                    "attempts": row.attempts + 1,
                }
                if db.execute(update(_TASKS).where(same).values(taken)).rowcount:
                    return _task(db.execute(select(*_TASK_COLUMNS).where(_TASKS.c.id == row.id)).one())

    def renew(self) -> None:
        """Extend the leases of this process."""
        mine = and_(_TASKS.c.holder == self._holder, _TASKS.c.status == "processing")
        with self._database.begin() as db:
            db.execute(update(_TASKS).where(mine).values(lease=self._clock() + LEASE))

    def finish(self, id: str, **changes: Any) -> None:
        """End a task that this process still holds, or give it back to the queue."""
        mine = and_(_TASKS.c.id == id, _TASKS.c.holder == self._holder, _TASKS.c.status == "processing")
        with self._database.begin() as db:
            db.execute(update(_TASKS).where(mine).values(holder=None, lease=0.0, **changes))

    def add_upload(self, account: str, filename: str, content_type: str, size: int) -> Upload:
        """Promise a place for a file of that size in bytes."""
        upload = Upload(
            token=secrets.token_urlsafe(24),
            account=account,
            filename=filename,
            content_type=content_type,
            size=size,
            expires_at=self._clock() + UPLOAD_TIME,
            stored=False,
        )
        with self._database.begin() as db:
            db.execute(insert(_UPLOADS).values({f.name: getattr(upload, f.name) for f in fields(upload)}))
        return upload

    def get_upload(self, token: str) -> Upload | None:
        """Return an upload, or None."""
        with self._database.connect() as db:
            row = db.execute(select(_UPLOADS).where(_UPLOADS.c.token == token)).one_or_none()
        return None if row is None else Upload(**row._mapping)

    def mark_stored(self, token: str) -> bool:
        """Record that the bytes are there; False where they were before."""
        waiting = and_(_UPLOADS.c.token == token, _UPLOADS.c.stored.is_(False))
        with self._database.begin() as db:
            return db.execute(update(_UPLOADS).where(waiting).values(stored=True)).rowcount == 1


def _task(row: Row[Any]) -> TaskRecord:
    return TaskRecord(**{column.name: row._mapping[column.name] for column in _TASK_COLUMNS})
