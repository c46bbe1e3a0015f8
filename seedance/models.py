"""Request, Task, Status, State, Event: the words everything else speaks.

The limits are those of the provider's contract, kept here and nowhere else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from seedance.errors import InvalidRequest

MAX_IMAGES: Final = 4
MAX_PROMPT: Final = 2000  # characters; the provider's older page states it, its newer one states none
MIN_DURATION: Final = 2  # seconds
MAX_DURATION: Final = 12
DEFAULT_DURATION: Final = 5
RANDOM_SEED: Final = -1
MAX_SEED: Final = 2**31 - 1

DEFAULT_MODEL: Final = "bytedance/seedance-v1-lite/reference-to-video"
PREVIEW_MODEL: Final = "local/preview"
"""The model name that the embedded engine reports, so that a preview never passes for the AI model."""


class Status(StrEnum):
    """What the provider says of a task, in four words."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"

    @classmethod
    def parse(cls, text: str | None) -> Status:
        """Read any spelling seen on the wire. An unknown one means: still running, never a lost task."""
        return _SPELLINGS.get((text or "").strip().lower(), cls.RUNNING)

    @property
    def ended(self) -> bool:
        """Whether the provider will not change this status any more."""
        return self in (Status.COMPLETED, Status.FAILED)


_SPELLINGS: Final = {
    "created": Status.QUEUED,
    "queued": Status.QUEUED,
    "pending": Status.QUEUED,
    "completed": Status.COMPLETED,
    "succeeded": Status.COMPLETED,
    "failed": Status.FAILED,
    "cancelled": Status.FAILED,
    "canceled": Status.FAILED,
    "timeout": Status.FAILED,
    "deleted": Status.FAILED,
}


class State(StrEnum):
    """Where a video stands in the journal."""

    NEW = "new"
    SUBMITTING = "submitting"
    RUNNING = "running"
    DOWNLOADING = "downloading"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    STOPPED = "stopped"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (State.DONE, State.FAILED, State.UNKNOWN, State.STOPPED)


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asks for. Checked when made: an `InvalidRequest` names the field and its range.

    `images` are the reference images in the order of `[Image 1]` … `[Image 4]`. A `seed` of -1 becomes
    a concrete random one here, because the provider never tells the seed that it drew.
    """

    prompt: str
    images: tuple[Path, ...]
    duration: int = DEFAULT_DURATION
    camera_fixed: bool = False
    seed: int = RANDOM_SEED

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            raise InvalidRequest("prompt", "prompt: write what should happen in the video; it is empty.")
        if len(self.prompt) > MAX_PROMPT:
            raise InvalidRequest(
                "prompt", f"prompt: {len(self.prompt)} characters; at most {MAX_PROMPT} are allowed."
            )
        if not 1 <= len(self.images) <= MAX_IMAGES:
            raise InvalidRequest(
                "images", f"images: {len(self.images)} given; 1 to {MAX_IMAGES} reference images are allowed."
            )
        if not isinstance(self.camera_fixed, bool):
            raise InvalidRequest(
                "camera_fixed", f"camera_fixed: {self.camera_fixed!r} given; true or false is allowed."
            )
        duration = _whole("duration", self.duration, MIN_DURATION, MAX_DURATION, "seconds")
        seed = _whole("seed", self.seed, RANDOM_SEED, MAX_SEED, "(-1: a random one)")
        if seed == RANDOM_SEED:
            seed = random.SystemRandom().randint(0, MAX_SEED)
        object.__setattr__(self, "duration", duration)
        object.__setattr__(self, "seed", seed)


def _whole(name: str, value: float, low: int, high: int, unit: str) -> int:
    """Return `value` as a whole number in its range; JSON's 5.0 counts as 5, true and "5" do not."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high or value != int(value):
        raise InvalidRequest(
            name, f"{name}: {value!r} given; a whole number from {low} to {high} {unit} is allowed."
        )
    return int(value)


@dataclass(frozen=True, slots=True)
class Task:
    """The provider's view of one video in the making."""

    id: str
    status: Status
    model: str = ""
    outputs: tuple[str, ...] = ()
    """Addresses of the finished video, fetched without a key; they live 7 days."""
    error: str = ""
    code: int | None = None
    """The provider's task error code (1200: moderation, 1402: an image could not be fetched, …)."""
    created_at: datetime | None = None
    inference_ms: int | None = None
    nsfw: bool = False
    progress: float | None = None
    """0 to 1 where the engine tells it (the embedded one does), else None."""
    storyboard: str = ""
    """The video in words, where the engine tells it (the embedded one does)."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a video costs, as the provider says before it is made."""

    amount: float
    currency: str


@dataclass(frozen=True, slots=True)
class Event:
    """How a video in the making stands, for whoever watches."""

    id: str
    """The journal's id of the video."""
    state: State
    engine: str
    """`wavespeed`: the AI model; `local`: a preview by the embedded engine, wherever that runs."""
    seed: int
    message: str = ""
    """What went wrong and what to do, for a person; empty while all is well."""
    task_id: str | None = None
    status: Status | None = None
    """The provider's word on a running task, once there is one."""
    progress: float | None = None
    """0 to 1 where the engine tells it."""
    elapsed: float = 0.0
    """Seconds since the request was recorded."""
    video: Path | None = None
    """The saved file, when done."""
    inference_ms: int | None = None
    fault: str | None = None
    """The name of the error class behind `message`, where there is one."""
    again: float | None = None
    """When a request that could not be sent is sent once more, in seconds as `elapsed` counts them."""
    storyboard: str = ""
    """The video in words, where the engine tells it."""
    nsfw: bool = False
    """Whether the provider flags the video's content as sensitive."""

    @property
    def stage(self) -> str:
        """The state in one word for display: a task is queued until the provider works on it."""
        if self.state is State.RUNNING and self.status in (None, Status.QUEUED):
            return "queued"
        return self.state.value

    def summary(self) -> dict[str, object]:
        """Return what a program wants to know, ready for JSON. Scripts rely on these names."""
        return {
            "id": self.id,
            "task_id": self.task_id,
            "status": self.stage,
            "seed": self.seed,
            "video": str(self.video) if self.video else None,
            "engine": self.engine,
            "inference_ms": self.inference_ms,
            "error": self.message or None,
        }
