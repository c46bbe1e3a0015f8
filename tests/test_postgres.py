"""The journal's rules on SQLite and on a real Postgres, and several programs on one database."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, Update, create_engine, select, text, update

from seedance.errors import NotRecorded
from seedance.journal import LEASE, Journal
from seedance.models import State
from seedance.record import HOLDERS, VIDEOS, Record
from tests.proof import postgres
from tests.proof.programs import ROOT, environment, provider
from tests.proof.swarm import swarm

KILLS = 20
REQUEST: dict[str, Any] = {
    "owner": "",
    "engine": "wavespeed",
    "account": "acc",
    "prompt": "a fox",
    "images": [{"name": "a.jpg", "sha256": "0" * 64, "width": 400, "height": 300}],
    "duration": 5,
    "camera_fixed": False,
    "seed": 2**31 - 1,
}
CLAIM = """
import sys
from seedance.journal import Journal
journal = Journal(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(*(record.id for record in journal.claim(["acc"])), flush=True)
sys.stdin.readline()
"""

Open = Callable[[], Journal]
Later = Callable[[float], None]
Look = Callable[[Select[Any]], list[Any]]
Change = Callable[[Update], None]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.sqlite"
    server: postgres.Postgres = request.getfixturevalue("server")
    return server.new_database()


@pytest.fixture
def change(url: str) -> Iterator[Change]:
    """Change the database past the journal."""
    engine = create_engine(url)

    def do(statement: Update) -> None:
        with engine.begin() as db:
            db.execute(statement)

    yield do
    engine.dispose()


@pytest.fixture
def later(change: Change) -> Later:
    """Let time pass for the leases, whichever clock they go by."""

    def pass_by(seconds: float) -> None:
        for table in (VIDEOS, HOLDERS):
            change(update(table).values(lease=table.c.lease - seconds))

    return pass_by


@pytest.fixture
def look(url: str) -> Iterator[Look]:
    """Return the first column of what the database answers."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")

    def ask(query: Select[Any]) -> list[Any]:
        with engine.connect() as db:
            return list(db.execute(query).scalars())

    yield ask
    engine.dispose()


@pytest.fixture
def open_journal(url: str) -> Iterator[Open]:
    """Open the journal once more, as another process has it."""
    opened: list[Journal] = []

    def open_one() -> Journal:
        opened.append(Journal(url))
        return opened[-1]

    yield open_one
    for journal in opened:
        journal.close()


def test_an_intent_survives(open_journal: Open) -> None:
    """What was added is read by others at once, every field as given, though nothing was closed."""
    record = open_journal().add(**REQUEST)
    assert open_journal().get(record.id) == record
    assert {name: getattr(record, name) for name in REQUEST} == REQUEST


def test_a_stale_fence_changes_nothing(open_journal: Open, later: Later) -> None:
    """Once another process has claimed a video, the former one's writes are void, and it learns so."""
    mine, other = open_journal(), open_journal()
    stale = mine.add(**REQUEST)
    later(LEASE + 1)
    (claimed,) = other.claim(["acc"])
    assert mine.write(stale, state=State.FAILED) is None
    assert other.get(stale.id) == claimed
    assert other.write(claimed, state=State.RUNNING) is not None


def test_a_lease_keeps_others_away(open_journal: Open, later: Later) -> None:
    """Until its lease has run out a video cannot be claimed; renewing extends it, closing gives it back."""
    mine, other = open_journal(), open_journal()
    mine.add(**REQUEST)
    later(LEASE - 1)
    mine.renew()
    later(LEASE - 1)
    assert other.claim(["acc"]) == []
    mine.close()
    assert len(other.claim(["acc"])) == 1


def test_one_write_extends_the_lease_on_all_videos(open_journal: Open, later: Later, look: Look) -> None:
    """However many a process follows, it renews one row, its own; the videos' rows are left alone."""
    mine, other = open_journal(), open_journal()
    for _ in range(3):
        mine.add(**REQUEST)
    later(LEASE - 1)
    before = look(select(VIDEOS.c.lease))
    mine.renew()
    assert look(select(VIDEOS.c.lease)) == before
    assert look(select(HOLDERS.c.name)) == [mine.holder]
    later(LEASE - 1)
    assert other.claim(["acc"]) == []
    later(2)
    assert len(other.claim(["acc"])) == 3


def test_a_program_of_the_version_before_keeps_its_videos(
    open_journal: Open, later: Later, change: Change
) -> None:
    """It renews the lease of each video; until that has run out, nobody who knows of one for all takes it."""
    old, new = open_journal(), open_journal()
    old.add(**REQUEST)
    for _ in range(2):
        later(LEASE - 1)
        change(update(VIDEOS).values(lease=VIDEOS.c.lease + LEASE - 1))
        new.renew()
        assert new.claim(["acc"]) == []
    later(LEASE + 1)
    assert len(new.claim(["acc"])) == 1


def test_who_was_forgotten_and_comes_back_goes_on(open_journal: Open, later: Later) -> None:
    """A process that slept finds what nobody has taken as it was, and holds it again."""
    asleep, other = open_journal(), open_journal()
    record = asleep.add(**REQUEST)
    asleep.renew()
    later(LEASE + 1)
    assert other.forget_the_gone() == 1
    written = asleep.write(record, state=State.RUNNING)
    assert written is not None
    asleep.renew()
    later(LEASE - 1)
    assert other.forget_the_gone() == 0
    assert other.claim(["acc"]) == []
    assert asleep.write(written, state=State.DOWNLOADING) is not None


def test_who_comes_back_gets_nothing_back_that_was_taken(open_journal: Open, later: Later) -> None:
    """Its new lease covers what it still has; of the rest its writes are void, and others hold it."""
    asleep, other, third = open_journal(), open_journal(), open_journal()
    kept, lost = asleep.add(**REQUEST), asleep.add(**REQUEST)
    asleep.renew()
    later(LEASE + 1)
    (claimed,) = other.claim(["acc"], [lost.id])
    asleep.renew()
    other.renew()
    assert asleep.write(lost, state=State.RUNNING) is None
    assert third.claim(["acc"]) == asleep.claim(["acc"]) == []
    assert asleep.write(kept, state=State.RUNNING) is not None
    assert other.write(claimed, state=State.RUNNING) is not None


def test_a_process_that_ends_well_leaves_no_lease(open_journal: Open, look: Look) -> None:
    """Of those that ended by themselves there is nothing to tidy."""
    mine = open_journal()
    mine.renew()
    mine.close()
    assert look(select(HOLDERS.c.name)) == []


def test_leases_go_by_the_servers_clock(server: postgres.Postgres) -> None:
    """A machine whose own clock is a day ahead takes nothing from the living, and loses nothing to them."""
    url = server.new_database()
    ahead, right = (Journal(url, clock=lambda by=by: time.time() + by) for by in (86400.0, 0.0))
    ahead.add(**REQUEST)
    right.add(**REQUEST)
    assert ahead.claim(["acc"]) == right.claim(["acc"]) == []
    ahead.close()
    right.close()


def test_threads_that_race_claim_each_video_once(open_journal: Open, later: Later) -> None:
    """However many claim at the same moment, one of them gets each video."""
    first = open_journal()
    ids = sorted(first.add(**REQUEST).id for _ in range(30))
    later(LEASE + 1)
    journals = [open_journal() for _ in range(4)]
    start = threading.Barrier(len(journals))
    claimed: list[Record] = []

    def race(mine: Journal) -> None:
        start.wait()
        claimed.extend(mine.claim(["acc"]))

    threads = [threading.Thread(target=race, args=(mine,)) for mine in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record.id for record in claimed) == ids


def test_processes_that_race_claim_each_video_once(url: str, later: Later) -> None:
    """Three processes that start together share the videos; none is claimed twice, none is left."""
    journal = Journal(url)
    ids = sorted(journal.add(**REQUEST).id for _ in range(60))
    later(LEASE + 1)
    command = [sys.executable, "-c", CLAIM, url]
    racers = [
        subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        claimed = [racer.stdout.readline().split() for racer in racers if racer.stdout]
    finally:
        for racer in racers:
            racer.communicate("end\n", timeout=30)
    assert sorted(chain(*claimed)) == ids
    journal.close()


def test_an_image_goes_with_its_last_video(open_journal: Open) -> None:
    """Of what is deleted, only images that no other record names are told as free."""
    journal = open_journal()
    videos = [journal.add(**REQUEST) for _ in range(2)]
    for video in videos:
        journal.write(video, state=State.DONE, finished_at=1.0)
    deleted = [journal.delete(video.id, "") for video in videos]
    assert [images for _, images in filter(None, deleted)] == [set(), {"0" * 64}]


def test_the_images_that_older_rows_need_are_found(open_journal: Open, url: str) -> None:
    """A journal of the version before is brought forward: its rows say which images must stay."""
    old = open_journal().add(**REQUEST)
    database = create_engine(url)
    with database.begin() as db:
        db.execute(text("DROP TABLE pictures"))
        db.execute(text("UPDATE journal_version SET version = 4"))
    database.dispose()
    journal = open_journal()
    new = journal.add(**REQUEST)
    journal.write(new, state=State.DONE, finished_at=1.0)
    deleted = journal.delete(new.id, "")
    assert deleted is not None
    assert deleted[1] == set()
    assert journal.get(old.id) is not None


def test_a_server_that_is_away_is_not_recorded(server: postgres.Postgres) -> None:
    """While Postgres is stopped an intent raises `NotRecorded`; what was committed is there afterwards."""
    url = server.new_database()
    journal = Journal(url)
    record = journal.add(**REQUEST)
    server.stop()
    try:
        with pytest.raises(NotRecorded, match="nothing is sent"):
            journal.add(**REQUEST)
        with pytest.raises(NotRecorded):
            journal.write(record, state=State.SUBMITTING)
        with pytest.raises(NotRecorded):
            Journal(url)
    finally:
        server.start()
    assert journal.get(record.id) == record
    assert journal.write(record, state=State.SUBMITTING) is not None
    journal.close()


@pytest.mark.long
@pytest.mark.anyio
async def test_programs_killed_on_one_database_lose_and_double_nothing(
    server: postgres.Postgres, tmp_path: Path
) -> None:
    """Three programs share a database and are killed: one holder at a time, each charge brought home once."""
    seed = int(os.environ.get("SEEDANCE_KILL_SEED") or secrets.randbits(32))
    print(f"SEEDANCE_KILL_SEED={seed}")
    with provider(tmp_path, "--latency", "0.25", "--lag", "1") as address:
        outcome = await swarm(server.new_database(), seed, KILLS, tmp_path, address)
    assert not outcome.faults, f"SEEDANCE_KILL_SEED={seed}\n" + "\n".join(outcome.faults)
    assert outcome.kills >= KILLS
    assert outcome.taken_over > 0
