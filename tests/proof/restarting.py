"""Processes that are started again whenever they end, as a container engine does it."""

from __future__ import annotations

import asyncio
import re
import secrets
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.proof.programs import ROOT, environment
from tests.proof.waiting import until

START: Final = 180.0  # seconds a process may take on a busy machine
_PORTS: Final = range(20_000, 30_000)  # below those that the system chooses by itself


@dataclass
class Replica:
    """One part of a house: what starts it, and the life that it is in."""

    kind: str
    number: int
    command: Sequence[str]
    variables: dict[str, str]
    said: Path
    """The folder of what its lives print."""
    word: str
    """A regular expression of what each life prints once it is up."""
    leaves: bool = False
    """Whether it ends by itself when another part is gone."""
    held: bool = False
    """While set it is not started again."""
    lives: int = 0
    faults: list[str] = field(default_factory=list)
    killed: dict[str, float] = field(default_factory=dict)
    """When each life that was killed was killed, in seconds since the epoch."""
    _process: asyncio.subprocess.Process | None = None
    _keeping: asyncio.Task[None] | None = None

    @property
    def life(self) -> str:
        """The name of what runs now, which is that of its connections to Postgres as well."""
        return f"{self.kind} {self.number}, life {self.lives}"

    @property
    def up(self) -> bool:
        """Whether it runs and has said so."""
        if self._process is None or self._process.returncode is not None or self.life in self.killed:
            return False
        return re.search(self.word, self._log.read_text(errors="replace")) is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Begin to keep it running."""
        self.said.mkdir(parents=True, exist_ok=True)
        self._keeping = asyncio.create_task(self._keep())

    def kill(self) -> None:
        """End its life as a power cut would."""
        assert self._process is not None
        self.killed[self.life] = time.time()
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    async def end(self) -> None:
        """End it for good."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def _log(self) -> Path:
        return self.said / f"{self.kind}-{self.number}-{self.lives}.log"

    async def _keep(self) -> None:
        while True:
            self.lives += 1
            with self._log.open("wb") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self.command,
                    cwd=ROOT,
                    env=environment(PGAPPNAME=self.life, **self.variables),
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                )
            status = await self._process.wait()
            if self.life not in self.killed and not self.leaves:
                self.faults.append(f"{self.life} ended by itself ({status}): {self._log.read_text()[-2000:]}")
                await asyncio.sleep(1.0)
            while self.held:
                await asyncio.sleep(0.05)


def lasting_port() -> int:
    """Return a free port that the system gives to nobody else while its server is started again."""
    while True:
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


async def all_up(replicas: Sequence[Replica]) -> None:
    """Wait until all run.

    Raises:
        TimeoutError: one does not.
    """
    await until(lambda: all(replica.up for replica in replicas), START)
