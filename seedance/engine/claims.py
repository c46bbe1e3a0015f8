"""Tasks as the engines of one database work on them: claimed, leased, ended by whoever holds them.

Each claim gives a task a new output token, and its files go by that name. So an engine that is slow and was
taken for dead can neither end the task nor touch the files of the one that has taken it over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, select, text, update

from seedance.database import server_time
from seedance.engine.schema import ENDED, TASK_COLUMNS, TASKS, WAITING, TaskRecord, read_task
from seedance.engine.tickets import Tickets

LEASE: Final = 10.0  # seconds; a live engine renews its leases three times as often

# In the words of their indexes, which hold those few rows alone.
_PROCESSING: Final = text("status = 'processing'")
_UNTOLD: Final = and_(text("NOT delivered"), TASKS.c.status.not_in(WAITING))


def new_token() -> str:
    """Return a name for a task's files that nobody can guess."""
    return secrets.token_urlsafe(24)


class Claims(Tickets):
    """The engines' half of `Records`. Blocking; safe in threads."""

    holder: str
    """This process's name on its leases."""

    def claim_task(self, forget: Callable[[str], None] = lambda _: None) -> TaskRecord | None:
        """Take the oldest task that waits or whose engine is gone, and mark it processing; None if none.

        `forget` is given the token under which an earlier attempt at it may have left files.
        """
        now = self._now()
        abandoned = and_(_PROCESSING, TASKS.c.lease < now, TASKS.c.holder != self.holder)
        waiting = TASKS.c.status == "created"
        while True:
            with self._database.begin() as db:
                for free in (abandoned, waiting):
                    oldest = select(*TASK_COLUMNS, TASKS.c.lease).where(free).order_by(TASKS.c.created_at)
                    # A server passes over what another engine is just claiming; SQLite has one writer.
                    row = db.execute(oldest.limit(1).with_for_update(skip_locked=True)).one_or_none()
                    if row is not None:
                        break
                else:
                    return None
                same = and_(TASKS.c.id == row.id, TASKS.c.status == row.status, TASKS.c.lease == row.lease)
                taken = {
                    "status": "processing",
                    "holder": self.holder,
                    "lease": now + LEASE,
                    "attempts": row.attempts + 1,
                    "output": new_token(),
                    "progress": 0.0,
                }
                claimed = db.execute(update(TASKS).where(same).values(taken).returning(*TASK_COLUMNS))
                task = claimed.one_or_none()
            if task is not None:
                if row.attempts:
                    forget(row.output)
                return read_task(task)

    def renew(self) -> None:
        """Extend the leases of this process."""
        with self._database.begin() as db:
            db.execute(update(TASKS).where(self._mine()).values(lease=self._now() + LEASE))

    def note(self, task: TaskRecord, share: float) -> None:
        """Put on record how much of a task is rendered, 0 to 1, as this process claimed it."""
        mine = and_(TASKS.c.id == task.id, TASKS.c.output == task.output, self._mine())
        with self._database.begin() as db:
            db.execute(update(TASKS).where(mine).values(progress=share))

    def finish(self, task: TaskRecord, **changes: Any) -> bool:
        """End a task as this process claimed it; False where another claim has been made since."""
        if changes["status"] in ENDED:
            changes["finished_at"] = self._clock()
        mine = and_(TASKS.c.id == task.id, TASKS.c.output == task.output, self._mine())
        ended = update(TASKS).where(mine).values(holder=None, lease=0.0, **changes)
        with self._database.begin() as db:
            return db.execute(ended).rowcount == 1

    def holders(self) -> list[str]:
        """Return the engine processes that have tasks in work, or their ends to tell."""
        held = select(TASKS.c.holder).where(_PROCESSING)
        telling = select(TASKS.c.holder).where(_UNTOLD, TASKS.c.holder.is_not(None))
        with self._database.connect() as db:
            return list(db.execute(held.union(telling)).scalars())

    def release(self, holder: str) -> None:
        """Free what an engine process that is surely gone has in hand, before its leases run out."""
        his, nobodys = TASKS.c.holder == holder, {"holder": None, "lease": 0.0}
        with self._database.begin() as db:
            db.execute(update(TASKS).where(his, _PROCESSING).values(status="created", **nobodys))
            db.execute(update(TASKS).where(his, _UNTOLD).values(nobodys))

    # Webhooks: one engine tells the end of a task.

    def undelivered(self, limit: int = 20) -> list[TaskRecord]:
        """Return tasks whose end is still to be told to their webhooks, oldest first."""
        oldest = select(*TASK_COLUMNS).where(_UNTOLD).order_by(TASKS.c.created_at).limit(limit)
        with self._database.connect() as db:
            return [read_task(row) for row in db.execute(oldest)]

    def claim_undelivered(self, limit: int, seconds: float) -> list[TaskRecord]:
        """Take tasks whose end is to be told and that no engine tells just now, for so many seconds."""
        now = self._now()
        free = and_(_UNTOLD, TASKS.c.lease < now)
        oldest = select(TASKS.c.id).where(free).order_by(TASKS.c.created_at).limit(limit)
        with self._database.begin() as db:
            ids = list(db.execute(oldest.with_for_update(skip_locked=True)).scalars())
            if not ids:
                return []
            taken = update(TASKS).where(TASKS.c.id.in_(ids), free)
            taken = taken.values(holder=self.holder, lease=now + seconds)
            found = db.execute(taken.returning(*TASK_COLUMNS)).all()
        return sorted(map(read_task, found), key=lambda task: task.created_at)

    def delivered(self, id: str) -> None:
        """Record that the end of a task was told, or is told no more."""
        with self._database.begin() as db:
            db.execute(update(TASKS).where(TASKS.c.id == id).values(delivered=True, holder=None, lease=0.0))

    def give_back_undelivered(self, ids: Iterable[str]) -> None:
        """Let others tell the ends that this process has not told."""
        with self._database.begin() as db:
            self._give_back_undelivered(db, TASKS.c.id.in_(list(ids)))

    def _give_back_undelivered(self, db: Connection, *these: ColumnElement[bool]) -> None:
        mine = and_(TASKS.c.holder == self.holder, _UNTOLD, *these)
        db.execute(update(TASKS).where(mine).values(holder=None, lease=0.0))

    def _mine(self) -> ColumnElement[bool]:
        return and_(TASKS.c.holder == self.holder, _PROCESSING)

    def _now(self) -> ColumnElement[float]:
        return server_time(self._database, self._clock)
