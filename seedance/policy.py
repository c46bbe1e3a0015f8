"""Decisions without I/O: what an answer means, when to poll next, how long to wait."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from seedance.errors import (
    ContentRejected,
    InsufficientCredit,
    ModelUnavailable,
    NotFound,
    RateLimited,
    Refused,
    SeedanceError,
    TaskFailed,
    TaskRejected,
    Unauthorized,
    VideoLost,
)
from seedance.models import PREVIEW_MODEL, Status, Task

CONNECT_TIMEOUT: Final = 10.0  # seconds, as all below
POLL_TIMEOUT: Final = 30.0
SUBMIT_TIMEOUT: Final = 60.0
UPLOAD_TIMEOUT: Final = 120.0
DOWNLOAD_TIMEOUT: Final = 120.0  # between two pieces of the video, not for the whole

SUBMIT_ATTEMPTS: Final = 5  # of a submit that surely did not arrive
RATE_ATTEMPTS: Final = 10  # of a submit that met the rate limit
RATE_WINDOW: Final = 60.0  # the provider counts submissions by the minute
RUNNING_DEADLINE: Final = 1800.0  # of a caller who waits, counted from when the provider works on the task
RETENTION: Final = 7 * 86400.0  # the provider keeps tasks, uploads and videos that long
GRACE: Final = 600.0  # how far the provider's history may lag behind a submit whose answer was lost
LOOK: Final = 60.0  # between looks into a history that could not be read during the grace

TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which a read is worth repeating."""
MODERATION: Final = 1200
"""The provider's task code for content that it will not make."""
IMAGE_GONE: Final = 1402
"""The provider's task code for an image that it could not fetch."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to ask for a task: `first` seconds, growing by `growth` up to `longest`."""

    first: float = 2.0
    growth: float = 1.3
    longest: float = 4.5  # about the 5 s that the provider asks for; an end is known within 2.5 s on average
    jitter: float = 0.2
    late_after: float = 600.0
    late: float = 30.0

    def delay(self, poll: int, elapsed: float, chance: float) -> float:
        """Return the seconds to wait before the poll of that number (from 0).

        `elapsed` is the time since the submit in seconds; `chance`, from 0 to 1, spreads clients apart.
        """
        growing: float = self.first * self.growth ** min(poll, 100)
        base = self.late if elapsed >= self.late_after else min(growing, self.longest)
        return base * (1 + self.jitter * (2 * chance - 1))


PROVIDER_PACE: Final = Pace()
LOCAL_PACE: Final = Pace(first=0.1, growth=1.2, longest=0.3, jitter=0.0)
"""For the embedded engine: nobody pays for its polls, and progress should look smooth."""


def backoff(attempt: int, chance: float) -> float:
    """Return the seconds to wait before repeating a failed read, the attempt counted from 0 (full jitter)."""
    longest: float = 0.5 * 2.0 ** min(attempt, 10)
    return chance * min(longest, 15.0)


def looks(grace: float) -> Iterator[float]:
    """Yield when to look for a task whose submit was not answered, in seconds from the loss of the answer.

    Soon and then ever more rarely, the last time at the end of the grace.
    """
    at = min(2.0, grace)
    while at < grace:
        yield at
        at *= 2
    yield grace


def rate_wait(retry_after: float | None, chance: float) -> float:
    """Return the seconds to wait after a 429: what it says, else the window; and up to a fifth more."""
    base = RATE_WINDOW if retry_after is None else retry_after
    return base * (1 + 0.2 * chance)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read when to come back, in seconds from now: `retry-after-ms`, or `Retry-After` as seconds or a date.

    A date counts from the answer's own `Date` where it has one, so that no clock needs to be right; `now` is
    the time since the epoch.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with suppress(ValueError):
            seconds = float(headers.get(name, "")) * unit
            if math.isfinite(seconds):
                return min(max(seconds, 0.0), RETENTION)
    date = _moment(headers.get("retry-after", ""))
    if date is None:
        return None
    return min(max(date - (_moment(headers.get("date", "")) or now), 0.0), RETENTION)


def _moment(text: str) -> float | None:
    """Read an HTTP date as seconds since the epoch."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None


def refusal(
    http_status: int,
    reason: str,
    *,
    model: str,
    retry_after: float | None = None,
    of_task: bool = False,
) -> SeedanceError:
    """Say what a refusing answer (4xx, or an envelope whose code is one) means, as an error to raise.

    With `of_task`, what was refused is a look at a task that exists.
    """
    said = f"The provider said: {reason}" if reason else f"It answered HTTP {http_status} and gave no reason."
    words = reason.lower()
    nothing = "The task itself goes on." if of_task else "No task was created and nothing was charged."
    if http_status == 429:
        return RateLimited(
            f"Too many requests for now. {nothing} Wait a minute, then try again. {said}",
            retry_after=retry_after,
        )
    if http_status == 402 or "insufficient credit" in words or "top up" in words:
        return InsufficientCredit(
            f"The account has too little credit. {nothing} Top it up, then try again. {said}",
            http_status=http_status,
        )
    if http_status in (401, 403):
        return Unauthorized(
            f"The key was refused. {nothing} Check WAVESPEED_API_KEY; a new account must be topped up once. "
            f"{said}",
            http_status=http_status,
        )
    if of_task and http_status in (404, 410):
        return NotFound(f"The provider does not know this task (any more). {said}", http_status=http_status)
    if "model not found" in words or http_status in (404, 410):
        return ModelUnavailable(
            f"The model {model} is not offered; it may be retired. {nothing} "
            f"Set SEEDANCE_MODEL to one that is. {said}",
            model=model,
            http_status=http_status,
        )
    if any(word in words for word in ("moderat", "sensitive", "nsfw", "content policy")):
        return ContentRejected(
            f"The content was rejected. {nothing} Change the prompt or the images. {said}",
            http_status=http_status,
        )
    return Refused(f"The request was refused. {nothing} {said}", http_status=http_status)


def check_completed(task: Task) -> None:
    """Raise `TaskFailed`, or `TaskRejected` for its content, unless the task ended with a video."""
    if task.status is Status.COMPLETED and task.outputs:
        return
    reason = task.error or ("it has no output" if task.status is Status.COMPLETED else "no reason was given")
    said = f"The task ended without a video: {reason} (task {task.id})."
    rejected = task.code == MODERATION or "moderation" in said.lower()
    if task.model == PREVIEW_MODEL:
        money = ""
    elif task.status is Status.COMPLETED:
        money = " It counts as completed and may have been charged: ask the provider."
    else:
        money = " Failed tasks are refunded within 3 hours."
    advice = " Change the prompt or the images." if rejected else ""
    kind = TaskRejected if rejected else VideoLost if task.status is Status.COMPLETED else TaskFailed
    raise kind(said + money + advice, task_id=task.id, code=task.code)
