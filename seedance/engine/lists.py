"""An account's tasks in pages, newest first.

A page far down is not counted off from the top each time: where its list was gone through is remembered for
a moment at each `STEP` tasks, and the page is found from the nearest place before it. So such a page begins
where it began some seconds ago; those of the first `STEP` tasks begin where they do now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, func, literal, select, true, tuple_

from seedance.engine.schema import TASK_COLUMNS, TASKS, TaskRecord, read_task

COUNTED: Final = 10_000
"""Tasks up to which a list's total is counted."""
STEP: Final = 20_000
"""Tasks between two places that are remembered."""
_LIFE: Final = 10.0  # seconds
_KEY: Final = (TASKS.c.created_at, TASKS.c.id)
_NEWEST: Final = (TASKS.c.created_at.desc(), TASKS.c.id.desc())

Place = Sequence[Any]
"""When a task was created, and its id."""


class Places:
    """Where the tasks stand that are a multiple of `STEP` down their list. Safe in threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lists: dict[Hashable, tuple[float, dict[int, Place]]] = {}
        self._lock = threading.Lock()

    def of(self, wanted: Hashable) -> dict[int, Place]:
        """Return the places of a list that are known, by their multiple; new ones may be put in."""
        now = self._now()
        with self._lock:
            for old in [name for name, (until, _) in self._lists.items() if until <= now]:
                del self._lists[old]
            return self._lists.setdefault(wanted, (now + _LIFE, {}))[1]

    def forget(self) -> None:
        """Forget all, because tasks have gone."""
        with self._lock:
            self._lists.clear()


class Lists:
    """The listing part of `Records`. Blocking; safe in threads."""

    _database: Engine
    _places: Places

    def list_tasks(
        self,
        account: str,
        *,
        page: int,
        page_size: int,
        model: str | None = None,
        status: str | None = None,
        created_after: float | None = None,
        created_before: float | None = None,
    ) -> tuple[list[TaskRecord], int | None]:
        """Return a page (from 1) of an account's tasks, newest first, and how many there are on all pages.

        Nobody counts further than `COUNTED`: beyond, the number is None.
        """
        wanted = [TASKS.c.account == account]
        if model is not None:
            wanted.append(TASKS.c.model == model)
        if status is not None:
            wanted.append(TASKS.c.status == status)
        if created_after is not None:
            wanted.append(TASKS.c.created_at >= created_after)
        if created_before is not None:
            wanted.append(TASKS.c.created_at <= created_before)
        name = account, model, status, created_after, created_before
        some = select(literal(1)).select_from(TASKS).where(*wanted).limit(COUNTED + 1).subquery()
        with self._database.connect() as db:
            total = db.execute(select(func.count()).select_from(some)).scalar_one()
            ids = self._ids(db, name, wanted, (page - 1) * page_size, page_size, total)
            rows = db.execute(select(*TASK_COLUMNS).where(TASKS.c.id.in_(ids)).order_by(*_NEWEST)).all()
        return [read_task(row) for row in rows], total if total <= COUNTED else None

    def _ids(
        self,
        db: Connection,
        name: Hashable,
        wanted: Sequence[ColumnElement[bool]],
        offset: int,
        limit: int,
        total: int,
    ) -> list[str]:
        """Return a page's tasks, found in an index alone: only their rows are read then."""
        if total <= min(offset, COUNTED):
            return []
        query = select(*_KEY).where(*wanted).order_by(*_NEWEST)
        last, rest = divmod(offset, STEP)
        places = self._places.of(name) if last else {}
        nearest = max((n for n in tuple(places) if n <= last), default=0)
        here = _from(places[nearest]) if nearest else true()
        if nearest < last:
            place = db.execute(query.where(here).limit(1).offset((last - nearest) * STEP)).one_or_none()
            if place is None:  # the list ends before
                return []
            places[last] = tuple(place)
            here = _from(places[last])
        return [id for _, id in db.execute(query.where(here).limit(limit).offset(rest))]


def _from(place: Place) -> ColumnElement[bool]:
    """Return which tasks stand at a place of a list or further down."""
    return tuple_(*_KEY) <= tuple_(*map(literal, place))
