"""Files in a bucket, on a real S3 server of this test run's own; and the folder that is there without one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from seedance import mp4
from seedance.engine import Engine
from seedance.engine.media import Media
from seedance.engine.records import Records
from seedance.engine.retention import Sweeper
from seedance.errors import InvalidRequest
from seedance.journal import Journal
from seedance.models import State
from seedance.settings import Settings
from seedance.shelf import Bucket, Shelf
from seedance.studio import Studio
from tests.proof import bucket
from tests.proof.postgres import Postgres
from tests.providers import KEY, VIDEO, Workshop

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="session")
def storage() -> Iterator[bucket.Storage]:
    with bucket.running() as storage:
        yield storage


@pytest.fixture
def url(storage: bucket.Storage, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket that this process can reach."""
    for name, value in storage.variables.items():
        monkeypatch.setenv(name, value)
    return storage.new_bucket()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def shelf(folder: Path, url: str) -> Shelf:
    return Shelf(folder, Bucket(url), "page")


def test_what_one_machine_places_another_finds(tmp_path: Path, storage: bucket.Storage, url: str) -> None:
    """It is in the bucket under its name, and is fetched once; what is not there is said not to be."""
    here, there = (shelf(tmp_path / name, url) for name in ("here", "there"))
    here.place(write(here.folder / "videos" / "part", "a video"), here.folder / "videos" / "a.mp4")
    assert storage.contents(url) == {"page/videos/a.mp4": b"a video"}
    path = there.folder / "videos" / "a.mp4"
    assert there.bring(path)
    assert path.read_text() == "a video"
    assert not there.bring(path.with_name("b.mp4"))
    assert [file.name for file in path.parent.iterdir()] == ["a.mp4"]
    here.remove(here.folder / "videos" / "a.mp4")
    assert storage.contents(url) == {}
    assert there.bring(path), "what is at hand stays so"


def test_a_staged_file_gets_its_name_or_leaves_nothing(
    tmp_path: Path, storage: bucket.Storage, url: str
) -> None:
    """The bytes are in the bucket before the name is given; who does not win leaves no trace."""
    mine = shelf(tmp_path, url)
    path = mine.folder / "uploads" / "token"
    for text, wins in (("first", True), ("second", False)):
        part = write(path.with_name(f"token.{text}.part"), text)
        with mine.staged(part, path) as place:
            assert storage.contents(url)[f"page/uploads/token.{text}.part"] == text.encode()
            if wins:
                place()
    assert storage.contents(url) == {"page/uploads/token": b"first"}


def test_little_is_kept_at_hand(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its measure the folder lets go what was used longest ago, to be fetched again."""
    monkeypatch.setattr("seedance.shelf.MOST", 20)
    mine = shelf(tmp_path / "here", url)
    paths = [mine.folder / "videos" / f"{n}.mp4" for n in range(3)]
    for age, path in enumerate(paths):
        mine.place(write(path.with_name("part"), "10 letters"), path)
        if age < 2:
            os.utime(path, (time.time() - 5000 + age,) * 2)
    assert [path.exists() for path in paths] == [False, True, True]
    assert mine.bring(paths[0])
    assert [path.exists() for path in paths] == [True, False, True]


@pytest.mark.parametrize(
    "url", ["s3://", "s3:bucket", "http://host/bucket", "gs://bucket", "s3://bucket?x=1"]
)
def test_an_address_that_is_none_is_named(url: str) -> None:
    """The error names the setting and what it may be."""
    with pytest.raises(InvalidRequest, match=r"SEEDANCE_MEDIA_URL: .*folder, or s3://bucket"):
        Studio(Settings(media_url=url))


def test_a_missing_driver_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without s3fs the error says what to install."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(InvalidRequest, match=r"SEEDANCE_MEDIA_URL: .*pip install"):
        Bucket(url)


def test_a_bucket_that_is_away_is_an_input_or_output_that_failed(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the driver raises, callers know it as what a disk may do, too; nothing is put in place."""
    mine = shelf(tmp_path, url.replace("house", "nobodys-house"))
    part, path = write(tmp_path / "part", "a video"), tmp_path / "videos" / "a.mp4"
    with pytest.raises(OSError):  # noqa: PT011  which one is the driver's to say
        mine.place(part, path)
    assert not path.exists()


def test_a_folder_can_be_named(tmp_path: Path) -> None:
    """A path, or a file:// address, is where images and videos go; without either they are at home."""
    plain, address = Settings(media_url=str(tmp_path)), Settings(media_url=f"file://{tmp_path}")
    assert plain.videos == address.videos == tmp_path / "videos"
    assert (plain.bucket, address.bucket, Settings().bucket) == ("", "", "")
    assert Settings().videos == Settings().data_dir / "videos"
    assert Settings().engine_media == Settings().data_dir / "engine"


def test_nothing_of_s3_is_loaded_without_its_setting() -> None:
    """Page, client and engine start without fsspec's driver."""
    code = (
        "import sys, seedance.studio, seedance.engine, seedance.shelf;"
        "from seedance.settings import Settings; from seedance.store import Store; Store.of(Settings());"
        "print([name for name in ('fsspec', 's3fs', 'botocore', 'aiobotocore') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


async def test_a_video_is_shown_by_any_replica(
    house: Path, storage: bucket.Storage, url: str, photo: Path, server: Postgres
) -> None:
    """Made by one replica it is in the bucket before it is done; another fetches it, and deletes it."""
    database = server.new_database()

    def studio(name: str) -> Studio:
        settings = Settings(
            api_key=SecretStr(KEY), data_dir=house / name, database_url=database, media_url=url
        )
        return Studio(settings, transport=httpx.MockTransport(Workshop(house, studio.journal)))  # type: ignore[attr-defined]

    studio.journal = Journal(database)  # type: ignore[attr-defined]
    async with studio("a") as maker, studio("b") as other, asyncio.timeout(60):
        id = await maker.start("a fox", [photo], owner="anna")
        events = [event async for event in other.watch(id)]
        assert events[-1].state is State.DONE
        assert events[-1].video is not None
        assert events[-1].video.is_relative_to(house / "b")
        assert await asyncio.to_thread(events[-1].video.read_bytes) == VIDEO
        stored = storage.contents(url)
        assert stored[f"page/videos/{id}.mp4"] == VIDEO
        assert sorted(name.split("/")[1] for name in stored) == ["images", "videos"]
        record = await other.get(id)
        assert record is not None
        await other.fetch(record)
        assert len(list((house / "b" / "at-hand" / "images").iterdir())) == 1
        assert await other.delete(id, "anna")
        assert storage.contents(url) == {}
    studio.journal.close()  # type: ignore[attr-defined]


async def test_engines_share_uploads_and_results(
    tmp_path: Path, storage: bucket.Storage, url: str, photo: Path, server: Postgres
) -> None:
    """An image uploaded to one engine is rendered by another, and a third serves the video in ranges."""
    database = server.new_database()
    headers = {"Authorization": "Bearer anna"}

    def engine(name: str) -> Engine:
        media = tmp_path / name / "media"
        return Engine(tmp_path / name, executor="process:1", database_url=database, bucket=url, media=media)

    def client(engine: Engine) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=engine.transport(), base_url="http://engine.test", headers=headers)

    async with engine("a") as one, client(one) as http:
        files = {"file": ("photo.jpg", await asyncio.to_thread(photo.read_bytes), "image/jpeg")}
        uploaded = (await http.post("/api/v3/media/upload/binary", files=files)).json()["data"]
    async with engine("b") as other, client(other) as http, asyncio.timeout(90):
        body = {"prompt": "push in", "reference_images": [uploaded["download_url"]], "duration": 2}
        body |= {"enable_sync_mode": True}
        task = (
            await http.post("/api/v3/bytedance/seedance-v1-lite/reference-to-video", json=body, timeout=90)
        ).json()["data"]
        assert task["status"] == "completed", task
    async with engine("c") as third, client(third) as http:
        (address,) = task["outputs"]
        whole = await http.get(address)
        part = await http.get(address, headers={"Range": "bytes=0-99"})
        assert (whole.status_code, part.status_code, part.content) == (200, 206, whole.content[:100])
        file = tmp_path / "served.mp4"
        await asyncio.to_thread(file.write_bytes, whole.content)
        assert mp4.fault(file) == ""
        assert (await http.get(uploaded["download_url"])).status_code == 200
        assert (await http.get(address.replace("videos/", "videos/x"))).status_code == 404
        await http.post("/api/v3/predictions/delete", json={"ids": [task["id"]]})
    assert [name.split("/")[1] for name in storage.contents(url)] == ["uploads"]


def test_what_no_record_names_leaves_the_bucket(
    tmp_path: Path, storage: bucket.Storage, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is a day old; what a record names stays."""
    media, records = Media(tmp_path, Bucket(url)), Records(f"sqlite:///{tmp_path}/engine.sqlite")
    records.add_task("acc", "m", {}, [])
    task = records.claim_task()
    assert task is not None
    for token in (task.output, "orphan"):
        write(media.video(token), "a video")
        media.shelf.share(media.video(token))
    sweeper = Sweeper(records, media)
    sweeper.sweep_bucket()
    assert len(storage.contents(url)) == 2
    monkeypatch.setattr("seedance.engine.retention._ORPHANED", -1.0)
    sweeper.sweep_bucket()
    assert list(storage.contents(url)) == [f"engine/videos/{task.output}.mp4"]
    records.close()
