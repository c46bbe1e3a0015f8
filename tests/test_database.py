from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Column
from sqlalchemy.schema import CreateColumn

from seedance.errors import NotRecorded
from seedance.journal import Journal
from seedance.models import State
from tests.conftest import ROOT

FIRST = """
CREATE TABLE videos (
    id VARCHAR(32) NOT NULL, owner VARCHAR(64) NOT NULL, engine VARCHAR(16) NOT NULL,
    account VARCHAR(64) NOT NULL, prompt TEXT NOT NULL, images JSON NOT NULL, duration INTEGER NOT NULL,
    camera_fixed BOOLEAN NOT NULL, seed BIGINT NOT NULL, state VARCHAR(16) NOT NULL,
    created_at FLOAT NOT NULL, submitted_at FLOAT, finished_at FLOAT, task_id VARCHAR(128),
    made_by VARCHAR(128), video VARCHAR(255), inference_ms INTEGER,
    error TEXT, holder VARCHAR(32), lease FLOAT NOT NULL, fence INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX videos_by_owner ON videos (owner, created_at);
CREATE INDEX videos_by_state ON videos (state, created_at);
CREATE TABLE uploads (
    sha256 VARCHAR(64) NOT NULL, account VARCHAR(64) NOT NULL, url TEXT NOT NULL, created_at FLOAT NOT NULL,
    PRIMARY KEY (sha256, account)
);
INSERT INTO videos VALUES
    ('v-done', 'anna', 'wavespeed', 'acc', 'a fox', '[{"name": "a.jpg", "sha256": "00"}]', 7, 1, 42, 'done',
     1000.5, 1001.5, 1060.5, 't1', 'm', 'v-done.mp4', 900, NULL, NULL, 1070.5, 3),
    ('v-lost', '', 'wavespeed', 'acc', 'a box', '[]', 5, 0, 43, 'unknown',
     1002.5, 1003.5, 1004.5, NULL, NULL, NULL, NULL, 'lost', NULL, 1070.5, 1),
    ('v-open', '', 'wavespeed', 'acc', 'a cat', '[]', 5, 0, 44, 'running',
     1003.5, 1004.5, NULL, 't2', 'm', NULL, NULL, NULL, 'gone', 1070.5, 2),
    ('v-new', '', 'local', 'local', 'a dog', '[]', 5, 0, 45, 'new',
     1005.5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'gone', 1070.5, 1);
INSERT INTO uploads VALUES ('00', 'acc', 'https://u/1.jpg', 2000.5);
"""
OPEN = """
import sys
from seedance.journal import Journal
print("ready", flush=True)
sys.stdin.readline()
journal = Journal(sys.argv[1])
print(*(record.id for record in journal.recent()), flush=True)
journal.close()
"""
NOW = 3000.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The journal as the first release left it."""
    file = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(FIRST)
    return file


@pytest.fixture
def journal(file: Path) -> Iterator[Journal]:
    journal = Journal(f"sqlite:///{file}", clock=lambda: NOW)
    yield journal
    journal.close()


def dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as db:
        return list(db.iterdump())


def test_the_first_releases_rows_are_kept(journal: Journal) -> None:
    """Every field of every video is read as it was written; what that release did not know is empty."""
    ids = [record.id for record in journal.recent()]
    assert ids == ["v-new", "v-open", "v-lost", "v-done"]
    done = journal.get("v-done")
    assert done is not None
    assert (done.owner, done.prompt, done.duration, done.camera_fixed, done.seed) == (
        "anna",
        "a fox",
        7,
        True,
        42,
    )
    assert (done.state, done.task_id, done.video, done.inference_ms) == (State.DONE, "t1", "v-done.mp4", 900)
    assert (done.created_at, done.submitted_at, done.finished_at) == (1000.5, 1001.5, 1060.5)
    assert (done.images, done.urls, done.fence) == ([{"name": "a.jpg", "sha256": "00"}], None, 3)
    assert journal.upload_url("00", "acc") == "https://u/1.jpg"
    assert (done.batch, done.visitor, done.stop_asked) == (None, None, False)


def test_the_first_releases_images_are_known_to_be_needed(journal: Journal) -> None:
    """An image that an old row names stays for as long as that row, whatever else becomes of it."""
    new = journal.add(
        owner="anna",
        engine="local",
        account="local",
        prompt="a fox",
        images=[{"name": "a.jpg", "sha256": "00"}],
        duration=5,
        camera_fixed=False,
        seed=1,
    )
    journal.write(new, state=State.FAILED, finished_at=NOW)
    deleted = [journal.delete(id, "anna") for id in (new.id, "v-done")]
    assert [images for _, images in filter(None, deleted)] == [set(), {"00"}]


def test_the_first_releases_rows_are_worked_on(journal: Journal) -> None:
    """What it left unfinished is claimed, changed and ended; what had ended stays so."""
    assert [record.id for record in journal.unfinished()] == ["v-open", "v-new"]
    (record,) = journal.claim(["acc"])
    assert (record.id, record.fence) == ("v-open", 3)
    ended = journal.write(record, state=State.DONE, urls=["https://u/2.jpg"], finished_at=NOW)
    assert ended is not None
    assert ended.urls == ["https://u/2.jpg"]
    assert journal.claim(["acc"]) == []
    (lost,) = journal.claim(["acc"], ["v-lost", "v-done"])
    assert (lost.id, lost.state) == ("v-lost", State.SUBMITTING)
    new = journal.add(
        owner="",
        engine="wavespeed",
        account="acc",
        prompt="a hen",
        images=[],
        duration=5,
        camera_fixed=False,
        seed=1,
    )
    assert journal.get(new.id) == new


def test_a_database_brought_forward_is_as_good_as_a_new_one(file: Path, tmp_path: Path) -> None:
    """Both have the same columns and indexes, save what the first release had besides."""

    def shape(path: Path) -> set[tuple[str, ...]]:
        Journal(f"sqlite:///{path}").close()
        with closing(sqlite3.connect(path)) as db:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            columns = {
                (table, row[1]) for table in tables for row in db.execute(f"PRAGMA table_info({table})")
            }
            return columns | set(db.execute("SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index'"))

    old, new = shape(file), shape(tmp_path / "new.sqlite")
    assert new - old == set()
    assert old - new == {("videos", "videos_by_state")}


def test_bringing_forward_happens_once(file: Path) -> None:
    """A second start finds nothing to do and changes nothing."""
    Journal(f"sqlite:///{file}").close()
    before = dump(file)
    Journal(f"sqlite:///{file}").close()
    assert dump(file) == before


def test_a_broken_off_bringing_forward_is_finished(file: Path) -> None:
    """A program killed between two steps leaves a database that the next one completes."""
    with closing(sqlite3.connect(file)) as db:
        db.executescript("CREATE TABLE journal_version (version INTEGER NOT NULL)")
        db.executescript("ALTER TABLE videos ADD COLUMN urls JSON")
    journal = Journal(f"sqlite:///{file}")
    assert len(journal.recent()) == 4
    journal.close()
    with closing(sqlite3.connect(file)) as db:
        assert len(db.execute("SELECT version FROM journal_version").fetchall()) == 1
        assert db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'videos_by_task'").fetchone()


def test_a_step_that_another_process_was_quicker_with_is_passed_over(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column that appears between the look and the change is no error: less is left to do."""
    quicker = ["ALTER TABLE videos ADD COLUMN urls JSON"]

    def race(column: Column[object]) -> CreateColumn:
        with closing(sqlite3.connect(file)) as db, db:
            while quicker:
                db.execute(quicker.pop())
        return CreateColumn(column)

    monkeypatch.setattr("seedance.database.CreateColumn", race)
    journal = Journal(f"sqlite:///{file}")
    assert len(journal.recent()) == 4
    journal.close()
    assert not quicker


def test_a_newer_programs_database_is_refused_and_unchanged(file: Path) -> None:
    """The message says what to do; not a byte of the content is touched."""
    Journal(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE journal_version SET version = 99")
    before = dump(file)
    with pytest.raises(NotRecorded, match=r"version 99.*newer program.*Update this program"):
        Journal(f"sqlite:///{file}")
    assert dump(file) == before


def test_processes_that_start_at_once_bring_it_forward_together(file: Path) -> None:
    """After an update all programs start at the same moment: each gets the journal, once and whole."""
    command = [sys.executable, "-W", "error", "-c", OPEN, f"sqlite:///{file}"]
    racers = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
        told = [racer.communicate(timeout=60)[0] for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait(30)
    assert told == ["v-new v-open v-lost v-done\n"] * 3
    assert [racer.returncode for racer in racers] == [0] * 3
    with closing(sqlite3.connect(file)) as db:
        assert len(db.execute("SELECT version FROM journal_version").fetchall()) == 1
