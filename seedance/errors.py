"""What can go wrong, sorted by what a caller must do next.

    SeedanceError
    ├── NothingSent                 no task exists, nothing was charged
    │   ├── MissingKey              the engine wants a key and none was given
    │   ├── InvalidRequest          a field is out of its range (`field`)
    │   │   └── InvalidImage        a reference image cannot be used (`name`)
    │   ├── SignInNeeded            the host's key makes videos only for who has signed in
    │   ├── LimitReached            the host's key makes no more videos for this visitor now
    │   ├── NotRecorded             the journal cannot be written, so nothing is sent
    │   └── NotDelivered            the connection was never made; safe to repeat
    ├── Refused                     the provider said no; no task was created (`http_status`)
    │   ├── Unauthorized            wrong key, or an account without rights
    │   ├── InsufficientCredit
    │   ├── ContentRejected         moderation refused the prompt or an image
    │   ├── RateLimited             too many submissions (`retry_after`, seconds, or None)
    │   ├── NotFound                the provider knows no such task
    │   └── ModelUnavailable        the model id is unknown or retired (`model`)
    ├── OutcomeUnknown              a submit was sent and its answer was lost: a task may run and be charged
    ├── Unavailable                 a read failed for now (polls, downloads); repeat it
    ├── TooLarge                    the video is larger than what is ever saved
    ├── TaskFailed                  the provider ended the task badly (`task_id`, `code`)
    │   ├── TaskRejected            … because of its content (task code 1200)
    │   └── VideoLost               … after it was made, or so the provider says, and most likely charged
    └── StillRunning                our patience ended, not the task (`task_id`); resumable

Every message is a sentence for a person: what happened, whether anything was charged, what to do next.
"""

from __future__ import annotations


class SeedanceError(Exception):
    """Base of everything this package raises on purpose."""


class NothingSent(SeedanceError):
    """Nothing reached the provider: no task exists and nothing was charged."""


class MissingKey(NothingSent):
    """The chosen engine needs a key and none was given."""

    def __init__(self) -> None:
        super().__init__(
            "No WaveSpeedAI key. Set WAVESPEED_API_KEY, or use the preview engine (SEEDANCE_ENGINE=local). "
            "Nothing was sent."
        )


class InvalidRequest(NothingSent):
    """A field of the request is out of its range; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class InvalidImage(InvalidRequest):
    """A reference image cannot be used; `name` is the file's name as the user knows it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__("images", f"{name}: {reason}")
        self.name = name
        self.reason = reason


class SignInNeeded(NothingSent):
    """The host's key makes videos only for visitors who have signed in."""

    def __init__(self) -> None:
        super().__init__(
            "Sign in first: this page's own key makes videos only for who has signed in. Nothing was sent. "
            "You can use your own key, or make a free preview."
        )


class LimitReached(NothingSent):
    """The host has set a limit to what visitors may ask for with its key; `limit` is its number."""

    def __init__(self, message: str, *, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


class NotRecorded(NothingSent):
    """The journal cannot be written (disk full, read-only): without a record nothing is sent."""


class NotDelivered(NothingSent):
    """The connection was never made (DNS, connect, TLS), so the request surely did not arrive."""


class Refused(SeedanceError):
    """The provider answered and said no. No task was created."""

    def __init__(self, message: str, *, http_status: int = 0) -> None:
        super().__init__(message)
        self.http_status = http_status


class Unauthorized(Refused):
    """The key is wrong, or its account may not do this (HTTP 401, 403)."""


class InsufficientCredit(Refused):
    """The account's balance does not cover this video (HTTP 400 with that message, or 402)."""


class ContentRejected(Refused):
    """Moderation refused the prompt or an image before a task was created."""


class RateLimited(Refused):
    """Too many requests (HTTP 429); `retry_after` is in seconds, None when the provider did not say."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message, http_status=429)
        self.retry_after = retry_after


class NotFound(Refused):
    """The provider knows no such task: wrong id, another account's, or older than its 7 days."""


class ModelUnavailable(Refused):
    """The provider does not offer `model` (any more). SEEDANCE_MODEL names another one."""

    def __init__(self, message: str, *, model: str, http_status: int = 0) -> None:
        super().__init__(message, http_status=http_status)
        self.model = model


class OutcomeUnknown(SeedanceError):
    """A submit was sent and its answer was lost: a task may exist and be charged. Never repeat it blindly."""


class Unavailable(SeedanceError):
    """A read (poll, upload ticket, download) failed for now. It costs nothing to repeat it."""


class TooLarge(SeedanceError):
    """The video is larger than what is ever saved; to fetch it again changes nothing."""


class TaskFailed(SeedanceError):
    """The provider ended the task without a video; `code` is its task code, or None."""

    def __init__(self, message: str, *, task_id: str, code: int | None = None) -> None:
        super().__init__(message)
        self.task_id = task_id
        self.code = code


class TaskRejected(TaskFailed):
    """Moderation refused the task's content (task code 1200)."""


class VideoLost(TaskFailed):
    """The provider counts the task as completed, but there is no video of it, or none that can be saved."""


class StillRunning(SeedanceError):
    """The caller's deadline passed while the task was running; it can be resumed by `task_id`."""

    def __init__(self, message: str, *, task_id: str) -> None:
        super().__init__(message)
        self.task_id = task_id
