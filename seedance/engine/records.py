"""The engine's tasks and uploads in its database: accepted means recorded."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from seedance.database import connect, disconnect
from seedance.engine.claims import LEASE, Claims, new_token
from seedance.engine.lists import Lists, Places
from seedance.engine.schema import (
    ENDED,
    METADATA,
    SECRETS,
    TASK_COLUMNS,
    TASKS,
    VERSION,
    WAITING,
    TaskRecord,
    Upload,
    read_task,
)
from seedance.engine.tickets import BATCH, KEPT, UPLOAD_TIME, batches

__all__ = ["KEPT", "LEASE", "UPLOAD_TIME", "QueueFull", "Records", "TaskRecord", "Upload"]


_LONG: Final = 0.01  # seconds
_REMEMBERED: Final = 200.0  # times as long as the counting took


class QueueFull(Exception):
    """As many tasks as may wait do so already; this one was not accepted."""


class Records(Lists, Claims):
    """Tasks and uploads, as one engine process works on them. Blocking; safe in threads."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self.holder = uuid.uuid4().hex
        self._ended: dict[str, int] = {}
        self._recount = 0.0
        self._places = Places()
        super().__init__(connect(url, METADATA, name="engine", version=VERSION), clock)

    def close(self) -> None:
        """Put this process's unfinished tasks back into the queue and close the connections."""
        back = {"status": "created", "holder": None, "lease": 0.0, "attempts": TASKS.c.attempts - 1}
        with self._database.begin() as db:
            db.execute(update(TASKS).where(self._mine()).values(back))
            self._give_back_undelivered(db)
        disconnect(self._database)

    # Tasks, as their owners see them.

    def add_task(
        self,
        account: str,
        model: str,
        input: dict[str, Any],
        images: list[str],
        *,
        kind: str = "video",
        webhook: str = "",
        limit: int | None = None,
    ) -> TaskRecord:
        """Accept a task; it is durable when this returns.

        Raises:
            QueueFull: `limit` tasks wait or run already. (On Postgres those that are accepted at the very
                same moment do not see each other.)
        """
        task = self._new_task(account, model, input, images, kind=kind, webhook=webhook)
        wait = select(func.count()).select_from(TASKS).where(TASKS.c.status.in_(WAITING)).scalar_subquery()
        if not self._insert(task, true() if limit is None else wait < limit):
            raise QueueFull
        return task

    def add_ended(
        self, account: str, model: str, input: dict[str, Any], *, code: int, error: str, webhook: str = ""
    ) -> TaskRecord:
        """Accept a task that has failed at once, with its code and its reason."""
        end = {"status": "failed", "code": code, "error": error, "finished_at": self._clock()}
        task = self._new_task(account, model, input, [], webhook=webhook, **end)
        self._insert(task, true())
        return task

    def get_task(self, id: str, account: str) -> TaskRecord | None:
        """Return a task of that account, or None."""
        mine = and_(TASKS.c.id == id, TASKS.c.account == account)
        with self._database.connect() as db:
            row = db.execute(select(*TASK_COLUMNS).where(mine)).one_or_none()
        return None if row is None else read_task(row)

    def delete_tasks(self, account: str, ids: Iterable[str]) -> list[TaskRecord]:
        """Delete those of an account's tasks that there are, and return them: their files may go.

        What still becomes of one that is being rendered is dropped.
        """
        deleted = self._delete_tasks(ids, TASKS.c.account == account)
        self._places.forget()
        return deleted

    def counts(self) -> dict[str, int]:
        """Return how many tasks of all accounts have each status.

        Where it takes long to count those that have ended, their number is remembered for a while.
        """
        start = time.monotonic()
        if start >= self._recount:
            self._ended = self._count(ENDED)
            took = time.monotonic() - start
            self._recount = time.monotonic() + (_REMEMBERED * took if took > _LONG else 0.0)
        return self._count(WAITING) | self._ended

    def _count(self, statuses: Sequence[str]) -> dict[str, int]:
        query = select(TASKS.c.status, func.count().label("number")).where(TASKS.c.status.in_(statuses))
        with self._database.connect() as db:
            rows = db.execute(query.group_by(TASKS.c.status)).all()
        return dict.fromkeys(statuses, 0) | {row.status: row.number for row in rows}

    def recent_tasks(self, limit: int) -> list[TaskRecord]:
        """Return the newest tasks of all accounts, newest first."""
        return self._select(true(), limit, newest_first=True)

    # What goes, and what signs.

    def expire(self, before: float, limit: int = BATCH) -> tuple[list[TaskRecord], list[Upload]]:
        """Delete ended tasks and uploads that are older than that, the oldest, at most `limit` of each.

        An upload goes an hour after it was last given to anyone, and never while a task that waits or runs
        has it among its images. Returns what was deleted: the files may go.
        """
        old = and_(
            TASKS.c.status.not_in(WAITING),  # by age they are found at once
            TASKS.c.created_at < before,
            func.coalesce(TASKS.c.finished_at, TASKS.c.created_at) < before,
        )
        tasks = self._delete_tasks([task.id for task in self._select(old, limit)], TASKS.c.status.in_(ENDED))
        return tasks, self._expire_uploads(before, limit)

    def known_outputs(self, tokens: Iterable[str]) -> set[str]:
        """Return those of these tokens that a task on record has for its output."""
        return self._known(TASKS.c.output, tokens)

    def secret(self) -> str:
        """Return this database's one secret, 64 hexadecimal digits, for signatures."""
        ours = SECRETS.c.name == "signing"
        while True:
            with self._database.connect() as db:
                if value := db.execute(select(SECRETS.c.value).where(ours)).scalar_one_or_none():
                    return str(value)
            try:
                with self._database.begin() as db:
                    db.execute(insert(SECRETS).values(name="signing", value=secrets.token_hex(32)))
            except IntegrityError:
                continue  # another process was quicker: its secret is the one

    def _new_task(
        self, account: str, model: str, input: dict[str, Any], images: list[str], **other: Any
    ) -> TaskRecord:
        blank: dict[str, Any] = {
            "kind": "video",
            "status": "created",
            "error": "",
            "code": None,
            "inference_ms": None,
            "finished_at": None,
        }
        return TaskRecord(
            id=uuid.uuid4().hex,
            account=account,
            model=model,
            input=input,
            images=images,
            output=new_token(),
            created_at=self._clock(),
            attempts=0,
            storyboard="",
            **(blank | other),
        )

    def _insert(self, task: TaskRecord, condition: ColumnElement[bool]) -> bool:
        """Insert a task if the condition holds, in one statement."""
        values = {column: getattr(task, column.name) for column in TASK_COLUMNS}
        values |= {TASKS.c.lease: 0.0, TASKS.c.delivered: not task.webhook}
        row = select(*(literal(value, column.type) for column, value in values.items())).where(condition)
        with self._database.begin() as db:
            inserted = insert(TASKS).from_select(list(values), row).returning(TASKS.c.id)
            return db.execute(inserted).one_or_none() is not None

    def _select(
        self, condition: ColumnElement[bool], limit: int, *, newest_first: bool = False
    ) -> list[TaskRecord]:
        order = TASKS.c.created_at.desc() if newest_first else TASKS.c.created_at
        with self._database.connect() as db:
            rows = db.execute(select(*TASK_COLUMNS).where(condition).order_by(order).limit(limit)).all()
        return [read_task(row) for row in rows]

    def _delete_tasks(self, ids: Iterable[str], condition: ColumnElement[bool]) -> list[TaskRecord]:
        deleted: list[TaskRecord] = []
        for some in batches(list(ids)):
            these = and_(TASKS.c.id.in_(some), condition)
            with self._database.begin() as db:
                deleted += map(read_task, db.execute(delete(TASKS).where(these).returning(*TASK_COLUMNS)))
        return deleted
