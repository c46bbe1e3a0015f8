from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from seedance.models import Status
from seedance.wire import read_answer, read_task


def test_the_documented_answer_is_read_whole() -> None:
    """The provider's own example gives every field of a task."""
    answer = read_answer(
        {
            "code": 200,
            "message": "success",
            "data": {
                "id": "e6832d4a",
                "model": "m",
                "outputs": ["https://v/1.mp4"],
                "urls": {"get": "https://x/result"},
                "has_nsfw_contents": [False],
                "status": "completed",
                "created_at": "2025-05-19T06:09:15.948268264Z",
                "error": "",
                "timings": {"inference": 31000},
            },
        }
    )
    task = read_task(answer.data)
    assert task is not None
    assert (task.id, task.status, task.outputs) == ("e6832d4a", Status.COMPLETED, ("https://v/1.mp4",))
    assert task.created_at == datetime(2025, 5, 19, 6, 9, 15, 948268, UTC)
    assert (task.inference_ms, task.error, task.code, task.nsfw) == (31000, "", None, False)


def test_an_object_without_envelope_is_taken_as_the_data() -> None:
    """A webhook and some gateways give the task bare."""
    task = read_task(read_answer({"id": "a", "status": "created"}).data)
    assert task is not None
    assert task.id == "a"


@pytest.mark.parametrize(
    "field",
    [
        {name: value}
        for name in (
            "model", "outputs", "urls", "has_nsfw_contents", "status", "created_at", "error", "code",
            "timings", "executionTime", "progress",
        )
        for value in (None, 1, "x", [None, 3], {"inference": "x"}, True, 10**400, float("nan"))
    ],
)  # fmt: skip
def test_no_field_can_hide_a_task_id(field: dict[str, Any]) -> None:
    """Whatever a field holds, the id of a paid task is read."""
    task = read_task({"id": "a", **field})
    assert task is not None
    assert task.id == "a"


@pytest.mark.parametrize("data", [None, [], "text", 7, {}, {"id": None}, {"id": ""}, {"status": "created"}])
def test_without_an_id_there_is_no_task(data: object) -> None:
    """An answer that holds no id is not taken for a task."""
    assert read_task(data) is None


@pytest.mark.parametrize("payload", [None, [], "text", 7, {}, {"message": "no data"}])
def test_an_answer_of_any_shape_is_survived(payload: object) -> None:
    """JSON that is no answer reads as one without data."""
    assert read_answer(payload).data is None


@pytest.mark.parametrize(
    ("outputs", "addresses"),
    [
        ([], ()),
        (["https://v/1.mp4", "", None, 3], ("https://v/1.mp4",)),
        ([{"url": "https://v/1.mp4"}, {"text": "x"}], ("https://v/1.mp4",)),
    ],
)
def test_outputs_are_addresses(outputs: list[object], addresses: tuple[str, ...]) -> None:
    """Texts and objects with a URL count; anything else is left out."""
    task = read_task({"id": "a", "outputs": outputs})
    assert task is not None
    assert task.outputs == addresses


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"code": 400, "message": "bad"}, "bad"),
        ({"error": "bad"}, "bad"),
        ({"error": {"message": "bad"}}, "bad"),
        ({"error": {"message": 3}}, ""),
        ({"code": 400}, ""),
    ],
)
def test_the_reason_of_a_refusal_is_found(body: dict[str, Any], reason: str) -> None:
    """The provider's words come in one of several fields."""
    assert read_answer(body).reason == reason


@pytest.mark.parametrize(
    ("told", "progress"), [(0.5, 0.5), (-1, 0.0), (7, 1.0), ("half", None), (None, None)]
)
def test_progress_stays_between_0_and_1(told: object, progress: float | None) -> None:
    """A progress bar is never given more than all or less than nothing."""
    task = read_task({"id": "a", "progress": told})
    assert task is not None
    assert task.progress == progress
