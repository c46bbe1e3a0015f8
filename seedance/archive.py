"""The journal as it is read: one video, a history, what is unfinished, what a visitor has had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, Row, and_, func, literal, or_, select
from sqlalchemy.exc import SQLAlchemyError

from seedance.errors import Unavailable
from seedance.models import State
from seedance.record import COLUMNS, UPLOADS, VIDEOS, Record

UPLOAD_LIFE: Final = 24 * 3600.0  # seconds an upload's URL is used again; the provider keeps it for 7 days
SEARCHED: Final = 2000  # videos, so that a search never takes long
UNFINISHED: Final = VIDEOS.c.finished_at.is_(None)


class Archive:
    """The reading half of `Journal`. Blocking; safe in threads."""

    _database: Engine
    _clock: Callable[[], float]

    def get(self, id: str) -> Record | None:
        """Return one video's row, or None."""
        with reading(), self._database.connect() as db:
            row = db.execute(select(*COLUMNS).where(VIDEOS.c.id == id)).one_or_none()
        return None if row is None else read_record(row)

    def recent(self, *, owner: str | None = None, text: str = "", limit: int = 50) -> list[Record]:
        """Return the newest videos first, of one owner or of all, whose prompt holds `text`.

        A text is looked for in the newest `SEARCHED` of them.
        """
        newest = select(*COLUMNS).order_by(VIDEOS.c.created_at.desc())
        if owner is not None:
            newest = newest.where(VIDEOS.c.owner == owner)
        if text:
            searched = newest.limit(SEARCHED).subquery()
            found = searched.c.prompt.icontains(text, autoescape=True)
            newest = select(searched).where(found).order_by(searched.c.created_at.desc())
        with reading(), self._database.connect() as db:
            return [read_record(row) for row in db.execute(newest.limit(limit))]

    def batch(self, batch: str, owner: str) -> list[Record]:
        """Return the takes of one request, the first one first."""
        query = select(*COLUMNS).where(VIDEOS.c.batch == batch, VIDEOS.c.owner == owner)
        with reading(), self._database.connect() as db:
            return [read_record(row) for row in db.execute(query.order_by(VIDEOS.c.created_at))]

    def count(self, account: str, most: int, *, visitor: str | None = None, since: float = 0.0) -> int:
        """Return how many videos an account's key was asked for since then, by one visitor or by all.

        What was refused before anything was sent does not count, and nobody counts further than `most`.
        """
        asked = and_(VIDEOS.c.account == account, VIDEOS.c.created_at >= since, VIDEOS.c.visitor.is_not(None))
        sent = or_(VIDEOS.c.submitted_at.is_not(None), UNFINISHED)
        found = select(literal(1)).select_from(VIDEOS).where(asked, sent)
        if visitor is not None:
            found = found.where(VIDEOS.c.visitor == visitor)
        with reading(), self._database.connect() as db:
            return db.execute(select(func.count()).select_from(found.limit(most).subquery())).scalar_one()

    def in_the_making(self, account: str, visitor: str) -> int:
        """Return how many videos a visitor has in the making now."""
        mine = and_(VIDEOS.c.account == account, VIDEOS.c.visitor == visitor, UNFINISHED)
        with reading(), self._database.connect() as db:
            return db.execute(select(func.count()).select_from(VIDEOS).where(mine)).scalar_one()

    def unfinished(self) -> list[Record]:
        """Return the videos that are still to be made, oldest first, whoever works on them."""
        query = select(*COLUMNS).where(UNFINISHED).order_by(VIDEOS.c.created_at)
        with reading(), self._database.connect() as db:
            return [read_record(row) for row in db.execute(query)]

    def states(self) -> dict[str, int]:
        """Return how many unfinished videos are in each state that has any."""
        query = select(VIDEOS.c.state, func.count().label("number")).where(UNFINISHED)
        with reading(), self._database.connect() as db:
            return {row.state: row.number for row in db.execute(query.group_by(VIDEOS.c.state))}

    def holders(self) -> list[str]:
        """Return the names of the processes that hold unfinished videos."""
        held = and_(UNFINISHED, VIDEOS.c.holder.is_not(None))
        with reading(), self._database.connect() as db:
            return list(db.execute(select(VIDEOS.c.holder).where(held).distinct()).scalars())

    def upload_url(self, sha256: str, account: str) -> str | None:
        """Return the address under which the provider still has this image, or None."""
        fresh = self._clock() - UPLOAD_LIFE
        same = and_(UPLOADS.c.sha256 == sha256, UPLOADS.c.account == account, UPLOADS.c.created_at > fresh)
        with reading(), self._database.connect() as db:
            return db.execute(select(UPLOADS.c.url).where(same)).scalar_one_or_none()


def read_record(row: Row[Any]) -> Record:
    """Return the video of a row that has `COLUMNS`."""
    return Record(**{**row._mapping, "state": State(row.state)})


@contextmanager
def reading() -> Iterator[None]:
    """Tell a database that fails as `Unavailable`."""
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(f"The journal cannot be read now ({type(error).__name__}).") from error
