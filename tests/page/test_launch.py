"""The page's start on a machine that is slow, or without what it needs."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.conftest import address, free_port, start

HASTY = """
import asyncio, time, types
from gradio import http_server
from seedance.page import launch
from seedance.studio import Studio
http_server.time = types.SimpleNamespace(sleep=time.sleep, time=lambda: 100 * time.time())
enter = Studio.__aenter__
async def slow(studio):
    print("opening", flush=True)
    await asyncio.sleep(1)
    return await enter(studio)
Studio.__aenter__ = slow
launch()
"""
"""A page that opens in a second, for a Gradio whose 5 s of patience pass in 50 ms."""
_LONG = 300.0  # seconds, on a busy machine


def house(tmp_path: Path, port: int) -> dict[str, str]:
    folders = {"SEEDANCE_DATA_DIR": str(tmp_path / "house"), "GRADIO_TEMP_DIR": str(tmp_path / "gradio")}
    return folders | {"GRADIO_SERVER_PORT": str(port), "WAVESPEED_API_KEY": "sk-launch"}


def test_a_slow_start_is_waited_for(tmp_path: Path) -> None:
    """A page that takes longer than Gradio waits comes up all the same: once, and on its own port."""
    port, log = free_port(), tmp_path / "log"
    process = start(("-c", HASTY), log, house(tmp_path, port))
    try:
        url = address(process, log)
        assert httpx.get(f"{url}/config").status_code == 200
    finally:
        process.terminate()
        process.wait(_LONG)
    assert url == f"http://127.0.0.1:{port}"
    assert log.read_text().count("opening") == 1


def test_a_start_that_fails_ends_the_program(tmp_path: Path) -> None:
    """Without its database the page does not try a hundred ports: it ends, and says why."""
    nowhere = f"postgresql+psycopg://seedance@127.0.0.1:{free_port()}/seedance"
    log = tmp_path / "log"
    process = start(("-c", HASTY), log, house(tmp_path, free_port()) | {"SEEDANCE_DATABASE_URL": nowhere})
    try:
        status = process.wait(_LONG)
    finally:
        process.kill()
    said = log.read_text()
    assert (status, said.count("opening")) == (1, 1)
    assert "NotRecorded: The journal cannot be written" in said
    assert said.endswith("The page could not be opened; the reason stands above.\n")
