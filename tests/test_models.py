from __future__ import annotations

import math
from pathlib import Path

import pytest

from seedance.errors import InvalidRequest, NothingSent
from seedance.models import MAX_SEED, Event, Request, State, Status

PICTURE = (Path("a.jpg"),)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("prompt", "", "empty"),
        ("prompt", " \n", "empty"),
        ("prompt", None, "empty"),
        ("prompt", "x" * 2001, "at most 2000"),
        ("images", (), "1 to 4"),
        ("images", PICTURE * 5, "1 to 4"),
        ("duration", 1, "2 to 12"),
        ("duration", 13, "2 to 12"),
        ("duration", 5.5, "2 to 12"),
        ("duration", math.nan, "2 to 12"),
        ("duration", "5", "2 to 12"),
        ("duration", True, "2 to 12"),
        ("seed", -2, "-1 to 2147483647"),
        ("seed", MAX_SEED + 1, "-1 to 2147483647"),
        ("seed", True, "-1 to 2147483647"),
        ("seed", math.inf, "-1 to 2147483647"),
        ("camera_fixed", 1, "true or false"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(field: str, value: object, told: str) -> None:
    """The error names the field and what is allowed, and says by its class that nothing was sent."""
    values = {"prompt": "a fox", "images": PICTURE, field: value}
    with pytest.raises(InvalidRequest, match=told) as caught:
        Request(**values)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")
    assert isinstance(caught.value, NothingSent)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", "x" * 2000),
        ("images", PICTURE * 4),
        ("duration", 2),
        ("duration", 12),
        ("seed", 0),
        ("seed", MAX_SEED),
    ],
)
def test_the_limits_themselves_are_allowed(field: str, value: object) -> None:
    """Each range includes its ends, and a value within it is kept as given."""
    request = Request(**{"prompt": "a fox", "images": PICTURE, field: value})  # type: ignore[arg-type]
    assert getattr(request, field) == value


def test_a_whole_number_may_come_as_a_float() -> None:
    """JSON knows one kind of number: 5.0 is 5, and is sent as an integer."""
    request = Request("a fox", PICTURE, duration=5.0, seed=7.0)  # type: ignore[arg-type]
    assert [type(request.duration), type(request.seed)] == [int, int]


def test_a_random_seed_becomes_a_concrete_one() -> None:
    """Seed -1 is drawn here, anew for each request, so that every video can be made again."""
    seeds = {Request("a fox", PICTURE).seed for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


@pytest.mark.parametrize(
    ("spelling", "status"),
    [
        ("created", Status.QUEUED),
        ("queued", Status.QUEUED),
        ("pending", Status.QUEUED),
        ("starting", Status.RUNNING),
        ("processing", Status.RUNNING),
        ("completed", Status.COMPLETED),
        (" Succeeded ", Status.COMPLETED),
        ("failed", Status.FAILED),
        ("cancelled", Status.FAILED),
        ("timeout", Status.FAILED),
        ("deleted", Status.FAILED),
        ("reticulating", Status.RUNNING),
        ("", Status.RUNNING),
        (None, Status.RUNNING),
    ],
)
def test_every_spelling_of_a_status_is_understood(spelling: str | None, status: Status) -> None:
    """An unknown or missing status means still running: a paid task is never lost to a new word."""
    assert Status.parse(spelling) is status


def test_only_ended_states_end() -> None:
    """Nothing is followed any more once it is done, failed, unknown or stopped."""
    assert {state.value for state in State if state.ended} == {"done", "failed", "unknown", "stopped"}
    assert {status.value for status in Status if status.ended} == {"completed", "failed"}


def test_a_running_task_is_queued_until_the_provider_works_on_it() -> None:
    """The stage shown to people tells waiting from working."""

    def stage(state: State, status: Status | None) -> str:
        return Event("id", state, "local", 1, status=status).stage

    assert stage(State.RUNNING, None) == "queued"
    assert stage(State.RUNNING, Status.QUEUED) == "queued"
    assert stage(State.RUNNING, Status.RUNNING) == "running"
    assert stage(State.UNKNOWN, None) == "unknown"


def test_the_summary_keeps_its_names() -> None:
    """Scripts read these eight fields; nothing wrong and no video are null, not empty texts."""
    summary = Event(
        "id", State.DONE, "local", 7, task_id="t", video=Path("/v/a.mp4"), inference_ms=9
    ).summary()
    assert summary == {
        "id": "id",
        "task_id": "t",
        "status": "done",
        "seed": 7,
        "video": str(Path("/v/a.mp4")),
        "engine": "local",
        "inference_ms": 9,
        "error": None,
    }
    assert Event("id", State.FAILED, "local", 7, message="No.").summary()["error"] == "No."
