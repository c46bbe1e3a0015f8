"""Run this project's programs as processes of their own, and end them by their own id."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx

ROOT: Final = Path(__file__).parents[2]
PHOTO: Final = ROOT / "assets" / "examples" / "fox.jpg"
_START: Final = 30.0  # seconds a server may take to print its address
_OURS: Final = ("SEEDANCE_", "WAVESPEED_", "PG")


def environment(**variables: str) -> dict[str, str]:
    """Return this machine's environment without what it says to our programs, and with these."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_OURS)} | variables


@contextmanager
def provider(folder: Path, *arguments: str) -> Iterator[str]:
    """Run the provider with its books in this folder; give its address."""
    log = folder / "provider.log"
    command = [sys.executable, "-m", "tests.proof.provider", "--ledger", str(folder / "ledger.jsonl")]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, *arguments], cwd=ROOT, env=environment(), stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield _address(process, log)
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            return found.group()
        time.sleep(0.02)
    raise RuntimeError(f"the provider did not start: {log.read_text()}")


@dataclass(slots=True)
class Books:
    """The provider's side of the story, asked over HTTP. Use it as an async context manager."""

    address: str
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=None))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def told(self, key: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.http.get(f"{self.address}/ledger", params={"key": key})).json()
        return answer

    async def rule(self, key: str, **rules: object) -> None:
        await self.http.post(f"{self.address}/rules", json={"key": key, **rules})

    async def reached(self, key: str, step: str) -> None:
        await self.http.get(f"{self.address}/reached", params={"key": key, "step": step})


@dataclass(slots=True)
class House:
    """One user's data folder and key, and the programs that work there. `said` holds what they print."""

    data: Path
    said: Path
    key: str
    address: str
    variables: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    async def start(self, *arguments: str, **variables: str) -> asyncio.subprocess.Process:
        """Start `python -m seedance` with these arguments."""
        self.said.mkdir(parents=True, exist_ok=True)
        self.runs += 1
        env = environment(
            WAVESPEED_API_KEY=self.key,
            WAVESPEED_BASE_URL=self.address,
            SEEDANCE_DATA_DIR=str(self.data),
            **(self.variables | variables),
        )
        with (
            (self.said / f"{self.runs}.out").open("wb") as out,
            (self.said / f"{self.runs}.err").open("wb") as err,
        ):
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "seedance", *arguments, cwd=ROOT, env=env, stdout=out, stderr=err
            )

    def texts(self) -> Iterator[tuple[Path, bytes]]:
        """Yield all that these programs have left behind: files, database, output."""
        for folder in (self.data, self.said):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield path, path.read_bytes()

    def errors(self) -> str:
        """Return the end of what the programs said on standard error."""
        return "\n".join(path.read_text()[-600:] for path in sorted(self.said.glob("*.err")))


async def kill(process: asyncio.subprocess.Process) -> bool:
    """End a process as a power cut would; return whether it was still alive."""
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    return await process.wait() == -signal.SIGKILL
