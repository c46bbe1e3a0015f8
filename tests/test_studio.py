from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from seedance import mp4
from seedance.database import disconnect
from seedance.errors import InvalidImage, InvalidRequest, MissingKey, NotRecorded
from seedance.journal import UPLOAD_LIFE, Journal
from seedance.models import Event, State
from seedance.settings import Settings
from seedance.studio import Studio
from tests.providers import KEY, VIDEO, Provider

pytestmark = pytest.mark.anyio


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


async def until(condition: Callable[[], object]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def watched(studio: Studio, id: str) -> Event:
    async with asyncio.timeout(30):
        events = [event async for event in studio.watch(id)]
    assert [event.state.ended for event in events] == [False] * (len(events) - 1) + [True]
    return events[-1]


async def test_a_request_becomes_a_saved_video(settings: Settings, provider: Provider, photo: Path) -> None:
    """The last event names the file; the record keeps what was asked for and what came of it."""
    async with Studio(settings) as studio:
        id = await studio.start(" a fox ", [photo], duration=7, seed=42, owner="anna", names=["me.jpg"])
        event = await watched(studio, id)
        record = await studio.get(id)
        assert await studio.recent(owner="anna") == [record]
    assert (event.state, event.engine, event.task_id, event.message) == (State.DONE, "wavespeed", "t1", "")
    assert event.video is not None
    assert event.video.read_bytes() == VIDEO
    assert record is not None
    assert (record.prompt, record.seed, record.duration, record.owner) == ("a fox", 42, 7, "anna")
    assert [image["name"] for image in record.images] == ["me.jpg"]
    (sent,) = provider.submitted
    assert (sent["prompt"], sent["seed"], sent["duration"]) == ("a fox", 42, 7)


async def test_a_random_seed_is_the_one_on_record(
    settings: Settings, provider: Provider, photo: Path
) -> None:
    """The seed that was drawn is sent, shown and kept: giving it again repeats the video."""
    async with Studio(settings) as studio:
        event = await watched(studio, await studio.start("a fox", [photo]))
    assert provider.submitted[0]["seed"] == event.seed
    assert event.seed >= 0


async def test_an_image_is_uploaded_once_a_day(settings: Settings, provider: Provider, photo: Path) -> None:
    """The second video names the address of the first one's upload."""
    async with Studio(settings) as studio:
        for _ in range(2):
            await watched(studio, await studio.start("a fox", [photo]))
    assert provider.calls.count("put") == 1
    assert provider.submitted[0]["reference_images"] == provider.submitted[1]["reference_images"]


async def test_the_key_is_nowhere_on_disk(
    settings: Settings, provider: Provider, photo: Path, house: Path
) -> None:
    """Neither the host's key nor a visitor's is written anywhere."""
    async with Studio(settings) as studio:
        await watched(studio, await studio.start("a fox", [photo]))
        await watched(studio, await studio.start("a fox", [photo], key=SecretStr("visitors-secret")))
    files = [path for path in house.rglob("*") if path.is_file()]  # noqa: ASYNC240
    assert files
    assert not any(secret in path.read_bytes() for path in files for secret in (b"very-secret", b"visitors"))


async def test_two_watchers_see_the_same_end(settings: Settings, provider: Provider, photo: Path) -> None:
    """However many watch, and however late they come, all see the one video."""
    provider.may_answer.clear()
    async with Studio(settings) as studio:
        id = await studio.start("a fox", [photo])
        watchers = [asyncio.create_task(watched(studio, id)) for _ in range(2)]
        await until(lambda: "result" in provider.calls)
        provider.may_answer.set()
        ends = [await watcher for watcher in watchers] + [await watched(studio, id)]
    assert {(end.state, end.video) for end in ends} == {(State.DONE, ends[0].video)}
    assert provider.calls.count("submit") == 1


async def test_a_watcher_that_leaves_stops_nothing(
    settings: Settings, provider: Provider, photo: Path
) -> None:
    """A closed page does not cost the video."""
    provider.may_answer.clear()
    async with Studio(settings) as studio:
        id = await studio.start("a fox", [photo])
        watcher = asyncio.create_task(watched(studio, id))
        await until(lambda: "result" in provider.calls)
        watcher.cancel()
        provider.may_answer.set()
        assert (await watched(studio, id)).state is State.DONE


async def test_an_unchanged_event_is_told_again_on_request(
    settings: Settings, provider: Provider, photo: Path
) -> None:
    """With `every` a watcher hears from a slow video, its elapsed time grown."""
    provider.may_answer.clear()
    async with Studio(settings) as studio:
        id = await studio.start("a fox", [photo])
        await until(lambda: "result" in provider.calls)
        events = studio.watch(id, every=0.05)
        first, second = await anext(events), await anext(events)
        assert second.elapsed > first.elapsed
        assert (first.state, second.state) == (State.RUNNING, State.RUNNING)
        provider.may_answer.set()


async def test_a_restart_goes_on_by_the_id(settings: Settings, provider: Provider, photo: Path) -> None:
    """A task that was running when the program ended is followed by the next one, not submitted again."""
    provider.may_answer.clear()
    async with Studio(settings) as studio:
        id = await studio.start("a fox", [photo])
        await until(lambda: "result" in provider.calls)
    provider.may_answer.set()
    async with Studio(settings) as studio:
        assert [record.id for record in await studio.unfinished()] == [id]
        assert await studio.resume() == [id]
        assert (await watched(studio, id)).state is State.DONE
        assert await studio.resume() == []
    assert provider.calls.count("submit") == 1


async def test_a_lost_answer_ends_unknown_and_is_never_resumed(
    settings: Settings, provider: Provider, photo: Path
) -> None:
    """The user is told about the possible charge, and a restart does not submit again."""
    provider.drops_submits = True
    settings.grace = 0.1
    async with Studio(settings) as studio:
        id = await studio.start("a fox", [photo])
        event = await watched(studio, id)
    async with Studio(settings) as studio:
        assert await studio.resume() == []
        assert (await watched(studio, id)).message == event.message
    assert event.state is State.UNKNOWN
    assert "charged" in event.message
    assert provider.calls.count("submit") == 1


async def test_another_process_can_be_watched(settings: Settings, provider: Provider, photo: Path) -> None:
    """A video in the hands of one program ends on the page of the other, which does not take it over."""
    provider.may_answer.clear()
    async with Studio(settings) as maker, Studio(settings) as viewer:
        id = await maker.start("a fox", [photo])
        await until(lambda: "result" in provider.calls)
        assert await viewer.resume() == []
        events = viewer.watch(id)
        assert (await anext(events)).state is State.RUNNING
        provider.may_answer.set()
        assert [event async for event in events][-1].state is State.DONE


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"prompt": ""}, InvalidRequest),
        ({"prompt": "a fox --dur 5"}, InvalidRequest),
        ({"prompt": "[Image 2]"}, InvalidRequest),
        ({"paths": []}, InvalidRequest),
        ({"paths": [Path("/nowhere/a.jpg")]}, InvalidImage),
        ({"duration": 99}, InvalidRequest),
        ({"key": SecretStr("schlüssel")}, InvalidRequest),
        ({"key": SecretStr(" ")}, MissingKey),
    ],
)
async def test_what_cannot_be_made_is_neither_recorded_nor_sent(
    settings: Settings, provider: Provider, photo: Path, changes: dict[str, Any], kind: type[Exception]
) -> None:
    """The error comes at once, and the history shows nothing of it."""
    async with Studio(settings) as studio:
        with pytest.raises(kind):
            await studio.start(**{"prompt": "a fox", "paths": [photo], **changes})
        assert await studio.recent() == []
    assert provider.calls == []


async def test_the_real_model_needs_a_key(photo: Path) -> None:
    """Asking for the AI model without a key is refused, never served by the preview."""
    async with Studio(Settings(engine="wavespeed")) as studio:
        with pytest.raises(MissingKey):
            await studio.start("a fox", [photo])


@pytest.mark.parametrize("table", ["videos", "images"])
async def test_without_a_record_nothing_is_sent(
    settings: Settings, provider: Provider, photo: Path, house: Path, table: str
) -> None:
    """A full disk, for the journal or for the kept images, ends a request before the provider hears of it."""
    async with Studio(settings) as studio:
        if table == "images":
            (house / "images").touch()
        else:
            with sqlite3.connect(house / "journal.sqlite") as db:
                full = "CREATE TRIGGER full BEFORE INSERT ON videos BEGIN SELECT RAISE(ABORT, 'full'); END"
                db.execute(full)
            db.close()
        with pytest.raises(NotRecorded, match="nothing is sent"):
            await studio.start("a fox", [photo])
    assert provider.calls == []


async def test_an_unknown_video_cannot_be_watched(settings: Settings) -> None:
    """A wrong id is a KeyError, not an endless wait."""
    async with Studio(settings) as studio:
        with pytest.raises(KeyError):
            await anext(studio.watch("nobody"))


async def test_without_a_key_a_preview_is_made_and_called_so(photo: Path) -> None:
    """The embedded engine goes the same way, and its events say that it is not the AI model."""
    async with Studio(Settings(executor="process:1")) as studio:
        event = await watched(studio, await studio.start("a fox", [photo], duration=2))
    assert (event.state, event.engine) == (State.DONE, "local")
    assert event.video is not None
    assert mp4.fault(event.video) == ""


async def test_a_deleted_video_is_gone_with_its_files(settings: Settings, photo: Path) -> None:
    """The row, the video and the images that nothing else needs; another owner deletes nothing."""
    async with Studio(settings) as studio:
        id = await studio.start("a fox", [photo], owner="anna")
        event = await watched(studio, id)
        await until(lambda: id not in studio._workshop.live)
        assert event.video is not None
        assert not await studio.delete(id, "bert")
        assert event.video.exists()
        assert await studio.delete(id, "anna")
        assert await studio.get(id) is None
    assert not event.video.exists()
    assert list(settings.images.iterdir()) == []


async def test_what_is_used_no_more_is_forgotten(settings: Settings) -> None:
    """Who works for ever clears away the leases of the dead and the addresses that are too old."""
    dead = Journal(settings.journal_url, clock=lambda: time.time() - 2 * UPLOAD_LIFE)
    dead.renew()
    dead.keep_upload("a" * 64, "acc", "https://u/1")
    disconnect(dead._database)  # as a kill leaves it

    def left() -> list[tuple[str]]:
        both = "SELECT name FROM holders WHERE name = ? UNION SELECT url FROM uploads"
        with closing(sqlite3.connect(settings.data_dir / "journal.sqlite")) as db:
            return db.execute(both, [dead.holder]).fetchall()

    assert len(left()) == 2
    async with Studio(settings) as studio:
        await studio.resume(for_ever=True)
        await until(lambda: not left())
