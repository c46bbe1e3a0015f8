"""Decisions without I/O: what an answer means, when to poll next, how long to wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from seedance.errors import (
    ContentRejected,
    InsufficientCredit,
    ModelUnavailable,
    NotFound,
    RateLimited,
    Refused,
    SeedanceError,
    Unauthorized,
)

CONNECT_TIMEOUT: Final = 10.0  # seconds, as all below
POLL_TIMEOUT: Final = 30.0
SUBMIT_TIMEOUT: Final = 60.0
UPLOAD_TIMEOUT: Final = 120.0
DOWNLOAD_TIMEOUT: Final = 120.0  # between two pieces of the video, not for the whole

TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which a read is worth repeating."""
MODERATION: Final = 1200
"""The provider's task code for content that it will not make."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to ask for a task: `first` seconds, growing by `growth` up to `longest`."""

    first: float = 2.0
    growth: float = 1.3
    longest: float = 5.0  # the provider asks for no more than one poll in 5 s of a video task
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
