"""The journal: every video is on record before it is paid for, and stays there.

One row a video. A process that works on a row holds a lease on it; each claim raises the row's fence, and a
write with an older fence changes nothing, so two processes never follow or save the same video twice.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Text,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from seedance.database import connect, server_time
from seedance.errors import NotRecorded, Unavailable
from seedance.models import State
from seedance.record import COLUMNS, METADATA, UPLOADS, VERSION, VIDEOS, Record

LEASE: Final = 15.0  # seconds; a live process renews its leases three times as often
UPLOAD_LIFE: Final = 24 * 3600.0  # seconds an upload's URL is used again; the provider keeps it for 7 days

_UNFINISHED: Final = VIDEOS.c.finished_at.is_(None)


class TaskTaken(Exception):
    """The provider's task already belongs to another video."""


class Journal:
    """The videos on record in one database, as one process works on them. Blocking; safe in threads."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.holder = uuid.uuid4().hex
        """This process's name on its leases."""
        with _recording():
            self._database = connect(url, METADATA, name="journal", version=VERSION)

    def close(self) -> None:
        """Give the leases and the connections back; what is unfinished may be claimed at once."""
        mine = VIDEOS.c.holder == self.holder
        with suppress(SQLAlchemyError), self._database.begin() as db:  # else the leases run out by themselves
            db.execute(update(VIDEOS).where(mine).values(holder=None, lease=0.0))
        self._database.dispose()

    def add(self, **values: Any) -> Record:
        """Record the intent to make a video, claimed by this process; committed when this returns.

        `values` are the fields of `Record` that the request sets.

        Raises:
            NotRecorded: the database cannot be written, so nothing may be sent.
        """
        row = dict(values, id=uuid.uuid4().hex, state=State.NEW, created_at=self._clock())
        row |= {"holder": self.holder, "lease": self._now() + LEASE, "fence": 1}
        with _recording(), self._database.begin() as db:
            db.execute(insert(VIDEOS).values(row))
            return _record(db.execute(select(*COLUMNS).where(VIDEOS.c.id == row["id"])).one())

    def write(self, record: Record, **changes: Any) -> Record | None:
        """Change a claimed row and return it, or None where another process has claimed it since.

        Raises:
            NotRecorded: the database cannot be written.
            TaskTaken: the task id among the changes is on record for another video.
        """
        mine = and_(VIDEOS.c.id == record.id, VIDEOS.c.fence == record.fence)
        with _recording(), self._database.begin() as db:
            try:
                found = db.execute(update(VIDEOS).where(mine).values(changes)).rowcount
            except IntegrityError as error:
                if "task_id" in str(error.orig):
                    raise TaskTaken from error
                raise
            if found == 0:
                return None
            return _record(db.execute(select(*COLUMNS).where(VIDEOS.c.id == record.id)).one())

    def leave_word(self, id: str, task_id: str) -> None:
        """Put a task's id on record for whoever has taken its video over, or given it up, meanwhile."""
        nameless = and_(VIDEOS.c.id == id, VIDEOS.c.task_id.is_(None))
        given_up = and_(nameless, VIDEOS.c.state == State.UNKNOWN)
        reopened = {"state": State.RUNNING, "finished_at": None, "error": None, "task_id": task_id}
        with _recording(), self._database.begin() as db:
            db.execute(update(VIDEOS).where(given_up).values(reopened))
            db.execute(update(VIDEOS).where(nameless).values(task_id=task_id))

    def holders(self) -> list[str]:
        """Return the names of the processes that hold unfinished videos."""
        held = and_(_UNFINISHED, VIDEOS.c.holder.is_not(None))
        with _reading(), self._database.connect() as db:
            return list(db.execute(select(VIDEOS.c.holder).where(held).distinct()).scalars())

    def claim(
        self, accounts: Sequence[str], ids: Sequence[str] | None = None, *, dead: Sequence[str] = ()
    ) -> list[Record]:
        """Take over unfinished videos of these accounts whose process is gone; oldest first.

        With `ids`, only these, and of them also those whose outcome is unknown, to be looked for again.
        A process is gone when its lease has run out, or at once when its name is among the `dead`.
        """
        now = self._now()
        lost = VIDEOS.c.state == State.UNKNOWN
        abandoned = or_(
            VIDEOS.c.holder.is_(None),
            and_(VIDEOS.c.lease < now, VIDEOS.c.holder != self.holder),
            VIDEOS.c.holder.in_(dead),
        )
        open_: ColumnElement[bool] = _UNFINISHED
        if ids is not None:
            open_ = and_(VIDEOS.c.id.in_(ids), or_(_UNFINISHED, lost))
        free = and_(open_, VIDEOS.c.account.in_(accounts), abandoned)
        values = {
            "holder": self.holder,
            "lease": now + LEASE,
            "fence": VIDEOS.c.fence + 1,
            "state": case(
                (and_(lost, VIDEOS.c.task_id.is_(None)), State.SUBMITTING),
                (lost, State.RUNNING),
                else_=VIDEOS.c.state,
            ),
            "finished_at": None,
        }
        with _recording(), self._database.begin() as db:
            found = db.execute(update(VIDEOS).where(free).values(values).returning(*COLUMNS)).all()
        return sorted(map(_record, found), key=lambda record: record.created_at)

    def renew(self) -> None:
        """Extend every lease of this process."""
        mine = and_(VIDEOS.c.holder == self.holder, _UNFINISHED)
        with _recording(), self._database.begin() as db:
            db.execute(update(VIDEOS).where(mine).values(lease=self._now() + LEASE))

    def get(self, id: str) -> Record | None:
        """Return one video's row, or None."""
        with _reading(), self._database.connect() as db:
            row = db.execute(select(*COLUMNS).where(VIDEOS.c.id == id)).one_or_none()
        return None if row is None else _record(row)

    def recent(self, *, owner: str | None = None, text: str = "", limit: int = 50) -> list[Record]:
        """Return the newest videos first, of one owner or of all, whose prompt holds `text`."""
        query = select(*COLUMNS).order_by(VIDEOS.c.created_at.desc()).limit(limit)
        if owner is not None:
            query = query.where(VIDEOS.c.owner == owner)
        if text:
            query = query.where(VIDEOS.c.prompt.icontains(text, autoescape=True))
        with _reading(), self._database.connect() as db:
            return [_record(row) for row in db.execute(query)]

    def batch(self, batch: str, owner: str) -> list[Record]:
        """Return the takes of one request, the first one first."""
        query = select(*COLUMNS).where(VIDEOS.c.batch == batch, VIDEOS.c.owner == owner)
        with _reading(), self._database.connect() as db:
            return [_record(row) for row in db.execute(query.order_by(VIDEOS.c.created_at))]

    def count(self, account: str, *, visitor: str | None = None, since: float = 0.0) -> int:
        """Return how many videos an account's key was asked for since then, by one visitor or by all.

        What was refused before anything was sent does not count.
        """
        asked = and_(VIDEOS.c.account == account, VIDEOS.c.created_at >= since, VIDEOS.c.visitor.is_not(None))
        sent = or_(VIDEOS.c.submitted_at.is_not(None), _UNFINISHED)
        query = select(func.count()).select_from(VIDEOS).where(asked, sent)
        if visitor is not None:
            query = query.where(VIDEOS.c.visitor == visitor)
        with _reading(), self._database.connect() as db:
            return db.execute(query).scalar_one()

    def in_the_making(self, account: str, visitor: str) -> int:
        """Return how many videos a visitor has in the making now."""
        mine = and_(VIDEOS.c.account == account, VIDEOS.c.visitor == visitor, _UNFINISHED)
        with _reading(), self._database.connect() as db:
            return db.execute(select(func.count()).select_from(VIDEOS).where(mine)).scalar_one()

    def delete(self, id: str, owner: str) -> tuple[Record, set[str]] | None:
        """Forget a finished video of that owner; return its row and the images that no other video needs.

        None where there is no such video, or it is still in the making.
        """
        mine = and_(VIDEOS.c.id == id, VIDEOS.c.owner == owner, VIDEOS.c.finished_at.is_not(None))
        with _recording(), self._database.begin() as db:
            row = db.execute(delete(VIDEOS).where(mine).returning(*COLUMNS)).one_or_none()
            if row is None:
                return None
            record = _record(row)
            images = {image["sha256"] for image in record.images}
            held = (VIDEOS.c.images.cast(Text).contains(image) for image in images)
            used = db.execute(select(VIDEOS.c.images).where(or_(False, *held))).scalars()
            return record, images - {image["sha256"] for others in used for image in others}

    def unfinished(self) -> list[Record]:
        """Return the videos that are still to be made, oldest first, whoever works on them."""
        query = select(*COLUMNS).where(_UNFINISHED).order_by(VIDEOS.c.created_at)
        with _reading(), self._database.connect() as db:
            return [_record(row) for row in db.execute(query)]

    def upload_url(self, sha256: str, account: str) -> str | None:
        """Return the address under which the provider still has this image, or None."""
        fresh = self._clock() - UPLOAD_LIFE
        same = and_(UPLOADS.c.sha256 == sha256, UPLOADS.c.account == account, UPLOADS.c.created_at > fresh)
        with _reading(), self._database.connect() as db:
            return db.execute(select(UPLOADS.c.url).where(same)).scalar_one_or_none()

    def keep_upload(self, sha256: str, account: str, url: str) -> None:
        """Remember where the provider has this image."""
        same = and_(UPLOADS.c.sha256 == sha256, UPLOADS.c.account == account)
        with _recording(), self._database.begin() as db:
            db.execute(delete(UPLOADS).where(same))
            with suppress(IntegrityError), db.begin_nested():  # another process kept one just now: as good
                db.execute(
                    insert(UPLOADS).values(sha256=sha256, account=account, url=url, created_at=self._clock())
                )

    def forget_uploads(self, record: Record) -> None:
        """Forget where the provider has the images of a video: it says that they are not there."""
        hashes = [image["sha256"] for image in record.images]
        gone = and_(UPLOADS.c.sha256.in_(hashes), UPLOADS.c.account == record.account)
        with _recording(), self._database.begin() as db:
            db.execute(delete(UPLOADS).where(gone))

    def _now(self) -> ColumnElement[float]:
        return server_time(self._database, self._clock)


def _record(row: Row[Any]) -> Record:
    return Record(**{**row._mapping, "state": State(row.state)})


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(f"The journal cannot be read now ({type(error).__name__}).") from error


@contextmanager
def _recording() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__)
        raise NotRecorded(
            f"The journal cannot be written ({reason}), so nothing is sent: a video without a record could "
            "be lost. Check the disk and SEEDANCE_DATA_DIR."
        ) from error
