"""The client as it follows a task."""

from __future__ import annotations

import httpx
import pytest

from seedance import errors
from seedance.models import Status, Task
from seedance.policy import check_completed
from tests.providers import KEY, Fault, Script, told

pytestmark = pytest.mark.anyio


async def follow(*replies: Fault, deadline: float | None = None) -> tuple[list[Task], Script]:
    script = Script(*replies)
    async with script.client() as client:
        return [task async for task in client.events("t1", deadline=deadline)], script


async def test_a_task_is_followed_until_it_has_ended() -> None:
    """Each change is told once, at the address of the task, with the key."""
    done = told("completed", outputs=["https://v/1.mp4"])
    tasks, script = await follow(told(), told(), told("processing"), told("processing"), done)
    assert [task.status for task in tasks] == [Status.QUEUED, Status.RUNNING, Status.COMPLETED]
    assert {str(request.url) for request in script.requests} == {
        "https://api.wavespeed.ai/api/v3/predictions/t1/result"
    }
    assert script.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert script.waits == sorted(script.waits)


async def test_failing_polls_never_abandon_a_task() -> None:
    """Whatever goes wrong between, and however often, the task is asked for until it has ended."""
    troubles: list[Fault] = [
        httpx.ConnectError("no"),
        httpx.ReadTimeout("no"),
        httpx.RemoteProtocolError("no"),
        httpx.Response(429),
        httpx.Response(502, html="<html>"),
        httpx.Response(200, html="<html>"),
        httpx.Response(200, json={"code": 200, "data": None}),
        httpx.Response(200, json={"code": 500, "message": "oops"}),
    ]
    tasks, script = await follow(told("processing"), *troubles * 5, told("completed"))
    assert [task.status for task in tasks] == [Status.RUNNING, Status.COMPLETED]
    assert max(script.waits) <= 15


async def test_an_unknown_status_keeps_polling() -> None:
    """A new word of the provider means still running."""
    tasks, _ = await follow(told("reticulating"), told("splining"), told("completed"))
    assert [task.status for task in tasks] == [Status.RUNNING, Status.COMPLETED]


async def test_a_deadline_ends_our_patience_not_the_task() -> None:
    """After the deadline the error carries the id to resume by; it holds as well while polls fail."""
    for reply in (told("processing"), httpx.Response(503)):
        script = Script(reply)
        async with script.client() as client:
            with pytest.raises(errors.StillRunning) as caught:
                await client.wait("t1", deadline=60)
        assert caught.value.task_id == "t1"
        assert sum(script.waits) <= 60


@pytest.mark.parametrize(
    "reply",
    [httpx.Response(404, html="<html>"), httpx.Response(404, json={"message": "Prediction not found"})],
)
async def test_an_unknown_task_is_told_as_such(reply: httpx.Response) -> None:
    """The provider not knowing a task is neither a retired model nor free of charge."""
    script = Script(reply)
    async with script.client() as client:
        with pytest.raises(errors.NotFound) as caught:
            await client.wait("t1")
    assert "charged" not in str(caught.value)


async def test_an_id_cannot_change_the_address() -> None:
    """An id from a journal or a user stays one part of the path."""
    script = Script(told())
    async with script.client() as client:
        await client.get("../balance?x=1")
    assert script.requests[0].url.raw_path == b"/api/v3/predictions/..%2Fbalance%3Fx%3D1/result"


@pytest.mark.parametrize(
    ("task", "kind", "words"),
    [
        (Task("t1", Status.FAILED, error="out of memory", code=1403), errors.TaskFailed, "out of memory"),
        (Task("t1", Status.FAILED), errors.TaskFailed, "no reason"),
        (Task("t1", Status.FAILED, error="no", code=1200), errors.TaskRejected, "Change the prompt"),
        (Task("t1", Status.COMPLETED), errors.VideoLost, "no output"),
    ],
)
def test_a_task_without_a_video_is_a_failure(task: Task, kind: type[Exception], words: str) -> None:
    """The error carries the task's id and code, and says why and what to do."""
    with pytest.raises(errors.TaskFailed, match=words) as caught:
        check_completed(task)
    assert type(caught.value) is kind
    assert (caught.value.task_id, caught.value.code) == ("t1", task.code)
