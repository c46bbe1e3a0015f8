"""One video on record: its row, and the tables of the journal."""

from __future__ import annotations

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
    String,
    Table,
    Text,
    false,
)

from seedance.models import State

METADATA: Final = MetaData()
VIDEOS: Final = Table(
    "videos",
    METADATA,
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
    Column("urls", JSON),
    Column("created_at", Float, nullable=False),
    Column("submitted_at", Float),
    Column("finished_at", Float),
    Column("task_id", Text),
    Column("made_by", Text),
    Column("video", String(255)),
    Column("inference_ms", Integer),
    Column("storyboard", Text),
    Column("nsfw", Boolean),
    Column("error", Text),
    Column("fault", String(32)),
    Column("batch", String(32)),
    Column("visitor", String(64)),
    Column("stop_asked", Boolean, nullable=False, server_default=false()),
    Column("holder", String(32)),
    Column("lease", Float, nullable=False),
    Column("fence", Integer, nullable=False),
    Index("videos_by_owner", "owner", "created_at"),
    Index("videos_by_visitor", "visitor", "created_at"),
    Index("videos_by_account", "account", "created_at"),
    Index("videos_by_guest", "account", "visitor", "created_at"),
    Index("videos_by_batch", "batch"),
    Index("videos_by_age", "created_at"),
    Index("videos_unfinished", "finished_at", "created_at"),
    Index("videos_by_task", "account", "task_id", unique=True),
)
HOLDERS: Final = Table(
    "holders",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("lease", Float, nullable=False),
)
"""Until when each process that works on videos surely lives. A video's own lease only bridges the time until
its process renews; a program of an older version renews that one."""
UPLOADS: Final = Table(
    "uploads",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("uploads_by_age", "created_at"),
)
PICTURES: Final = Table(
    "pictures",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("video", String(32), primary_key=True),
)
"""Which videos need a reference image: the last one that goes takes it along."""
VERSION: Final = 7


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
    urls: list[str] | None
    """The addresses of the images at the provider, as they were submitted."""
    created_at: float
    submitted_at: float | None
    finished_at: float | None
    """When nothing was left to do. A stopped video is unfinished for as long as it may still come."""
    task_id: str | None
    made_by: str | None
    """The model's name as the provider reported it."""
    video: str | None
    """The saved video's file name in the data directory's `videos`."""
    inference_ms: int | None
    storyboard: str | None
    """The video in words, as the embedded engine tells it."""
    nsfw: bool | None
    """Whether the provider flags the video's content as sensitive, once it has told."""
    error: str | None
    fault: str | None
    """The name of the error class behind `error`."""
    batch: str | None
    """What the takes of one request have in common."""
    visitor: str | None
    """Who asked with the host's key, as the host's limits count: a name or the fingerprint of an address."""
    stop_asked: bool
    """Whether somebody asked another process than the one that works on it to stop waiting."""
    fence: int


COLUMNS: Final = tuple(VIDEOS.c[field.name] for field in fields(Record))
