"""The journal: every video is on record before it is paid for, and stays there.

One row a video. A process that works on a row is named there, and has one lease for all its rows; each claim
raises the row's fence, and a write with an older fence changes nothing, so two processes never follow or save
the same video twice.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    false,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from seedance.archive import UNFINISHED, UPLOAD_LIFE, Archive, read_record, reading
from seedance.database import connect, disconnect, server_time
from seedance.errors import NotRecorded
from seedance.models import State
from seedance.record import COLUMNS, HOLDERS, METADATA, PICTURES, UPLOADS, VERSION, VIDEOS, Record

LEASE: Final = 15.0  # seconds; a live process renews its lease three times as often
_NEEDED: Final = {
    "sqlite": "SELECT DISTINCT json_extract(value, '$.sha256'), videos.id FROM videos, json_each(images)",
    "postgresql": "SELECT DISTINCT value->>'sha256', videos.id FROM videos, json_array_elements(images)",
}
"""Which video needs which image, as rows that older programs wrote tell."""


class TaskTaken(Exception):
    """The provider's task already belongs to another video."""


class Journal(Archive):
    """The videos on record in one database, as one process works on them. Blocking; safe in threads."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.holder = uuid.uuid4().hex
        """This process's name on its lease and its videos."""
        with _recording():
            self._database = connect(url, METADATA, name="journal", version=VERSION, fill=_fill_pictures)

    def close(self) -> None:
        """Give the videos and the connections back; what is unfinished may be claimed at once."""
        mine = VIDEOS.c.holder == self.holder
        with suppress(SQLAlchemyError), self._database.begin() as db:  # else the lease runs out by itself
            db.execute(delete(HOLDERS).where(HOLDERS.c.name == self.holder))
            db.execute(update(VIDEOS).where(mine).values(holder=None, lease=0.0))
        disconnect(self._database)

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
            hashes = {image["sha256"] for image in row["images"]}
            if hashes:
                db.execute(insert(PICTURES), [{"sha256": sha256, "video": row["id"]} for sha256 in hashes])
            return read_record(db.execute(select(*COLUMNS).where(VIDEOS.c.id == row["id"])).one())

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
            return read_record(db.execute(select(*COLUMNS).where(VIDEOS.c.id == record.id)).one())

    def leave_word(self, id: str, task_id: str) -> None:
        """Put a task's id on record for whoever has taken its video over, or given it up, meanwhile."""
        nameless = and_(VIDEOS.c.id == id, VIDEOS.c.task_id.is_(None))
        given_up = and_(nameless, VIDEOS.c.state == State.UNKNOWN)
        reopened = {"state": State.RUNNING, "finished_at": None, "error": None, "task_id": task_id}
        with _recording(), self._database.begin() as db:
            db.execute(update(VIDEOS).where(given_up).values(reopened))
            db.execute(update(VIDEOS).where(nameless).values(task_id=task_id))

    def claim(
        self, accounts: Sequence[str], ids: Sequence[str] | None = None, *, dead: Sequence[str] = ()
    ) -> list[Record]:
        """Take over unfinished videos of these accounts whose process is gone; oldest first.

        With `ids`, only these, and of them also those whose outcome is unknown, to be looked for again.
        A process is gone when its lease and the video's own have run out, or at once when its name is among
        the `dead`.
        """
        now = self._now()
        lost = VIDEOS.c.state == State.UNKNOWN
        living = select(HOLDERS.c.name).where(HOLDERS.c.lease >= now)
        abandoned = or_(
            VIDEOS.c.holder.is_(None),
            and_(VIDEOS.c.lease < now, VIDEOS.c.holder != self.holder, VIDEOS.c.holder.not_in(living)),
            VIDEOS.c.holder.in_(dead),
        )
        open_: ColumnElement[bool] = UNFINISHED
        if ids is not None:
            open_ = and_(VIDEOS.c.id.in_(ids), or_(UNFINISHED, lost))
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
            "stop_asked": case((lost, false()), else_=VIDEOS.c.stop_asked),
        }
        with _recording(), self._database.begin() as db:
            found = db.execute(update(VIDEOS).where(free).values(values).returning(*COLUMNS)).all()
        return sorted(map(read_record, found), key=lambda record: record.created_at)

    def renew(self) -> None:
        """Extend the lease of this process on all its videos."""
        lease = self._now() + LEASE
        mine = HOLDERS.c.name == self.holder
        with _recording(), self._database.begin() as db:
            if db.execute(update(HOLDERS).where(mine).values(lease=lease)).rowcount == 0:
                db.execute(insert(HOLDERS).values(name=self.holder, lease=lease))

    def forget_the_gone(self) -> int:
        """Forget processes whose lease has run out, and return how many they were.

        One that comes back takes a new lease, on what nobody has claimed since.
        """
        gone = HOLDERS.c.lease < self._now()
        with _recording(), self._database.begin() as db:
            return db.execute(delete(HOLDERS).where(gone)).rowcount

    def ask_to_stop(self, id: str) -> bool:
        """Leave word that a video's maker shall stop waiting; False where nothing of it is left to do."""
        open_ = and_(VIDEOS.c.id == id, UNFINISHED)
        with _recording(), self._database.begin() as db:
            return db.execute(update(VIDEOS).where(open_).values(stop_asked=True)).rowcount == 1

    def stops_asked(self) -> list[str]:
        """Return the videos of this process that another one was asked to stop."""
        mine = and_(VIDEOS.c.holder == self.holder, UNFINISHED, VIDEOS.c.stop_asked)
        with reading(), self._database.connect() as db:
            return list(db.execute(select(VIDEOS.c.id).where(mine)).scalars())

    def delete(self, id: str, owner: str) -> tuple[Record, set[str]] | None:
        """Forget a finished video of that owner; return its row and the images that no other video needs.

        None where there is no such video, or it is still in the making.
        """
        mine = and_(VIDEOS.c.id == id, VIDEOS.c.owner == owner, VIDEOS.c.finished_at.is_not(None))
        with _recording(), self._database.begin() as db:
            row = db.execute(delete(VIDEOS).where(mine).returning(*COLUMNS)).one_or_none()
            if row is None:
                return None
            record = read_record(row)
            images = {image["sha256"] for image in record.images}
            db.execute(delete(PICTURES).where(PICTURES.c.sha256.in_(images), PICTURES.c.video == id))
            used = db.execute(select(PICTURES.c.sha256).where(PICTURES.c.sha256.in_(images)).distinct())
            return record, images - set(used.scalars())

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

    def forget_old_uploads(self, most: int = 500) -> int:
        """Forget addresses that are used no more, the oldest, at most so many; return how many they were."""
        old = UPLOADS.c.created_at < self._clock() - UPLOAD_LIFE
        oldest = select(UPLOADS.c.sha256, UPLOADS.c.account).where(old).order_by(UPLOADS.c.created_at)
        with _recording(), self._database.begin() as db:
            keys = [tuple(row) for row in db.execute(oldest.limit(most))]
            gone = and_(old, tuple_(UPLOADS.c.sha256, UPLOADS.c.account).in_(keys))
            return db.execute(delete(UPLOADS).where(gone)).rowcount if keys else 0

    def _now(self) -> ColumnElement[float]:
        return server_time(self._database, self._clock)


def _fill_pictures(db: Connection) -> None:
    needed = _NEEDED[db.dialect.name]
    db.execute(text(f"INSERT INTO pictures (sha256, video) {needed} WHERE true ON CONFLICT DO NOTHING"))


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
