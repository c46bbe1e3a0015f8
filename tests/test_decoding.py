from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from seedance import decoder, decoding, images, pixels
from seedance.errors import InvalidImage
from tests.conftest import ROOT, make_photo


@pytest.fixture
def worker() -> decoding.Worker:
    """The worker that takes the next image."""
    decoding.close()
    worker = decoding._take()
    decoding._idle.append(worker)
    return worker


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def refusal_when(worker: decoding.Worker, photo: Path, number: int) -> str:
    """Have an image decoded by a worker that gets this signal on the way; return why it was refused."""
    asked = threading.Event()
    ask = decoding.Worker.ask

    def told(self: decoding.Worker, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        asked.set()
        return ask(self, job)

    os.kill(worker.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads, mock.patch.object(decoding.Worker, "ask", told):
        answer = threads.submit(images.clean, photo)
        assert asked.wait(20)
        os.kill(worker.pid, number)
        os.kill(worker.pid, signal.SIGCONT)
        with pytest.raises(InvalidImage) as caught:
            answer.result(20)
    assert caught.value.name == photo.name
    return caught.value.reason


def test_one_worker_serves_one_image_after_the_other(photo: Path, worker: decoding.Worker) -> None:
    """It is started once."""
    for _ in range(5):
        images.clean(photo)
    assert [it.pid for it in decoding._idle] == [worker.pid]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_is_one_images(photo: Path, worker: decoding.Worker, number: int) -> None:
    """A decoder that crashes ends its worker; the image is refused, and the next one is cleaned."""
    assert "damaged, or needs too much memory" in refusal_when(worker, photo, number)
    assert images.clean(photo).data
    assert not lives(worker.pid)


def test_cpu_time_is_told(photo: Path, worker: decoding.Worker) -> None:
    """What the system ends for its CPU time took too long."""
    assert "took too long" in refusal_when(worker, photo, signal.SIGXCPU)


def test_a_hang_is_ended(photo: Path, worker: decoding.Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that stands still is killed, and the user told."""
    monkeypatch.setattr(decoding, "WALL", 0.3)
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(InvalidImage, match="took too long"):
        images.clean(photo)
    assert not lives(worker.pid)
    monkeypatch.undo()
    assert images.clean(photo).data


def test_a_worker_that_died_idle_costs_no_image(photo: Path, worker: decoding.Worker) -> None:
    """The next image gets a new one."""
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: not lives(worker.pid))
    assert images.clean(photo).data


def test_the_system_holds_the_limits(photo: Path, worker: decoding.Worker) -> None:
    """Address space is limited for good; CPU time from image to image, counted from what was used."""
    images.clean(photo)
    assert resource.prlimit(worker.pid, resource.RLIMIT_AS)[0] == decoder.MEMORY <= 1 << 30
    assert resource.prlimit(worker.pid, resource.RLIMIT_CORE)[0] == 0
    resource.prlimit(worker.pid, resource.RLIMIT_CPU, (1000, resource.RLIM_INFINITY))
    images.clean(photo)
    assert resource.prlimit(worker.pid, resource.RLIMIT_CPU)[0] in range(decoder.CPU, decoder.CPU + 10)


def test_threads_get_their_own_answers(tmp_path: Path) -> None:
    """Calls side by side never get one another's image."""
    sizes = [(400 + 8 * n, 320) for n in range(12)]
    paths = [make_photo(tmp_path / f"{n}.jpg", *size, seed=n) for n, size in enumerate(sizes)]
    with ThreadPoolExecutor(12) as threads:
        cleaned = list(threads.map(images.clean, paths * 3))
    assert [(it.width, it.height) for it in cleaned] == sizes * 3
    assert len({it.sha256 for it in cleaned}) == len(sizes)
    assert len(decoding._idle) <= decoding.WORKERS


def test_a_worker_knows_no_secret(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment holds what it needs to find its packages, and neither key nor token."""
    monkeypatch.setenv("WAVESPEED_API_KEY", "sk-SECRET")
    monkeypatch.setenv("SOME_TOKEN", "SECRET")
    decoding.close()
    images.clean(photo)
    environment = Path(f"/proc/{decoding._idle[0].pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"SECRET" not in environment
    assert {it.partition(b"=")[0].decode() for it in environment.split(b"\0")} <= {
        *decoding.PASSED_ON, "PYTHONPATH", ""
    }  # fmt: skip


def test_workers_end_with_their_program(photo: Path, tmp_path: Path) -> None:
    """A script without a guard is not run again by a worker; and when it is killed, the worker goes, too.

    Nor does a worker import what lies in the working directory.
    """
    (tmp_path / "PIL.py").write_text("raise SystemExit('the wrong PIL')")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    script = folder / "script.py"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\nfrom seedance import decoding, images\n"
        f"images.clean(Path({str(photo)!r}))\nprint(decoding._idle[0].pid, flush=True)\ntime.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as program:
        watch = threading.Timer(30, program.kill)
        watch.start()
        assert program.stdout
        pid = int(program.stdout.readline())
        watch.cancel()
        assert lives(pid)
        program.kill()
        assert program.stdout.read() == ""
    until(lambda: not lives(pid))


def test_what_is_sent_stays_within_the_limit(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that takes too many bytes is encoded with less quality, until it fits."""
    picture = images.open_upright(photo)
    best = len(decoder._encode(picture))
    monkeypatch.setattr(pixels, "MAX_BYTES", best // 2)
    assert best // 10 < len(decoder._encode(picture)) <= best // 2


def test_a_process_that_cannot_be_started_is_told(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image is not blamed."""
    decoding.close()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(InvalidImage, match="cannot be checked now"):
        images.clean(photo)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InvalidImage, match="cannot be checked now"):
        images.clean(photo)
    monkeypatch.undo()
    assert images.clean(photo).data


def test_a_forked_process_starts_its_own(photo: Path, worker: decoding.Worker) -> None:
    """Two processes never share a worker: one would get the other's image."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(len(decoding._idle)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 9) == b"0"
    os.close(reading)
    os.close(writing)
    assert [it.pid for it in decoding._idle] == [worker.pid]
