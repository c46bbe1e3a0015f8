"""The journal: every video is on record before it is paid for, and stays there.

One row a video. A process that works on a row holds a lease on it; each claim raises the row's fence, and a
write with an older fence changes nothing, so two processes never follow or save the same video twice.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
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
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from seedance.database import connect
from seedance.errors import NotRecorded
from seedance.models import State

LEASE: Final = 15.0  # seconds; a live process renews its leases three times as often
UPLOAD_LIFE: Final = 24 * 3600.0  # seconds an upload's URL is used again; the provider keeps it for 7 days

_METADATA: Final = MetaData()
_VIDEOS: Final = Table(
    "videos",
    _METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("engine", String(16), nullable=False),
    Column("account", String(64), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("images", JSON, nullable=False),
    Column("duration", Integer, nullable=False),
    Column("camera_fixed", Boolean, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("submitted_at", Float),
    Column("finished_at", Float),
    Column("task_id", String(128)),
    Column("made_by", String(128)),
    Column("video", String(255)),
    Column("inference_ms", Integer),
    Column("error", Text),
    Column("holder", String(32)),
    Column("lease", Float, nullable=False),
    Column("fence", Integer, nullable=False),
    Index("videos_by_state", "state", "created_at"),
    Index("videos_by_owner", "owner", "created_at"),
)
_UPLOADS: Final = Table(
    "uploads",
    _METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)
_UNFINISHED: Final = (State.NEW, State.SUBMITTING, State.RUNNING, State.DOWNLOADING)


@dataclass(frozen=True, slots=True)
class Record:
    """One video's row. Times are seconds since the epoch."""

    id: str
    owner: str
    """Who may see it: a visitor's token, empty for the command line."""
    engine: str
    """`wavespeed` or `local`."""
    account: str
    """Which provider and key it was asked from, as a fingerprint: the key itself is never stored."""
    prompt: str
    images: list[dict[str, Any]]
    """In order: `name`, `sha256`, `width`, `height` of each reference image."""
    duration: int
    camera_fixed: bool
    seed: int
    state: State
    created_at: float
    submitted_at: float | None
    finished_at: float | None
    task_id: str | None
    made_by: str | None
    """The model's name as the provider reported it."""
    video: str | None
    """The saved video's file name in the data directory's `videos`."""
    inference_ms: int | None
    error: str | None
    fence: int


_COLUMNS: Final = tuple(_VIDEOS.c[field.name] for field in fields(Record))


class Journal:
    """The videos on record in one database, as one process works on them. Blocking; safe in threads."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._holder = uuid.uuid4().hex
        with _recording():
            self._database = connect(url, _METADATA)

    def close(self) -> None:
        """Give the leases and the connections back; what is unfinished may be claimed at once."""
        with self._database.begin() as db:
            db.execute(update(_VIDEOS).where(_VIDEOS.c.holder == self._holder).values(holder=None, lease=0.0))
        self._database.dispose()

    def add(self, **values: Any) -> Record:
        """Record the intent to make a video, claimed by this process; committed when this returns.

        `values` are the fields of `Record` that the request sets.

        Raises:
            NotRecorded: the database cannot be written, so nothing may be sent.
        """
        now = self._clock()
        row = dict(values, id=uuid.uuid4().hex, state=State.NEW, created_at=now, holder=self._holder)
        row |= {"lease": now + LEASE, "fence": 1}
        with _recording(), self._database.begin() as db:
            db.execute(insert(_VIDEOS).values(row))
            return _record(db.execute(select(*_COLUMNS).where(_VIDEOS.c.id == row["id"])).one())

    def write(self, record: Record, **changes: Any) -> Record | None:
        """Change a claimed row and return it, or None where another process has claimed it since.

        Raises:
            NotRecorded: the database cannot be written.
        """
        mine = and_(_VIDEOS.c.id == record.id, _VIDEOS.c.fence == record.fence)
        with _recording(), self._database.begin() as db:
            if db.execute(update(_VIDEOS).where(mine).values(changes)).rowcount == 0:
                return None
            return _record(db.execute(select(*_COLUMNS).where(_VIDEOS.c.id == record.id)).one())

    def claim(self, accounts: Sequence[str], ids: Sequence[str] | None = None) -> list[Record]:
        """Take over unfinished videos of these accounts (and ids) whose process is gone; oldest first."""
        now = self._clock()
        free = and_(
            _VIDEOS.c.state.in_(_UNFINISHED),
            _VIDEOS.c.account.in_(accounts),
            or_(_VIDEOS.c.holder.is_(None), _VIDEOS.c.lease < now),
        )
        if ids is not None:
            free = and_(free, _VIDEOS.c.id.in_(ids))
        with _recording(), self._database.begin() as db:
            found = db.execute(select(*_COLUMNS).where(free).order_by(_VIDEOS.c.created_at)).all()
            return [claimed for row in found if (claimed := self._claim(db, _record(row), now))]

    def renew(self) -> None:
        """Extend every lease of this process."""
        mine = and_(_VIDEOS.c.holder == self._holder, _VIDEOS.c.state.in_(_UNFINISHED))
        with _recording(), self._database.begin() as db:
            db.execute(update(_VIDEOS).where(mine).values(lease=self._clock() + LEASE))

    def get(self, id: str) -> Record | None:
        """Return one video's row, or None."""
        with self._database.connect() as db:
            row = db.execute(select(*_COLUMNS).where(_VIDEOS.c.id == id)).one_or_none()
        return None if row is None else _record(row)

    def recent(self, *, owner: str | None = None, limit: int = 50) -> list[Record]:
        """Return the newest videos first, of one owner or of all."""
        query = select(*_COLUMNS).order_by(_VIDEOS.c.created_at.desc()).limit(limit)
        if owner is not None:
            query = query.where(_VIDEOS.c.owner == owner)
        with self._database.connect() as db:
            return [_record(row) for row in db.execute(query)]

    def unfinished(self) -> list[Record]:
        """Return the videos that are still to be made, oldest first, whoever works on them."""
        query = select(*_COLUMNS).where(_VIDEOS.c.state.in_(_UNFINISHED)).order_by(_VIDEOS.c.created_at)
        with self._database.connect() as db:
            return [_record(row) for row in db.execute(query)]

    def upload_url(self, sha256: str, account: str) -> str | None:
        """Return the address under which the provider still has this image, or None."""
        fresh = self._clock() - UPLOAD_LIFE
        same = and_(_UPLOADS.c.sha256 == sha256, _UPLOADS.c.account == account, _UPLOADS.c.created_at > fresh)
        with self._database.connect() as db:
            return db.execute(select(_UPLOADS.c.url).where(same)).scalar_one_or_none()

    def keep_upload(self, sha256: str, account: str, url: str) -> None:
        """Remember where the provider has this image."""
        same = and_(_UPLOADS.c.sha256 == sha256, _UPLOADS.c.account == account)
        with _recording(), self._database.begin() as db:
            db.execute(delete(_UPLOADS).where(same))
            with suppress(IntegrityError), db.begin_nested():  # another process kept one just now: as good
                db.execute(
                    insert(_UPLOADS).values(sha256=sha256, account=account, url=url, created_at=self._clock())
                )

    def _claim(self, db: Any, record: Record, now: float) -> Record | None:
        same = and_(_VIDEOS.c.id == record.id, _VIDEOS.c.fence == record.fence)
        values = {"holder": self._holder, "lease": now + LEASE, "fence": record.fence + 1}
        if db.execute(update(_VIDEOS).where(same).values(values)).rowcount == 0:
            return None
        return _record(db.execute(select(*_COLUMNS).where(_VIDEOS.c.id == record.id)).one())


def _record(row: Row[Any]) -> Record:
    return Record(**{**row._mapping, "state": State(row.state)})


@contextmanager
def _recording() -> Any:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__)
        raise NotRecorded(
            f"The journal cannot be written ({reason}), so nothing is sent: a video without a record could "
            "be lost. Check the disk and SEEDANCE_DATA_DIR."
        ) from error
