from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import dask
import httpx
import pytest
import trustme
from PIL import Image

from seedance import mp4
from seedance.engine import Engine, parcel
from seedance.engine.cluster import RenderCluster
from seedance.engine.executor import Away, TooMuch, WorkerDied, choose
from seedance.engine.scheduler import Scheduler
from seedance.engine.worker import Job, render
from seedance.errors import InvalidRequest
from tests.conftest import ROOT
from tests.engine.calls import client, query, submitted, upload
from tests.proof import cluster
from tests.proof.cluster import Cluster
from tests.proof.waiting import until

pytestmark = pytest.mark.anyio
FILES = ("result", "thumbnail", "last_frame")
_SOON = 120.0  # seconds


@pytest.fixture(scope="module")
def one_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster.running(tmp_path_factory.mktemp("dask"), 2) as running:
        yield running


@pytest.fixture
def dask_cluster(one_cluster: Cluster) -> Cluster:
    """A scheduler and two workers of one thread each, whatever the test before has killed."""
    one_cluster.heal(2)
    return one_cluster


@asynccontextmanager
async def connected(setting: str, workers: int, **options: Any) -> AsyncIterator[RenderCluster]:
    """A way to the cluster, once so many of its workers are there."""
    renders = RenderCluster(setting, **options)
    renders.warm()
    try:
        await until(lambda: renders.workers == workers, _SOON)
        yield renders
    finally:
        await renders.close()


@dataclass
class Served:
    """An engine, as a caller sees it."""

    http: httpx.AsyncClient
    folder: Path
    image: str

    async def submit(self, duration: int = 6) -> dict[str, Any]:
        return await submitted(self.http, duration=duration, seed=7, reference_images=[self.image])

    async def sees(self, task: dict[str, Any], status: str, progress: float = 0.0) -> dict[str, Any]:
        """Wait until a task is told so, and so far at least."""
        async with asyncio.timeout(_SOON):
            while (told := await query(self.http, task))["status"] != status or told.get(
                "progress", 0
            ) < progress:
                assert told["status"] != "failed", told
                await asyncio.sleep(0.02)
        return told

    async def video(self, task: dict[str, Any]) -> bytes:
        """Wait for a video, and return it when it is whole."""
        told = await self.sees(task, "completed")
        path = self.folder / "videos" / told["outputs"][0].rpartition("/")[2]
        assert mp4.fault(path) == ""
        return path.read_bytes()


@asynccontextmanager
async def serving(dask: Cluster, tmp_path: Path, photo: Path) -> AsyncIterator[Served]:
    folder = tmp_path / "engine"
    async with Engine(folder, executor=dask.setting) as engine, client(engine.app) as http:
        yield Served(http, folder, await upload(http, await asyncio.to_thread(photo.read_bytes)))


async def test_a_cluster_makes_the_same_files(dask_cluster: Cluster, job: Job, tmp_path: Path) -> None:
    """A video and its thumbnail, made from bytes elsewhere, are those that a render here makes."""
    there = [tmp_path / "here" / path.name for path in (job.result, job.thumbnail, job.last_frame)]
    assert render(replace(job, **dict(zip(FILES, there, strict=True)))).error == ""
    async with connected(dask_cluster.setting, 2) as renders:
        assert (await renders.run(job)).storyboard
        drawn = replace(job, kind="image", images=(), result=job.result.with_suffix(".jpg"))
        drawn = replace(drawn, thumbnail=job.thumbnail.with_name("d.thumb.webp"))
        assert (await renders.run(drawn)).error == ""
        damaged = tmp_path / "damaged.jpg"
        damaged.write_bytes(b"\xff\xd8\xff\xe0 no picture")
        refused = await renders.run(replace(job, images=(job.images[0], damaged), result=tmp_path / "no.mp4"))
    assert refused.error.startswith("[Image 2]: ")
    for name, path in zip(FILES, there, strict=True):
        assert getattr(job, name).read_bytes() == path.read_bytes()
    with Image.open(drawn.result) as image:
        assert image.size == (1024, 1024)
    assert set(job.result.parent.iterdir()) == {
        job.result,
        drawn.result,
        drawn.thumbnail,
        job.thumbnail,
        job.last_frame,
    }


def test_a_worker_touches_no_path_of_the_engines(job: Job, tmp_path: Path) -> None:
    """All that a job names lies in the worker's own folder, and the result is put in place as the last."""
    (tmp_path / "worker").mkdir()
    unpacked = parcel._unpack(parcel.pack(job, id="1", topic="t", seconds=1.0), tmp_path / "worker")
    named = {field.name: getattr(unpacked, field.name) for field in fields(Job)}
    paths = [*named.pop("images"), *(value for value in named.values() if isinstance(value, Path))]
    assert len(paths) == 1 + len(FILES) + 1
    assert {path.parent for path in paths} == {tmp_path / "worker"}
    assert (*parcel._PRODUCTS,) == ("last_frame", "thumbnail", "result")


async def test_a_killed_workers_render_is_made_again(
    dask_cluster: Cluster, tmp_path: Path, photo: Path
) -> None:
    """After kill -9 another worker makes that video: it is whole, and the same as the one made beside it."""
    async with serving(dask_cluster, tmp_path, photo) as engine:
        tasks = [await engine.submit(), await engine.submit()]
        for task in tasks:
            await engine.sees(task, "processing", 0.1)
        dask_cluster.kill_worker(dask_cluster.workers[0])
        dask_cluster.start_worker()
        videos = [await engine.video(task) for task in tasks]
    assert videos[0] == videos[1]


async def test_a_scheduler_that_was_away_is_used_again(
    dask_cluster: Cluster, tmp_path: Path, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its tasks wait in the queue again, and go on when it is back; nobody restarts the engine."""
    async with serving(dask_cluster, tmp_path, photo) as engine:
        task = await engine.submit()
        await engine.sees(task, "processing", 0.1)
        caplog.clear()
        dask_cluster.kill_scheduler()
        await engine.sees(task, "created")
        await until(lambda: "Connection refused; trying again" in caplog.text, _SOON)
        waiting = await engine.submit()
        for worker in [*dask_cluster.workers]:
            dask_cluster.kill_worker(worker)
        dask_cluster.heal(2)
        assert await engine.video(task) == await engine.video(waiting)
    assert caplog.text.count("Connection refused; trying again") == 1


async def test_a_job_that_kills_its_workers_is_given_up(dask_cluster: Cluster, job: Job) -> None:
    """The scheduler does not try for ever: the error tells how many workers died."""
    dask_cluster.heal(1)
    async with connected(dask_cluster.setting, 1) as renders:
        rendering = asyncio.create_task(renders.run(replace(job, duration=12)))
        while not rendering.done():
            await until(lambda: job.progress.exists() or rendering.done(), _SOON)
            dask_cluster.kill_worker(dask_cluster.workers[0])
            job.progress.unlink(missing_ok=True)
            dask_cluster.start_worker()
        with pytest.raises(WorkerDied) as caught:
            await rendering
    assert caught.value.workers == cluster.ALLOWED_FAILURES + 1
    assert not any(job.result.parent.iterdir())


async def test_a_render_on_a_cluster_has_so_much_time(dask_cluster: Cluster, job: Job) -> None:
    """The worker ends it by itself and is free for the next."""
    async with connected(dask_cluster.setting, 2, seconds=0.1) as renders:
        with pytest.raises(TooMuch, match="longer"):
            await renders.run(replace(job, duration=12))
    async with connected(dask_cluster.setting, 2) as renders:
        assert (await renders.run(job)).error == ""


async def test_a_worker_that_hangs_is_not_waited_for(
    dask_cluster: Cluster, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a render says nothing any more, its time is over a little later."""
    monkeypatch.setattr("seedance.engine.cluster._SPARE", 0.0)
    async with connected(dask_cluster.setting, 2) as renders:
        monkeypatch.setattr(renders, "_seconds", 1.0)
        monkeypatch.setattr(
            "seedance.engine.cluster.pack", lambda *args, **_: parcel.pack(*args, **_ | {"seconds": 60.0})
        )
        with pytest.raises(TooMuch, match="1 s"):
            await renders.run(replace(job, duration=12))


async def test_workers_come_and_go(dask_cluster: Cluster) -> None:
    """As many renders run at a time as there are threads just now."""
    async with connected(dask_cluster.setting, 2) as renders:
        worker = dask_cluster.start_worker()
        await until(lambda: renders.workers == 3, _SOON)
        dask_cluster.kill_worker(worker)
        await until(lambda: renders.workers == 2, _SOON)


async def test_a_task_deleted_while_a_cluster_makes_it_leaves_nothing(
    dask_cluster: Cluster, tmp_path: Path, photo: Path
) -> None:
    """What comes of it later is nobody's."""
    async with serving(dask_cluster, tmp_path, photo) as engine:
        task = await engine.submit(duration=2)
        await engine.sees(task, "processing")
        await engine.http.post("/api/v3/predictions/delete", json={"ids": [task["id"]]})
        await engine.video(await engine.submit(duration=2))
        results = tmp_path / "engine" / "videos"
        await until(lambda: len(list(results.iterdir())) == len(FILES), _SOON)  # the other's


async def test_without_a_scheduler_nothing_is_lost(tmp_path: Path, photo: Path, job: Job) -> None:
    """Tasks are taken and wait, and the engine ends as ever."""
    nobody = Cluster(tmp_path)
    async with serving(nobody, tmp_path, photo) as engine:
        task = await engine.submit()
        await engine.sees(task, "created")
        assert (await engine.http.get("/healthz")).status_code == 200
    renders = RenderCluster(nobody.setting)
    renders.warm()
    with pytest.raises(Away, match="reached"):
        await renders.run(replace(job, images=()))
    await renders.close()
    assert "dask" not in {thread.name for thread in threading.enumerate()}


async def test_certificates_of_dasks_own_configuration_are_used(tmp_path: Path, job: Job) -> None:
    """`dask+tls://` renders through TLS that asks both sides for certificates."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours = authority.issue_cert("127.0.0.1")
    ours.private_key_and_cert_chain_pem.write_to_path(tmp_path / "our.pem")
    ca, pair = str(tmp_path / "ca.pem"), str(tmp_path / "our.pem")
    options = ("--protocol", "tls", "--tls-ca-file", ca, "--tls-cert", pair, "--tls-key", pair)
    tls = {"ca-file": ca, "client.cert": pair, "client.key": pair}
    with cluster.running(tmp_path, 1, kind="tls", options=options) as secured:
        with pytest.raises(InvalidRequest, match="ca-file"):
            RenderCluster(secured.setting)
        with dask.config.set({f"distributed.comm.tls.{name}": value for name, value in tls.items()}):
            async with connected(secured.setting, 1) as renders:
                assert (await renders.run(job)).error == ""
    assert mp4.fault(job.result) == ""


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "203.0.113.7", "[2001:4860:4860::8888]", "100.64.0.1", "cluster.example"]
)
def test_a_scheduler_on_a_public_address_needs_tls(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reaches it could run programs: it is refused, unless the setting says it is guarded."""
    public(monkeypatch, "cluster.example", "10.0.0.1", "8.8.8.8")
    with pytest.raises(InvalidRequest, match=r"dask\+tls://, or dask\+insecure://") as caught:
        choose(f"dask://{host}:8786")
    assert caught.value.field == "SEEDANCE_EXECUTOR"
    assert Scheduler.read(f"dask+insecure://{host}:8786").find()[-1].startswith("tcp://")
    assert Scheduler.read(f"dask+tls://{host}").find() == [f"tls://{host}:8786"]


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "[::1]", "[fd00::1]", "192.168.0.9", "scheduler"])
def test_a_scheduler_in_a_private_network_is_spoken_to(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number that was checked is the one that is connected to."""
    public(monkeypatch, "scheduler", "172.18.0.2")
    number = "172.18.0.2" if host == "scheduler" else host
    assert Scheduler.read(f"dask://{host}:8787").find() == [f"tcp://{number}:8787"]


def test_a_name_that_turns_public_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each connection looks the name up again and checks it again."""
    scheduler = Scheduler.read("dask://scheduler")
    public(monkeypatch, "scheduler", "172.18.0.2")
    assert scheduler.find() == ["tcp://172.18.0.2:8786"]
    public(monkeypatch, "scheduler", "93.184.215.14")
    with pytest.raises(InvalidRequest, match=r"93\.184\.215\.14"):
        scheduler.find()


def public(monkeypatch: pytest.MonkeyPatch, name: str, *numbers: str) -> None:
    look_up = socket.getaddrinfo

    def found(host: str, port: int, **options: Any) -> list[Any]:
        return [
            entry for n in (numbers if host == name else (host,)) for entry in look_up(n, port, **options)
        ]

    monkeypatch.setattr("seedance.engine.scheduler.socket.getaddrinfo", found)


@pytest.mark.parametrize(
    "setting",
    [
        "dask",
        "dask:",
        "dask://",
        "dask://:8786",
        "dask://h:x",
        "dask://a@h",
        "dask://h/path",
        "dask+ssh://h",
        "dask://[::1",
    ],
)
def test_a_malformed_cluster_is_named(setting: str) -> None:
    """The error holds the variable and what it may be."""
    with pytest.raises(InvalidRequest, match=r"SEEDANCE_EXECUTOR: .*dask\+tls://HOST:PORT"):
        choose(setting)


def test_a_cluster_needs_its_extra() -> None:
    """Where Dask is not installed, the command line says what to install, and serves nothing."""
    program = (
        "import sys; sys.modules['distributed'] = None; from seedance.cli import main; "
        "sys.exit(main(['serve', '--port', '0', '--executor', 'dask://127.0.0.1:8786']))"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert "pip install '.[cluster]'" in result.stderr


def test_without_the_setting_dask_is_not_loaded() -> None:
    """An engine with processes of its own loads nothing of it."""
    program = (
        "import sys; from seedance.engine import Engine; from seedance.engine.executor import choose; "
        "choose('process:1'); print({'dask', 'distributed', 'tornado'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.strip() == "set()", result.stderr
