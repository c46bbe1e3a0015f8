"""Where foreign image files are decoded: worker processes with limits on time and memory.

A decoder that crashes, hangs or asks for all memory ends its worker and nothing else. The workers are started
when first needed, used again and again, and end with this process. They know none of its secrets.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from seedance.errors import InvalidImage

WORKERS: Final = min(os.cpu_count() or 1, 4)
START: Final = 60.0  # seconds until a worker must be ready
WALL: Final = 60.0  # seconds for one image: the machine may be busy, or know no limit on CPU time
READY: Final = b"ready\n"
PASSED_ON: Final = (
    "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TEMP", "TMP", "TMPDIR",
)  # fmt: skip
HALTED: Final = "the image cannot be decoded: it took too long."
ENDED: Final = "the image cannot be decoded: it is damaged, or needs too much memory."


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture encoded anew, as JPEG."""

    data: bytes
    width: int
    height: int


def decode(path: Path, name: str, *, side: int) -> Encoded:
    """Decode a file as `pixels.open_upright` does, but in a worker, and encode it anew.

    Blocks. Calls from several threads run side by side, up to `WORKERS` of them.

    Raises:
        InvalidImage: what `open_upright` raises, or that the file was too much for the worker.
    """
    with _turns:
        try:
            worker = _take()
        except OSError:
            raise InvalidImage(
                name, "it cannot be checked now: no process could be started for it."
            ) from None
        answer, data = worker.ask({"path": os.fspath(path.absolute()), "side": side})
        if worker.alive:
            _idle.append(worker)
    if "reason" in answer:
        raise InvalidImage(name, answer["reason"])
    return Encoded(data, answer["width"], answer["height"])


def close() -> None:
    """End the idle workers. The next image starts new ones."""
    while _idle:
        _idle.pop().end()


class Worker:
    """A process that decodes. A line of JSON goes in; a line of JSON and bytes come out."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            # -P: nothing is imported from the working directory.
            [sys.executable, "-P", "-m", "seedance.decoder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        self._in = cast(IO[bytes], self._process.stdin)
        self._out = cast(IO[bytes], self._process.stdout)
        with self._at_most(START):
            ready = self._out.readline()
        if ready != READY:
            self.end()
            raise ChildProcessError("the process that decodes images did not start")

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        return self._process.poll() is None

    def ask(self, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Have one image decoded. An answer with a `reason` says why it was not."""
        with self._at_most(WALL) as late:
            try:
                self._in.write(json.dumps(job).encode() + b"\n")
                self._in.flush()
                answer: dict[str, Any] = json.loads(self._out.readline())
                data = self._out.read(answer.get("size", 0))
                if len(data) == answer.get("size", 0):
                    return answer, data
            except (OSError, ValueError):
                pass
        code = self.end()
        overdue = late.is_set() or code == -getattr(signal, "SIGXCPU", 0)
        return {"reason": HALTED if overdue else ENDED}, b""

    def end(self) -> int:
        """End the process at once; return how it ended: its exit status, or minus the signal."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)  # one that crashed is about to be gone by itself
        self._process.kill()
        code = self._process.wait()
        for pipe in (self._in, self._out):
            with contextlib.suppress(OSError):
                pipe.close()
        return code

    @contextmanager
    def _at_most(self, seconds: float) -> Iterator[threading.Event]:
        """Kill the process when the block takes longer; the event then says so."""
        late = threading.Event()

        def halt() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, halt)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()


_turns = threading.Semaphore(WORKERS)
_idle: list[Worker] = []


def _take() -> Worker:
    while True:
        try:
            worker = _idle.pop()
        except IndexError:
            return Worker()
        if worker.alive:
            return worker
        worker.end()


def _environment() -> dict[str, str]:
    """Return what a worker needs to find the same packages, and nothing else: no key, no token."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    places = [place for place in sys.path if place] + [str(Path(__file__).parents[1])]
    return kept | {"PYTHONPATH": os.pathsep.join(places)}


def _forget() -> None:
    """Let a forked process start workers of its own: two cannot share one."""
    global _turns
    _turns = threading.Semaphore(WORKERS)
    _idle.clear()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
