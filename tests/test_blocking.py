"""`seedance.generate`, as a script or a notebook calls it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

import seedance
from seedance import blocking
from seedance.errors import InvalidImage, InvalidRequest, MissingKey, OutcomeUnknown, StillRunning, TaskFailed
from seedance.journal import Journal
from seedance.models import Event, State
from seedance.settings import Settings
from tests.providers import KEY, VIDEO, Handler, Provider


class FailingHandler(Handler):
    """Refuses each submit."""

    def send_response(self, code: int, message: str | None = None) -> None:
        super().send_response(400 if self.server.calls[-1] == "submit" else code, message)


class WorkingHandler(Handler):
    """Works on its task for longer than anybody in a test wants to wait: four looks, about eight seconds."""

    def do_GET(self) -> None:  # noqa: N802
        if self.server.calls.count("result") == 4:
            return self._answer()
        self.server.calls.append("result")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"code": 200, "data": {"id": "t1", "status": "processing"}}')
        return None


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings(provider: Provider) -> Settings:
    return Settings(api_key=SecretStr(KEY), base_url=provider.url)


def state(settings: Settings) -> State:
    journal = Journal(settings.journal_url)
    (record,) = journal.recent()
    journal.close()
    return record.state


def test_a_script_gets_its_video(settings: Settings, provider: Provider, photo: Path) -> None:
    """It is returned once it is saved, with the seed that repeats it and what made it."""
    video = seedance.generate(
        [str(photo)], "a fox", duration=7, seed=42, camera_fixed=True, settings=settings
    )
    assert video.path.read_bytes() == VIDEO
    assert (video.seed, video.engine, video.task_id) == (42, "wavespeed", "t1")
    (sent,) = provider.submitted
    assert (sent["prompt"], sent["seed"], sent["duration"], sent["camera_fixed"]) == ("a fox", 42, 7, True)
    assert state(settings) is State.DONE


def test_a_key_can_be_given_for_one_video(provider: Provider, photo: Path) -> None:
    """It need not be in the environment, and the journal does not keep it."""
    settings = Settings(base_url=provider.url)
    assert seedance.generate([photo], "a fox", key=KEY, settings=settings).engine == "wavespeed"
    journal = settings.data_dir / "journal.sqlite"
    assert KEY.encode() not in journal.read_bytes()


def test_a_notebook_gets_its_video(settings: Settings, provider: Provider, photo: Path) -> None:
    """It works where an event loop runs already, as in a cell of a notebook; each call is a new video."""

    async def cell() -> list[str]:
        return [seedance.generate([photo], "a fox", settings=settings).task_id for _ in range(2)]

    assert asyncio.run(cell()) == ["t1", "t2"]
    assert provider.calls.count("submit") == 2


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"prompt": " "}, InvalidRequest),
        ({"duration": 13}, InvalidRequest),
        ({"images": []}, InvalidRequest),
        ({"images": ["/nowhere/a.jpg"]}, InvalidImage),
        ({"key": " "}, MissingKey),
    ],
    ids=["prompt", "duration", "no image", "lost image", "key"],
)
def test_bad_input_is_raised_and_nothing_is_sent(
    settings: Settings, provider: Provider, photo: Path, changes: dict[str, object], kind: type[Exception]
) -> None:
    """The error is the one that the docstring names, not a group or a wrapper of it."""
    asked: dict[str, object] = {"images": [photo], "prompt": "a fox", "settings": settings, **changes}
    with pytest.raises(kind) as caught:
        seedance.generate(**asked)  # type: ignore[arg-type]
    assert type(caught.value) is kind
    assert provider.calls == []


def test_a_refused_video_is_a_failure(settings: Settings, provider: Provider, photo: Path) -> None:
    """The message says why and that nothing was charged; there is no task to name."""
    provider.RequestHandlerClass = FailingHandler
    with pytest.raises(TaskFailed, match="nothing was charged") as caught:
        seedance.generate([photo], "a fox", settings=settings)
    assert caught.value.task_id == ""
    assert state(settings) is State.FAILED


def test_a_lost_answer_is_not_a_failure(
    settings: Settings, provider: Provider, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that repeats failed videos must not repeat one that may be charged already."""
    monkeypatch.setattr("seedance.policy.LOOK", 0.01)
    settings.grace = 0.1
    provider.drops_submits = True
    with pytest.raises(OutcomeUnknown, match="may have been started and charged") as caught:
        seedance.generate([photo], "a fox", settings=settings)
    assert not isinstance(caught.value, TaskFailed)
    assert provider.calls.count("submit") == 1
    assert state(settings) is State.UNKNOWN


def test_patience_ends_and_the_task_goes_on(
    settings: Settings, provider: Provider, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the deadline the caller is free; the error names the task, and the journal can go on with it."""
    monkeypatch.setattr("seedance.blocking.RUNNING_DEADLINE", 0.01)
    provider.RequestHandlerClass = WorkingHandler
    with pytest.raises(StillRunning, match="goes on") as caught:
        seedance.generate([photo], "a fox", settings=settings)
    assert caught.value.task_id == "t1"
    assert state(settings) is State.RUNNING
    assert provider.calls.count("submit") == 1


def test_what_is_stopped_elsewhere_still_runs() -> None:
    """A video that another watcher stopped is no failure: the error says so and names the task."""
    event = Event("v1", State.STOPPED, "wavespeed", 7, "Stopped waiting.", task_id="t1")
    with pytest.raises(StillRunning, match="Stopped waiting") as caught:
        blocking._video(event)
    assert caught.value.task_id == "t1"
