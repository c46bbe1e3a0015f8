"""What all tests share: an empty house for each, pictures, and servers that really run."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.page.provider import Provider
from tests.proof import postgres

ROOT = Path(__file__).parents[1]
_OUR_VARIABLES = ("SEEDANCE_", "WAVESPEED_", "GRADIO_")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what runs in its background
    signal.signal(signal.SIGINT, signal.default_int_handler)

METRICS_TOKEN = "wsm-whoever-has-it-reads"
_START = 90.0  # seconds a server may take to answer on a busy machine

RunServer = Callable[..., str]


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test its own data directory and no key, whatever the machine has set."""
    for name in list(os.environ):
        if name.startswith(_OUR_VARIABLES):
            monkeypatch.delenv(name)
    folder = tmp_path / "house"
    monkeypatch.setenv("SEEDANCE_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A small picture with detail everywhere."""
    return make_photo(tmp_path / "photo.jpg", 640, 480)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three pictures of the size and shapes that a telephone takes."""
    folder = tmp_path_factory.mktemp("photos")
    shapes = [(2400, 1600), (1200, 1800), (1600, 1600)]
    return [make_photo(folder / f"photo-{n}.jpg", *shape, seed=n) for n, shape in enumerate(shapes, 1)]


def make_photo(path: Path, width: int, height: int, seed: int = 0) -> Path:
    """Write a picture of that size: soft colours with grain, as a photograph has."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    soft = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = random.integers(-12, 12, (height, width, 1), dtype=np.int16)
    Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def run_server() -> Iterator[RunServer]:
    """Start programs of this project that serve a port, wait for them, and end them by their own id."""
    with ExitStack() as stack:

        def run(*arguments: str, log: Path, **environment: str) -> str:
            return stack.enter_context(_running(arguments, log, environment))

        yield run


@contextmanager
def _running(arguments: tuple[str, ...], log: Path, environment: dict[str, str]) -> Iterator[str]:
    process = start(arguments, log, environment)
    try:
        yield address(process, log)
    finally:
        process.terminate()
        process.wait(30)


def start(arguments: tuple[str, ...], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a program of this project with only these of our variables set."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_OUR_VARIABLES)}
    command = [sys.executable, *arguments]
    with log.open("wb") as out:
        return subprocess.Popen(
            command, cwd=ROOT, env=clean | environment, stdout=out, stderr=subprocess.STDOUT
        )


def address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address that the server prints, once it answers there."""
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            try:
                httpx.get(found.group(), timeout=5)
            except httpx.HTTPError:
                continue
            return found.group()
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text()}")


@pytest.fixture(scope="session")
def engine_url(run_server: RunServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The embedded engine, served on a loopback port; it takes the key `sk-test`."""
    folder = tmp_path_factory.mktemp("engine")
    command = ("-m", "seedance", "serve", "--port", "0", "--api-key", "sk-test")
    return run_server(*command, log=folder / "log", SEEDANCE_DATA_DIR=str(folder))


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Postgres]:
    """A Postgres of this test run's own."""
    if postgres.programs() is None:
        pytest.skip(postgres.MISSING)
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """A provider whose answers a test chooses, each for the prompts of its own."""
    with Provider() as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the page at `page_url`."""
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="session")
def page_url(run_server: RunServer, page_folder: Path, provider: Provider) -> str:
    """The page as `python app.py` opens it, with no key; for a visitor's own key it asks the `provider`."""
    return _page(run_server, page_folder, WAVESPEED_BASE_URL=provider.url, SEEDANCE_GRACE="1")


@pytest.fixture(scope="session")
def model_page_url(run_server: RunServer, engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page with a key, talking to a WaveSpeed server: here the engine on its own port."""
    folder = tmp_path_factory.mktemp("model-page")
    variables = {"WAVESPEED_BASE_URL": engine_url, "SEEDANCE_METRICS_TOKEN": METRICS_TOKEN}
    return _page(run_server, folder, WAVESPEED_API_KEY="sk-test", **variables)


def _page(run_server: RunServer, folder: Path, **environment: str) -> str:
    return run_server(
        "app.py",
        log=folder / "log",
        SEEDANCE_DATA_DIR=str(folder),
        GRADIO_TEMP_DIR=str(folder / "gradio"),
        GRADIO_SERVER_PORT=str(free_port()),
        **environment,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let both workers begin with a long test: none of them is left to run alone at the end."""
    long = [item for item in items if item.get_closest_marker("long")]
    rest = [item for item in items if not item.get_closest_marker("long")]
    half = len(rest) // 2
    items[:] = long[::2] + rest[:half] + long[1::2] + rest[half:]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Under CI a skipped test is a failure: what could not run has proved nothing."""
    report = yield
    if os.environ.get("CI") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped under CI: {report.longrepr}"
    return report
