from __future__ import annotations

import pytest

from seedance import errors
from seedance.policy import LOCAL_PACE, PROVIDER_PACE, backoff, refusal

MODEL = "bytedance/some-model"


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, 'field "prompt" is required and must not be empty', errors.Refused),
        (400, "Insufficient credits. Please top up your account to continue.", errors.InsufficientCredit),
        (402, "", errors.InsufficientCredit),
        (401, "invalid key", errors.Unauthorized),
        (403, "account suspended", errors.Unauthorized),
        (401, "Please top up your account first", errors.InsufficientCredit),
        (429, "too many predictions per 1 minute", errors.RateLimited),
        (400, "model not found", errors.ModelUnavailable),
        (404, "", errors.ModelUnavailable),
        (410, "gone", errors.ModelUnavailable),
        (400, "The content violates our content policy", errors.ContentRejected),
        (422, "", errors.Refused),
    ],
)
def test_each_refusal_of_a_submit_has_its_own_kind(
    status: int, reason: str, kind: type[errors.Refused]
) -> None:
    """A caller tells by the class what to do; the message says that nothing was charged, and why."""
    error = refusal(status, reason, model=MODEL)
    assert type(error) is kind
    assert isinstance(error, errors.Refused)
    assert error.http_status == status
    assert "nothing was charged" in str(error)
    assert (reason or f"HTTP {status}") in str(error)


def test_a_retired_model_names_the_setting() -> None:
    """The message holds the model and the variable that names another one."""
    error = refusal(404, "", model=MODEL)
    assert isinstance(error, errors.ModelUnavailable)
    assert error.model == MODEL
    assert MODEL in str(error)
    assert "SEEDANCE_MODEL" in str(error)


@pytest.mark.parametrize("reason", ["Prediction not found", "", "<html>"])
@pytest.mark.parametrize("status", [404, 410])
def test_a_task_that_is_not_found_is_no_retired_model(status: int, reason: str) -> None:
    """A 404 on a look at a task speaks of the task, in whatever words a gateway says it."""
    assert type(refusal(status, reason, model=MODEL, of_task=True)) is errors.NotFound


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
def test_a_refused_look_never_says_that_nothing_was_charged(status: int) -> None:
    """The task exists and is paid for: the message must not deny it."""
    assert "nothing was charged" not in str(refusal(status, "no", model=MODEL, of_task=True))


def test_a_wait_that_the_provider_names_is_an_attribute() -> None:
    """Retry-After is handed on in seconds, None where it was not said."""
    named = refusal(429, "", model=MODEL, retry_after=30.0)
    assert isinstance(named, errors.RateLimited)
    assert named.retry_after == 30.0
    unnamed = refusal(429, "", model=MODEL)
    assert isinstance(unnamed, errors.RateLimited)
    assert unnamed.retry_after is None


def test_polls_grow_rarer_up_to_a_limit() -> None:
    """Polls start at 2 s and grow to about the 5 s that are asked for; a late task is asked for rarely."""
    delays = [PROVIDER_PACE.delay(poll, 0, 0.5) for poll in range(10)]
    assert delays[0] == pytest.approx(2.0)
    assert delays == sorted(delays)
    assert delays[-1] == pytest.approx(4.5)
    assert PROVIDER_PACE.delay(10_000, 599, 0.5) == pytest.approx(4.5)
    assert PROVIDER_PACE.delay(0, 600, 0.5) == pytest.approx(30.0)


def test_chance_spreads_clients_apart() -> None:
    """Jitter is a fifth to either side, and none for the embedded engine."""
    assert PROVIDER_PACE.delay(100, 0, 0.0) == pytest.approx(3.6)
    assert PROVIDER_PACE.delay(100, 0, 1.0) == pytest.approx(5.4)
    assert LOCAL_PACE.delay(100, 0, 0.0) == LOCAL_PACE.delay(100, 0, 1.0) == pytest.approx(0.3)


def test_backoff_doubles_up_to_15_seconds() -> None:
    """Full jitter: from 0 to a limit that doubles, and never overflows."""
    assert [backoff(n, 1.0) for n in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]
    assert backoff(100_000, 1.0) == 15
    assert backoff(3, 0.0) == 0
