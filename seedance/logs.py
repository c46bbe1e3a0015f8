"""Logging, set up once: as words for a person, or as JSON, a line each, with the ids of what it is about."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

_ABOUT: Final[ContextVar[dict[str, str] | None]] = ContextVar("about", default=None)
_OTHERS: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
"""Loggers that bring handlers of their own."""


@contextmanager
def about(**ids: str | None) -> Iterator[None]:
    """Give every line that is logged within, also in the tasks and threads begun within, these ids."""
    token = _ABOUT.set({name: id for name, id in ids.items() if id})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def also(**ids: str) -> None:
    """Add ids that have come to be known to what is logged about."""
    if (known := _ABOUT.get()) is not None:
        known.update(ids)


def configure(style: str) -> None:
    """Log to standard error: `human`, warnings alone; or `json`, and what becomes of each task as well."""
    if style == "human":
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
        return
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    handler.addFilter(_add_ids)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("seedance").setLevel(logging.INFO)
    logging.captureWarnings(True)
    adopt()


def adopt() -> None:
    """Have the server's own lines go the same way, where it has set up others."""
    for name in _OTHERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


class Lines(logging.Formatter):
    """A record as a JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _add_ids(record: logging.LogRecord) -> bool:
    record.about = _ABOUT.get() or {}
    return True
