from __future__ import annotations

import random
import secrets
from pathlib import Path

import pytest

from seedance import images
from seedance.errors import InvalidImage
from tests.hostile import DIRECTED
from tests.hostile.case import CANARY, metadata_in
from tests.hostile.mutants import mutant
from tests.hostile.seeds import seeds
from tests.hostile.trial import GIGABYTE, Trial

MUTANTS = 3_000
PARTS = 4  # of each set, so that several processes can share the tests
NAMES = [
    "../../etc/passwd",
    "C:\\con.jpg",
    "a\0b.jpg",
    "a\nb.jpg",
    "<img src=x onerror=alert(1)>",
    "\u202egpj.exe",
    "x" * 10_000,
    "'; drop table videos; --",
    "{0.__class__}%s%n",
    " ",
]


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path / "file")


def test_there_are_many_cases() -> None:
    """At least 100 directed ones, each with a name of its own."""
    assert len({case.name for case in DIRECTED}) == len(DIRECTED) >= 100


@pytest.mark.parametrize("part", range(PARTS))
def test_directed(trial: Trial, part: int) -> None:
    """Each gets the answer that its case wants; none costs more than 1 s of CPU time or 1 GB."""
    wrong = []
    for case in DIRECTED[part::PARTS]:
        reason = trial.clean(case.name, case.make())
        if (reason is None) != (case.told is None) or (case.told or "") not in (reason or ""):
            wrong.append(f"{case.name}: {reason!r}, wanted {case.told!r}")
    assert not wrong
    assert trial.sound, trial


@pytest.mark.parametrize("part", range(PARTS))
def test_mutants(trial: Trial, part: int) -> None:
    """Whatever chance makes of an image, it is cleaned or refused."""
    seed = secrets.randbelow(1 << 32)
    print(f"seed {seed}, numbers from {part} in steps of {PARTS}")
    for number in range(part, MUTANTS, PARTS):
        name, data = mutant(seed, number)
        trial.clean(f"{name} {seed}/{number}", data)
    assert trial.sound, trial
    assert trial.outcomes["accepted"] > MUTANTS / PARTS / 10, trial
    assert trial.outcomes["refused"] > MUTANTS / PARTS / 10, trial


@pytest.mark.parametrize("name", sorted(seeds()))
def test_no_metadata_leaves(trial: Trial, name: str) -> None:
    """Each sound image holds a canary in all its places for metadata; what is sent holds none."""
    assert CANARY in seeds()[name]
    assert trial.clean(name, seeds()[name]) is None
    assert trial.metadata == 0


def test_metadata_would_be_found() -> None:
    """The look for metadata sees what the seeds hold, also without its canary."""
    for name in ("baseline.jpg", "progressive.jpg", "grey.jpg"):
        assert metadata_in(seeds()[name]) > 500
        assert metadata_in(seeds()[name].replace(CANARY, bytes(len(CANARY)))) > 500


def test_costs_are_measured(trial: Trial, tmp_path: Path) -> None:
    """The trial sees time and memory: a large image takes more of both."""
    trial.clean("small", seeds()["rgb.png"])
    small = trial.cpu, trial.memory
    big = next(case for case in DIRECTED if case.name == "png-7000x7000-in-150-kb")
    trial.clean("big", big.make())
    assert trial.slowest == trial.largest == "big"
    assert trial.cpu > 3 * small[0]
    assert small[1] + 150_000_000 < trial.memory < GIGABYTE


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    """It is told back as it was given, opens no other file, and is not in what is sent."""
    path = tmp_path / "file"
    path.write_bytes(seeds()["rgb.png"])
    image = images.clean(path, name)
    assert image.name == name
    assert metadata_in(image.data) == 0
    path.write_bytes(random.Random(1).randbytes(100))
    with pytest.raises(InvalidImage) as caught:
        images.clean(path, name)
    assert str(caught.value).startswith(f"{name}: not an image of a known kind")
