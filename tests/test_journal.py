from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seedance.errors import NotRecorded
from seedance.journal import LEASE, UPLOAD_LIFE, Journal
from seedance.models import State
from seedance.record import Record

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


class Clock:
    """Time that passes when it is told to."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.sqlite"


@pytest.fixture
def journal(file: Path, clock: Clock) -> Iterator[Journal]:
    journal = Journal(f"sqlite:///{file}", clock=clock)
    yield journal
    journal.close()


@pytest.fixture
def other(file: Path, clock: Clock) -> Iterator[Journal]:
    """The journal as another process has it open."""
    other = Journal(f"sqlite:///{file}", clock=clock)
    yield other
    other.close()


def test_an_intent_survives_a_crash(journal: Journal, other: Journal) -> None:
    """What was added is read by others at once, every field as given, though nothing was closed."""
    record = journal.add(**REQUEST)
    assert other.get(record.id) == record
    assert (record.state, record.fence, record.created_at) == (State.NEW, 1, 1_000_000.0)
    assert {name: getattr(record, name) for name in REQUEST} == REQUEST


def test_committed_rows_survive_a_power_cut(journal: Journal, file: Path) -> None:
    """The file is in write-ahead mode: another process reads it while one writes."""
    journal.add(**REQUEST)
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("SELECT count(*) FROM videos").fetchone() == (1,)
    db.close()


def test_an_unknown_id_has_no_record(journal: Journal) -> None:
    """A wrong id is None, not an error."""
    assert journal.get("nobody") is None


def test_a_change_is_returned_as_recorded(journal: Journal) -> None:
    """A write gives the new row and leaves the other fields as they were."""
    record = journal.add(**REQUEST)
    written = journal.write(record, state=State.RUNNING, task_id="t1")
    assert written == journal.get(record.id)
    assert written is not None
    assert (written.state, written.task_id, written.prompt) == (State.RUNNING, "t1", "a fox")


def test_a_living_process_keeps_its_videos(journal: Journal, other: Journal, clock: Clock) -> None:
    """Until its lease has run out a video cannot be claimed; renewing extends the lease."""
    journal.add(**REQUEST)
    clock.now += LEASE
    assert other.claim(["acc"]) == []
    journal.renew()
    clock.now += LEASE
    assert other.claim(["acc"]) == []
    clock.now += 0.1
    assert len(other.claim(["acc"])) == 1
    other.renew()
    assert journal.claim(["acc"]) == []


def test_a_closed_journal_gives_its_videos_back(file: Path, other: Journal, clock: Clock) -> None:
    """After a clean end nobody has to wait for the lease."""
    journal = Journal(f"sqlite:///{file}", clock=clock)
    record = journal.add(**REQUEST)
    journal.close()
    assert [claimed.id for claimed in other.claim(["acc"])] == [record.id]


def test_a_stale_holder_changes_nothing(journal: Journal, other: Journal, clock: Clock) -> None:
    """Once another process has claimed a video, the former one's writes are void, and it learns so."""
    stale = journal.add(**REQUEST)
    clock.now += LEASE + 1
    (claimed,) = other.claim(["acc"])
    assert journal.write(stale, state=State.FAILED, error="too late") is None
    assert other.get(stale.id) == claimed
    assert claimed.fence == stale.fence + 1
    assert other.write(claimed, state=State.RUNNING) is not None


def test_only_what_is_unfinished_and_ones_own_is_claimed(
    journal: Journal, other: Journal, clock: Clock
) -> None:
    """A claim takes the accounts whose key is here and the ids asked for, oldest first; never ended ones."""
    records = []
    for state in State:
        clock.now += 1
        finished = clock.now if state.ended else None
        record = journal.write(journal.add(**REQUEST), state=state, finished_at=finished)
        assert record is not None
        records.append(record)
    foreign = journal.add(**{**REQUEST, "account": "another"})
    open_ids = [record.id for record in records if not record.state.ended]
    clock.now += LEASE + 1
    assert other.claim([]) == []
    assert [record.id for record in other.claim(["acc"], [*open_ids[1:2], foreign.id])] == open_ids[1:2]
    assert [record.id for record in other.claim(["acc"])] == [open_ids[0], *open_ids[2:]]
    assert {record.id for record in other.unfinished()} == {*open_ids, foreign.id}


def test_racing_processes_claim_each_video_once(journal: Journal, file: Path, clock: Clock) -> None:
    """However many processes start at the same moment, one of them gets each video."""
    ids = {journal.add(**REQUEST).id for _ in range(20)}
    clock.now += LEASE + 1
    journals = [Journal(f"sqlite:///{file}", clock=clock) for _ in range(4)]
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
    for mine in journals:
        mine.close()
    assert sorted(record.id for record in claimed) == sorted(ids)


def test_racing_processes_open_a_new_journal(file: Path) -> None:
    """Programs that start together on an empty folder all get the journal."""
    start = threading.Barrier(4)
    opened: list[Record] = []

    def race() -> None:
        start.wait()
        journal = Journal(f"sqlite:///{file}")
        opened.append(journal.add(**REQUEST))
        journal.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4


def test_a_full_disk_is_not_recorded(journal: Journal, file: Path, clock: Clock) -> None:
    """An intent that cannot be written raises `NotRecorded`, and nothing of it stays."""
    with sqlite3.connect(file) as db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON videos BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )
    db.close()
    with pytest.raises(NotRecorded, match=r"disk is full.*nothing is sent.*SEEDANCE_DATA_DIR"):
        journal.add(**REQUEST)
    assert journal.recent() == []


def test_a_folder_that_cannot_be_made_is_not_recorded(tmp_path: Path) -> None:
    """A journal that cannot be opened says so in the same words."""
    (tmp_path / "file").touch()
    with pytest.raises(NotRecorded, match="cannot be written"):
        Journal(f"sqlite:///{tmp_path / 'file' / 'journal.sqlite'}")


def test_the_newest_come_first_and_owners_see_their_own(journal: Journal, clock: Clock) -> None:
    """A history shows one owner's videos, or all, up to a limit."""
    ids = {}
    for owner in ("anna", "ben", "anna"):
        clock.now += 1
        ids[journal.add(**{**REQUEST, "owner": owner}).id] = owner
    newest = list(reversed(ids))
    assert [record.id for record in journal.recent()] == newest
    assert [record.id for record in journal.recent(limit=2)] == newest[:2]
    assert [record.id for record in journal.recent(owner="anna")] == [newest[0], newest[2]]
    assert journal.recent(owner="") == []


def test_an_upload_is_known_for_a_day_to_its_account(journal: Journal, other: Journal, clock: Clock) -> None:
    """An address is used again within 24 hours, by the account that uploaded; a newer one replaces it."""
    journal.keep_upload("a" * 64, "acc", "https://u/1")
    assert other.upload_url("a" * 64, "acc") == "https://u/1"
    assert other.upload_url("a" * 64, "another") is None
    assert other.upload_url("b" * 64, "acc") is None
    clock.now += UPLOAD_LIFE - 1
    other.keep_upload("a" * 64, "acc", "https://u/2")
    assert journal.upload_url("a" * 64, "acc") == "https://u/2"
    clock.now += UPLOAD_LIFE
    assert journal.upload_url("a" * 64, "acc") is None


def test_only_the_owner_deletes_and_only_what_is_finished(journal: Journal) -> None:
    """A video that may still be charged is not forgotten, and nobody forgets another's."""
    mine = journal.add(**REQUEST | {"owner": "anna"})
    assert journal.delete(mine.id, "anna") is None
    journal.write(mine, state=State.DONE, finished_at=1.0)
    assert journal.delete(mine.id, "bert") is None
    deleted = journal.delete(mine.id, "anna")
    assert deleted is not None
    assert deleted[1] == {"0" * 64}
    assert journal.get(mine.id) is None


def test_an_image_that_another_video_needs_stays(journal: Journal) -> None:
    """Of what is deleted, only images that no other record names are told as free."""
    pictures = [{"name": "b.jpg", "sha256": "b" * 64, "width": 400, "height": 300}]
    mine = journal.add(**REQUEST | {"images": REQUEST["images"] + pictures})
    journal.add(**REQUEST)
    journal.write(mine, state=State.DONE, finished_at=1.0)
    deleted = journal.delete(mine.id, "")
    assert deleted is not None
    assert deleted[1] == {"b" * 64}


@pytest.mark.parametrize(("text", "found"), [("FOX", 1), ("%", 1), ("_", 0), ("", 3), ("100%", 1)])
def test_prompts_are_searched_for_words(journal: Journal, text: str, found: int) -> None:
    """Upper and lower case are alike; a wildcard of the database is a letter like any other."""
    for prompt in ("a red fox", "100% cotton", "a boat"):
        journal.add(**REQUEST | {"prompt": prompt})
    assert len(journal.recent(text=text)) == found


def test_the_takes_of_a_request_belong_together(journal: Journal, clock: Clock) -> None:
    """In the order in which they were asked for, and only to their owner."""
    ids = []
    for owner in ("anna", "anna", "bert"):
        clock.now += 1
        ids.append(journal.add(**REQUEST | {"owner": owner, "batch": "b1"}).id)
    assert [take.id for take in journal.batch("b1", "anna")] == ids[:2]


def test_a_count_ends_where_it_is_told_to(journal: Journal) -> None:
    """Whoever has a limit does not wait until all there are have been counted."""
    for _ in range(4):
        journal.add(**REQUEST | {"visitor": "anna"})
    assert [journal.count("acc", most) for most in (1, 3, 9)] == [1, 3, 4]


def test_old_addresses_are_forgotten_in_small_pieces(journal: Journal, clock: Clock) -> None:
    """The oldest first, as many as are wanted at a time; those still in use stay."""
    for name in "abcd":
        journal.keep_upload(name * 64, "acc", f"https://u/{name}")
        clock.now += 1
    clock.now += UPLOAD_LIFE - 1.5
    assert [journal.forget_old_uploads(2) for _ in range(3)] == [2, 1, 0]
    assert journal.upload_url("d" * 64, "acc") == "https://u/d"
