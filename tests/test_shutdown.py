"""Ending the program while videos are in the making: what is paid for is on record, and comes home later."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from seedance.journal import Journal
from seedance.models import State
from seedance.settings import Settings
from seedance.studio import Studio
from tests.conftest import ROOT
from tests.providers import KEY, VIDEO, Fault, Handler, Provider, Workshop

LATENCY = 0.5  # seconds until the answer to a submit during which the program was told to end
GENERATE = "import sys, seedance; seedance.generate([sys.argv[1]], 'a fox')"


class LateHandler(Handler):
    """Answers the call named `held` some time after the program was told to end."""

    held = ""

    def send_response(self, code: int, message: str | None = None) -> None:
        if self.server.calls[-1] == self.held:
            self.server.may_answer.wait(30)
        super().send_response(code, message)


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    server = Provider()
    server.RequestHandlerClass = type("Holding", (LateHandler,), {"held": request.param})
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Slow:
    """A provider that holds its answer to a submit, once it has acted on it."""

    workshop: Workshop
    fault: Fault | None = None
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        answer: Fault = self.workshop(request)
        if self.workshop.calls[-1][0] == "submit":
            await self.free.wait()
            answer = self.fault or answer
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def slow(house: Path) -> Iterator[Slow]:
    journal = Journal(Settings().journal_url)
    yield Slow(Workshop(house, journal))
    journal.close()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def opened(slow: Slow, photo: Path) -> Studio:
    """Return a studio whose one submit has arrived and is not answered yet."""
    studio = Studio(Settings(api_key=SecretStr(KEY)), transport=httpx.MockTransport(slow))
    await studio.__aenter__()
    await studio.start("a fox", [photo])
    await until(lambda: slow.workshop.count("submit"))
    return studio


async def leave(studio: Studio) -> asyncio.Task[None]:
    """Begin to leave, until nothing more happens by itself."""
    leaving = asyncio.create_task(studio.__aexit__(None, None, None))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not leaving.done()
    return leaving


@pytest.mark.anyio
async def test_an_answer_that_comes_while_leaving_is_recorded(slow: Slow, photo: Path) -> None:
    """The studio waits a little for the id of what was just paid for, and gives the video back with it."""
    studio = await opened(slow, photo)
    leaving = await leave(studio)
    slow.free.set()
    async with asyncio.timeout(10):
        await leaving
    record = slow.workshop.now_recorded
    assert (record.state, record.task_id, record.finished_at) == (State.RUNNING, "t1", None)
    assert [claimed.id for claimed in slow.workshop.journal.claim([record.account])] == [record.id]


@pytest.mark.anyio
async def test_an_answer_that_came_is_recorded_though_all_threads_are_busy(slow: Slow, photo: Path) -> None:
    """The id of a paid task is not dropped because its write had to wait for its turn."""
    threads, started, busy = ThreadPoolExecutor(1), threading.Event(), threading.Event()
    asyncio.get_running_loop().set_default_executor(threads)
    studio = await opened(slow, photo)
    threads.submit(lambda: (started.set(), busy.wait(30)))
    await until(started.is_set)
    slow.free.set()
    await until(threads._work_queue.qsize)
    leaving = await leave(studio)
    busy.set()
    async with asyncio.timeout(10):
        await leaving
    record = slow.workshop.now_recorded
    assert (record.state, record.task_id) == (State.RUNNING, "t1")


@pytest.mark.anyio
async def test_leaving_does_not_wait_for_ever(
    slow: Slow, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no answer comes in time, the row says that one is missing, and the next start looks for it."""
    monkeypatch.setattr("seedance.making._LAST_WAIT", 0.05)
    studio = await opened(slow, photo)
    async with asyncio.timeout(10):
        await studio.__aexit__(None, None, None)
    record = slow.workshop.now_recorded
    assert (record.state, record.task_id) == (State.SUBMITTING, None)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (httpx.Response(429, json={"message": "too many"}), State.NEW),
        (httpx.ConnectError("refused"), State.NEW),
        (httpx.Response(401, json={"message": "no"}), State.FAILED),
        (httpx.Response(502), State.SUBMITTING),
    ],
    ids=["429", "not delivered", "401", "502"],
)
async def test_a_refusal_that_comes_while_leaving_is_recorded(
    slow: Slow, photo: Path, fault: Fault, state: State
) -> None:
    """What surely created no task is not looked for later; what may have created one is."""
    slow.fault = fault
    studio = await opened(slow, photo)
    leaving = await leave(studio)
    slow.free.set()
    async with asyncio.timeout(10):
        await leaving
    assert slow.workshop.now_recorded.state is state
    assert slow.workshop.count("submit") == 1


@contextmanager
def program(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python with these arguments; whatever happens, it is ended by its own id."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.anyio
@pytest.mark.parametrize("provider", ["result"], indirect=True)
async def test_a_program_in_the_background_is_told_to_end(provider: Provider, photo: Path) -> None:
    """A shell's background job ignores Ctrl-C; SIGTERM ends it all the same, in good order."""
    remote = {"WAVESPEED_API_KEY": KEY, "WAVESPEED_BASE_URL": provider.url}
    job = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); import runpy; "
    job += "sys.argv[0] = 'seedance'; runpy.run_module('seedance', run_name='__main__')"
    provider.may_answer.clear()
    with program("-c", job, "generate", str(photo), "--prompt", "a fox", **remote) as running:
        await until(lambda: provider.RequestHandlerClass.held in provider.calls)
        running.send_signal(signal.SIGTERM)
        threading.Timer(LATENCY, provider.may_answer.set).start()
        _, said = await asyncio.to_thread(running.communicate, timeout=30)
    assert running.returncode == 3, said
    assert "tasks resume" in said


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("command", "number", "provider"),
    [
        ("generate", signal.SIGINT, "submit"),
        ("generate", signal.SIGINT, "result"),
        ("generate", signal.SIGTERM, "submit"),
        ("generate", signal.SIGTERM, "result"),
        ("library", signal.SIGINT, "submit"),
    ],
    indirect=["provider"],
)
async def test_a_program_told_to_end_leaves_what_resume_finishes(
    provider: Provider, photo: Path, house: Path, command: str, number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM end it with status 3 and a word on how to go on; one POST becomes one video."""
    remote = {"WAVESPEED_API_KEY": KEY, "WAVESPEED_BASE_URL": provider.url}
    generate = ["-m", "seedance", "generate", str(photo), "--prompt", "a fox"]
    if command == "library":
        generate = ["-c", GENERATE, str(photo)]
    provider.may_answer.clear()
    with program(*generate, **remote) as running:
        await until(lambda: provider.RequestHandlerClass.held in provider.calls)
        running.send_signal(number)
        threading.Timer(LATENCY, provider.may_answer.set).start()
        _, said = await asyncio.to_thread(running.communicate, timeout=30)
    if command == "generate":
        assert running.returncode == 3, said
        assert "tasks resume" in said
        assert "Traceback" not in said
    journal = Journal(f"sqlite:///{house / 'journal.sqlite'}")
    (record,) = journal.recent()
    journal.close()
    assert (record.state, record.task_id) == (State.RUNNING, "t1")
    with program("-m", "seedance", "tasks", "resume", **remote) as resuming:
        _, said = await asyncio.to_thread(resuming.communicate, timeout=60)
    assert resuming.returncode == 0, said
    assert (house / "videos" / f"{record.id}.mp4").read_bytes() == VIDEO
    assert provider.calls.count("submit") == 1
