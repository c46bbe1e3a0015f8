"""Uploads on record: a ticket promises a place, its bytes come once, and after seven days both go."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Column, Engine, and_, delete, insert, select, update

from seedance.engine.schema import TASKS, UPLOADS, WAITING, Upload

UPLOAD_TIME: Final = 3600.0  # seconds from the ticket to the bytes
KEPT: Final = 7 * 86400.0
"""Seconds for which uploads, results and records live."""
BATCH: Final = 500  # values in one statement, below every database's limit


class Tickets:
    """The uploads' half of `Records`. Blocking; safe in threads."""

    def __init__(self, database: Engine, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

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
            db.execute(insert(UPLOADS).values({f.name: getattr(upload, f.name) for f in fields(upload)}))
        return upload

    def get_upload(self, token: str) -> Upload | None:
        """Return an upload, or None; one at the end of its days is not given any more."""
        there = and_(UPLOADS.c.token == token, UPLOADS.c.expires_at > self._clock() + UPLOAD_TIME - KEPT)
        with self._database.connect() as db:
            row = db.execute(select(UPLOADS).where(there)).one_or_none()
        return None if row is None else Upload(**row._mapping)

    def mark_stored(self, token: str, place: Callable[[], None] = lambda: None) -> bool:
        """Record that the bytes are there; False where they were before. The first call wins.

        `place` gives the winner's bytes, whole in a file of their own, the upload's name. A crash after it
        leaves the upload waiting for its bytes; a second caller waits for the first and is not placed.
        """
        waiting = and_(UPLOADS.c.token == token, UPLOADS.c.stored.is_(False))
        with self._database.begin() as db:
            won = db.execute(update(UPLOADS).where(waiting).values(stored=True)).rowcount == 1
            if won:
                place()
        return won

    def known_uploads(self, tokens: Iterable[str]) -> set[str]:
        """Return those of these tokens that are on record."""
        return self._known(UPLOADS.c.token, tokens)

    def _expire_uploads(self, before: float, limit: int) -> list[Upload]:
        waiting = select(TASKS.c.images).where(TASKS.c.status.in_(WAITING))
        old = select(UPLOADS.c.token).where(UPLOADS.c.expires_at < before).order_by(UPLOADS.c.expires_at)
        found: list[Upload] = []
        with self._database.begin() as db:
            if db.execute(old.limit(1)).first() is None:
                return []
            needed = {token for images in db.execute(waiting).scalars() for token in images}
            tokens = db.execute(old.limit(limit + len(needed))).scalars()
            for some in batches([token for token in tokens if token not in needed][:limit]):
                rows = db.execute(delete(UPLOADS).where(UPLOADS.c.token.in_(some)).returning(*UPLOADS.c))
                found += (Upload(**row._mapping) for row in rows)
        return found

    def _known(self, column: Column[Any], tokens: Iterable[str]) -> set[str]:
        found: set[str] = set()
        with self._database.connect() as db:
            for some in batches(list(tokens)):
                found.update(db.execute(select(column).where(column.in_(some))).scalars())
        return found


def batches(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """Cut values into as many at a time as one statement may hold."""
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))
