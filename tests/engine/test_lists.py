from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, insert

from seedance.engine import lists
from seedance.engine.records import Records
from seedance.engine.schema import TASKS

MANY, SIZE = 53, 4
PAGES = range(1, MANY // SIZE + 4)


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    """An account's tasks, some of them created at the same moment; places are seven tasks apart."""
    monkeypatch.setattr(lists, "STEP", 7)
    records = Records(url)
    records._places = lists.Places(clock)
    fill(records, range(MANY))
    yield records
    records.close()


def fill(records: Records, numbers: range, account: str = "acc") -> None:
    common: dict[str, Any] = {"input": {}, "images": [], "error": "", "attempts": 1, "lease": 0.0}
    rows = [
        common
        | {"id": f"{n * 7919 % 1000:03}", "account": account, "created_at": float(n // 3), "output": f"o{n}"}
        | {"model": f"m{n % 2}", "status": ("completed", "failed")[n % 4 == 1]}
        for n in numbers
    ]
    with records._database.begin() as db:
        db.execute(insert(TASKS), rows)


def ids(records: Records, page: int, **wanted: Any) -> list[str]:
    return [task.id for task in records.list_tasks("acc", page=page, page_size=SIZE, **wanted)[0]]


def whole(records: Records, **wanted: Any) -> list[str]:
    """Return a whole list, as one page tells it."""
    return [task.id for task in records.list_tasks("acc", page=1, page_size=MANY * 2, **wanted)[0]]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"model": "m1"},
        {"status": "failed"},
        {"model": "m0", "status": "completed"},
        {"created_before": 9.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("order", [-1, 5])
def test_the_pages_of_a_list_are_the_list(records: Records, wanted: dict[str, Any], order: int) -> None:
    """In whatever order they are asked for, each holds its part, and those beyond the end hold nothing."""
    expected = whole(records, **wanted)
    assert len(expected) > 7
    for page in sorted(PAGES, key=lambda page: page * order % 17):
        assert ids(records, page, **wanted) == expected[(page - 1) * SIZE : page * SIZE]


def test_lists_do_not_lend_each_other_their_places(records: Records) -> None:
    """What is remembered of one account or filter says nothing about another."""
    fill(records, range(500, 540), account="another")
    for wanted in ({}, {"model": "m1"}, {"status": "failed"}, {"created_before": 12.0}, {}):
        assert ids(records, 4, **wanted) == whole(records, **wanted)[3 * SIZE : 4 * SIZE]
    theirs = records.list_tasks("another", page=1, page_size=MANY)[0]
    assert records.list_tasks("another", page=4, page_size=SIZE)[0] == theirs[3 * SIZE : 4 * SIZE]


def test_what_was_deleted_here_moves_the_pages_at_once(records: Records) -> None:
    """Who deletes tasks and lists on misses none."""
    before = whole(records)
    assert ids(records, 12) == before[44:48]
    records.delete_tasks("acc", before[:5])
    assert ids(records, 12) == before[49:53]


def test_what_others_did_moves_the_far_pages_soon(records: Records, clock: Clock) -> None:
    """For ten seconds a page far down may begin where it began before; a near one never."""
    before = whole(records)
    assert ids(records, 12) == before[44:48]
    fill(records, range(MANY, MANY + 6))
    now = whole(records)
    assert ids(records, 1) == now[:SIZE]
    assert ids(records, 12) == before[44:48]
    clock.now += 10.0
    assert ids(records, 12) == now[44:48]


def test_a_far_page_is_found_from_the_nearest_place(records: Records) -> None:
    """Who reads page after page passes over no more tasks than lie between two places, however far down."""
    offsets: list[int] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "OFFSET" in statement:
            values = parameters.values() if isinstance(parameters, dict) else parameters
            offsets.append([value for value in values if isinstance(value, int)][-1])

    event.listen(records._database, "before_cursor_execute", note)
    for page in PAGES[:13]:
        ids(records, page)
    assert len(offsets) >= 13
    assert max(offsets) == 7


def test_places_are_remembered_for_a_moment() -> None:
    """So that lists that nobody asks for any more take no memory."""
    clock = Clock()
    places = lists.Places(clock)
    for n in range(100):
        places.of(n)[1] = (1.0, "id")
        clock.now += 1.0
    assert len(places._lists) <= 10
