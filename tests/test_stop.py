"""Stopping: what was not sent never is, what was sent is brought home, and the words are true of both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from seedance.client import WaveSpeed
from seedance.journal import Journal
from seedance.models import Event, State
from seedance.record import Record
from seedance.settings import Settings
from seedance.studio import Studio
from tests.providers import KEY, SHA, VIDEO, Workshop

pytestmark = pytest.mark.anyio

HONEST = ("no cancel", "may still finish", "charge")


@dataclass
class Slow:
    """A provider that holds its answers to the call named `held`, once it has acted on it."""

    workshop: Workshop
    held: str = ""
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.workshop(request)
        if self.workshop.calls[-1][0] == self.held:
            await self.free.wait()
        return answer

    def studio(self) -> Studio:
        settings = Settings(api_key=SecretStr(KEY))
        return Studio(settings, transport=httpx.MockTransport(self))


@pytest.fixture
def workshop(house: Path) -> Iterator[Workshop]:
    journal = Journal(Settings().journal_url)
    yield Workshop(house, journal)
    journal.close()


@pytest.fixture
def slow(workshop: Workshop) -> Slow:
    return Slow(workshop)


async def seen(studio: Studio, id: str, condition: Callable[[Event], Any]) -> Event:
    """Return the first event of a video of which that is true."""
    async with asyncio.timeout(30), aclosing(studio.watch(id)) as events:
        async for event in events:
            if condition(event):
                return event
    raise AssertionError(event)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def called(workshop: Workshop, name: str) -> None:
    await until(lambda: workshop.count(name))


async def home(studio: Studio, id: str) -> Record:
    """Return the record once nothing is left to do."""
    await until(lambda: id not in studio._workshop.live)
    record = await studio.get(id)
    assert record is not None
    assert record.finished_at is not None
    return record


def is_whole(workshop: Workshop, record: Record) -> bool:
    return (workshop.tmp_path / "videos" / str(record.video)).read_bytes() == VIDEO


async def test_what_is_stopped_at_once_is_never_sent(slow: Slow, photo: Path) -> None:
    """A stop in the same breath as the start comes before everything else."""
    async with slow.studio() as studio:
        id = await studio.start("a fox", [photo])
        await studio.stop(id)
        end = await seen(studio, id, lambda event: event.state.ended)
        assert (await home(studio, id)).state is State.STOPPED
    assert (end.state, end.task_id) == (State.STOPPED, None)
    assert "Nothing was charged" in end.message
    assert slow.workshop.calls == [], "not even the images are uploaded"


@pytest.mark.parametrize("held", ["ticket", "put"])
async def test_what_is_stopped_during_the_upload_is_never_sent(slow: Slow, photo: Path, held: str) -> None:
    """The images may arrive, but no video is asked for; a restart does not ask for it either."""
    slow.held = held
    async with slow.studio() as studio:
        id = await studio.start("a fox", [photo])
        await called(slow.workshop, held)
        await studio.stop(id)
        slow.free.set()
        end = await seen(studio, id, lambda event: event.state.ended)
        await home(studio, id)
    async with slow.studio() as studio:
        assert await studio.resume() == []
    assert end.state is State.STOPPED
    assert "before anything was sent" in end.message
    assert slow.workshop.count("submit") == 0


async def test_what_is_stopped_while_it_waits_is_not_sent_again(slow: Slow, photo: Path) -> None:
    """A video that waits out the rate limit ends at once, not when the wait is over."""
    slow.workshop.faults["submit"] = [httpx.Response(429, json={}, headers={"Retry-After": "3600"})]
    async with slow.studio() as studio:
        id = await studio.start("a fox", [photo])
        await seen(studio, id, lambda event: "Asking again" in event.message)
        await studio.stop(id)
        end = await seen(studio, id, lambda event: event.state.ended)
    assert end.state is State.STOPPED
    assert "Nothing was charged" in end.message
    assert slow.workshop.count("submit") == 1


async def test_a_stop_during_the_search_is_told_at_once(slow: Slow, photo: Path) -> None:
    """A lost submit may have arrived: whoever stops hears so, and what is found later is kept as stopped."""
    slow.workshop.faults["submit"] = [httpx.ReadTimeout("lost")]
    async with slow.studio() as studio:
        id = await studio.start("a fox", [photo])
        await seen(studio, id, lambda event: "Looking" in event.message)
        await studio.stop(id)
        told = await seen(studio, id, lambda _: True)
    assert told.state is State.SUBMITTING
    assert "may finish" in told.message
    assert slow.workshop.count("submit") == 1


@pytest.mark.parametrize("held", ["look", "video"])
async def test_a_stopped_task_is_told_honestly_and_brought_home(slow: Slow, photo: Path, held: str) -> None:
    """Watchers hear at once that it goes on and may cost; when the video comes it is kept after all."""
    slow.held = held
    async with slow.studio() as studio:
        id = await studio.start("a fox", [photo])
        await called(slow.workshop, held)
        watching = asyncio.create_task(seen(studio, id, lambda event: event.state.ended))
        await studio.stop(id)
        told = await watching
        assert (told.state, told.task_id, told.video) == (State.STOPPED, "t1", None)
        assert all(word in told.message for word in HONEST)
        slow.free.set()
        record = await home(studio, id)
        assert (await seen(studio, id, lambda _: True)).message == ""
    assert (record.state, record.error, record.task_id) == (State.DONE, None, "t1")
    assert is_whole(slow.workshop, record)
    assert slow.workshop.count("submit") == 1


async def test_a_stopped_task_is_brought_home_after_a_restart(slow: Slow, photo: Path) -> None:
    """Stopped is not finished: the next start follows it by its id, and it is still called stopped."""
    slow.held = "look"
    async with slow.studio() as studio:
        id = await studio.start("a fox", [photo])
        await called(slow.workshop, "look")
        await studio.stop(id)
    async with slow.studio() as studio:
        assert [record.state for record in await studio.unfinished()] == [State.STOPPED]
        assert await studio.resume() == [id]
        told = await seen(studio, id, lambda _: True)
        assert told.state is State.STOPPED
        assert all(word in told.message for word in HONEST)
        slow.free.set()
        record = await home(studio, id)
    assert record.state is State.DONE
    assert is_whole(slow.workshop, record)
    assert slow.workshop.count("submit") == 1


async def test_a_resumed_task_is_stopped_before_its_turn(slow: Slow, photo: Path) -> None:
    """A stop counts as well for a video that was taken up a moment ago."""
    slow.held = "look"
    async with slow.studio() as studio:
        id = await studio.start("a fox", [photo])
        await called(slow.workshop, "look")
    async with slow.studio() as studio:
        assert await studio.resume() == [id]
        await studio.stop(id)
        told = await seen(studio, id, lambda event: event.state.ended)
        slow.free.set()
        assert (await home(studio, id)).state is State.DONE
    assert all(word in told.message for word in HONEST)


async def test_a_stop_during_the_submit_keeps_the_id(slow: Slow, photo: Path) -> None:
    """What is under way cannot be called back: its id is recorded, and its video comes home."""
    slow.held = "submit"
    async with slow.studio() as studio:
        id = await studio.start("a fox", [photo])
        await called(slow.workshop, "submit")
        await studio.stop(id)
        told = await seen(studio, id, lambda _: True)
        assert told.state is State.SUBMITTING
        assert all(word in told.message for word in ("being sent", "may finish", "charge"))
        slow.held = "look"
        slow.free.set()
        told = await seen(studio, id, lambda event: event.state.ended)
        record = await home(studio, id)
    assert (told.state, told.task_id) == (State.STOPPED, "t1")
    assert all(word in told.message for word in HONEST)
    assert (record.state, record.task_id) == (State.DONE, "t1")
    assert slow.workshop.count("submit") == 1


async def test_a_stop_that_comes_too_late_changes_nothing(workshop: Workshop, house: Path) -> None:
    """A video whose end is being written stays what it became: done, never stopped for ever."""
    (house / "images").mkdir()
    (house / "images" / f"{SHA}.jpg").write_bytes(b"pixels")
    loop = asyncio.get_running_loop()
    transport = httpx.MockTransport(workshop)
    told: list[tuple[State, str]] = []
    stops: list[Any] = []

    class LateStop(Journal):
        def write(self, record: Record, **changes: Any) -> Record | None:
            if changes.get("state") is State.DONE:
                stops.append(asyncio.run_coroutine_threadsafe(making.stop(), loop))
                while not making.stopped:
                    pass
            return super().write(record, **changes)

    workshop.journal.close()
    workshop.journal = LateStop(Settings().journal_url)
    async with WaveSpeed(SecretStr(KEY), transport=transport, sleep=workshop.sleep) as client:
        folders = house / "images", house / "videos"
        making = workshop.making(
            workshop.add(), client, *folders, lambda record, _, remark: told.append((record.state, remark))
        )
        await making.run()
        await asyncio.wrap_future(stops[0])
    assert (workshop.now_recorded.state, workshop.now_recorded.error) == (State.DONE, None)
    assert told[-1] == (State.DONE, "")


async def test_only_what_is_made_here_can_be_stopped(slow: Slow, photo: Path) -> None:
    """A finished video or a wrong id is a KeyError."""
    async with slow.studio() as studio:
        id = await studio.start("a fox", [photo])
        await seen(studio, id, lambda event: event.state is State.DONE)
        await home(studio, id)
        for gone in (id, "nobody"):
            with pytest.raises(KeyError):
                await studio.stop(gone)


async def test_a_stop_reaches_the_process_that_works_on_it(
    slow: Slow, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked of another process, the stop is on record; the maker heeds it and still brings it home."""
    monkeypatch.setattr("seedance.leases.LEASE", 0.3)
    slow.held = "look"
    async with slow.studio() as maker, slow.studio() as other:
        id = await maker.start("a fox", [photo])
        await called(slow.workshop, "look")
        await other.stop(id)
        end = await seen(other, id, lambda event: event.state.ended)
        assert end.state is State.STOPPED
        assert all(words in end.message for words in HONEST)
        slow.free.set()
        record = await home(maker, id)
        assert is_whole(slow.workshop, record)
        with pytest.raises(KeyError):
            await other.stop(id)


async def test_a_stop_waits_for_whoever_takes_the_video_up(slow: Slow, photo: Path) -> None:
    """While nobody works on it the wish is kept; the next process sends nothing."""
    slow.held = "ticket"
    async with slow.studio() as maker:
        id = await maker.start("a fox", [photo])
        await called(slow.workshop, "ticket")
    slow.held = ""
    async with slow.studio() as other:
        await other.stop(id)
        waiting = await other.get(id)
        assert waiting is not None
        assert (waiting.state, waiting.stop_asked) == (State.NEW, True)
        assert await other.resume() == [id]
        end = await seen(other, id, lambda event: event.state.ended)
    assert end.state is State.STOPPED
    assert "before anything was sent" in end.message
    assert slow.workshop.count("submit") == 0
