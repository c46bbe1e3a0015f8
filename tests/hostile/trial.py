"""What a hostile file does to the worker that decodes it: measured from outside, as the system counts it."""

from __future__ import annotations

import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from seedance import decoding, images
from seedance.errors import InvalidImage
from tests.hostile.case import metadata_in

GIGABYTE = 1_000_000_000
NAME = "holiday (1).jpg"


@dataclass
class Trial:
    """Cleans file after file, and keeps count."""

    path: Path
    outcomes: Counter[str] = field(default_factory=Counter)
    """How often: accepted, refused, crash, hang, unnamed (the file's name is not told), or an exception."""
    odd: list[str] = field(default_factory=list)
    """What crashed, hung or raised something else, or left metadata."""
    metadata: int = 0
    cpu: float = 0.0
    """Seconds, the most for one file."""
    slowest: str = ""
    memory: int = 0
    """Bytes resident, the most at any moment."""
    largest: str = ""

    def clean(self, label: str, data: bytes) -> str | None:
        """Clean one file; return why it was refused, or None.

        One that seems to take too long is cleaned again, and its best time counts: on a busy machine the
        same work takes up to twice the CPU time.
        """
        self.path.write_bytes(data)
        outcome, reason, spent, peak = self._clean(label)
        for _ in range(_AGAIN):
            if spent > 1:
                spent = min(spent, self._clean(label)[2])
        if outcome not in ("accepted", "refused"):
            self.odd.append(f"{label}: {outcome}")
        if spent > self.cpu:
            self.cpu, self.slowest = spent, label
        if peak > self.memory:
            self.memory, self.largest = peak, label
        self.outcomes[outcome] += 1
        return reason

    def _clean(self, label: str) -> tuple[str, str | None, float, int]:
        """Return the outcome, the reason of a refusal, the CPU seconds and the peak of memory."""
        worker = decoding._take()
        decoding._idle.append(worker)
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # the peak of memory starts anew
        before, ended = _cpu(worker.pid), _cpu_of_the_ended()
        outcome, reason = "accepted", None
        try:
            image = images.clean(self.path, NAME)
            if found := metadata_in(image.data):
                self.metadata += found
                self.odd.append(f"{label}: {found} bytes of metadata")
        except InvalidImage as error:
            reason = error.reason
            outcome = _ENDS.get(reason, "refused" if str(error) == f"{NAME}: {reason}" else "unnamed")
        except Exception as error:
            outcome = reason = repr(error)
        if worker.alive:
            return outcome, reason, _cpu(worker.pid) - before, _peak(worker.pid)
        return outcome, reason, _cpu_of_the_ended() - ended - before, 0

    @property
    def sound(self) -> bool:
        """Whether all bounds hold: nothing odd, at most 1 s and 1 GB for each."""
        return not self.odd and self.cpu <= 1 and self.memory <= GIGABYTE

    def __str__(self) -> str:
        return (
            f"runs {self.outcomes.total():,}: {self.outcomes['accepted']:,} accepted, "
            f"{self.outcomes['refused']:,} refused\n"
            f"crashes {self.outcomes['crash']}, hangs {self.outcomes['hang']}, "
            f"exceptions other than InvalidImage {len(self.outcomes - Counter(_EXPECTED))}\n"
            f"most CPU time for one: {self.cpu:.2f} s ({self.slowest})\n"
            f"most memory: {self.memory / 1e6:.0f} MB ({self.largest})\n"
            f"bytes of metadata: {self.metadata}" + "".join(f"\n  {line}" for line in self.odd[:50])
        )


_AGAIN = 3
_ENDS = {decoding.HALTED: "hang", decoding.ENDED: "crash"}
_EXPECTED = dict.fromkeys(("accepted", "refused", "crash", "hang"), 1 << 60)


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process: Linux gives each a clock, whose id is made of the process's."""
    return time.clock_gettime(~pid << 3 | 2)


def _cpu_of_the_ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
