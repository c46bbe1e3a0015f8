"""A week's database, a million videos and tasks of the engine, and how long each query on it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, text

from seedance.engine.records import KEPT, Records
from seedance.journal import Journal
from seedance.models import State

OWNERS = 5000
"""Visitors; each has as many videos as another, and one has 5,000 more."""
GOAL = 0.020  # seconds
_WEEK = 7 * 86400.0
_OPEN = 2500  # videos in the making

_SERIES = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :many) ",
    "postgresql": "WITH s(n) AS (SELECT generate_series(1, :many)) ",
}
VIDEO, PICTURE = "bytedance/seedance-v1-lite/reference-to-video", "bytedance/seedream-v4/edit-sequential"
"""The models of the engine's tasks; of the latter none has failed, of the former every second one."""
_WORDS = "a fox looks up while the wind goes through the grass, slow push in, golden hour, number "


@dataclass(frozen=True, slots=True)
class Figure:
    """How long one query takes, in seconds."""

    query: str
    median: float
    late: float
    """The 99th percentile."""


def fill(url: str, many: int) -> None:
    """Put so many ended videos and tasks on record, evenly over a week, and some that are in the making."""
    Journal(url).close()
    Records(url).close()
    database = create_engine(url)
    now, sqlite = time.time(), database.dialect.name == "sqlite"
    series = _SERIES[database.dialect.name]
    hex32 = "printf('%032x', n)" if sqlite else "lpad(to_hex(n), 32, '0')"
    hex64 = "printf('%064x', n % 200000)" if sqlite else "lpad(to_hex(n % 200000), 64, '0')"
    json = f"""'[{{"name": "fox.jpg", "sha256": "' || {hex64} || '", "width": 1024, "height": 768}}]'"""
    cast = "" if sqlite else "::json"
    step, owner = (
        f"{now} - n * {_WEEK / many}",
        f"CASE WHEN n % 200 = 0 THEN 'many' ELSE 'owner-' || n % {OWNERS} END",
    )
    ended = f"CASE WHEN n > {_OPEN} THEN {step} + 60 END"
    videos = f"""INSERT INTO videos (id, owner, engine, account, prompt, images, duration, camera_fixed, seed,
        state, created_at, submitted_at, finished_at, task_id, batch, visitor, holder, lease, fence,
        stop_asked)
        {series} SELECT {hex32}, {owner}, 'wavespeed', 'acc', '{_WORDS}' || n, ({json}){cast}, 5, false, n,
        CASE WHEN n > {_OPEN} THEN 'done' ELSE 'running' END, {step}, {step}, {ended}, 't' || n, {hex32},
        'address:' || n % {OWNERS}, CASE WHEN n <= {_OPEN} THEN 'somebody' END, {now} + 1e6, 1,
        false FROM s"""
    pictures = f"INSERT INTO pictures (sha256, video) {series} SELECT {hex64}, {hex32} FROM s"
    tasks = f"""INSERT INTO engine_tasks (id, account, model, input, images, output, kind, status, error,
        created_at, finished_at, attempts, webhook, delivered, lease)
        {series} SELECT {hex32}, CASE WHEN n % 2 = 0 THEN 'acc' ELSE 'account-' || n % 100 END,
        CASE WHEN n % 3 = 0 THEN '{PICTURE}' ELSE '{VIDEO}' END,
        ('{{"prompt": "{_WORDS}"}}'){cast}, ('["token"]'){cast}, 'o' || n, 'video',
        CASE WHEN n <= {_OPEN} THEN 'created' WHEN n % 3 = 1 THEN 'failed' ELSE 'completed' END, '',
        {step}, {ended}, 1, '', true, 0 FROM s"""
    with database.begin() as db:
        for statement in (videos, pictures, tasks):
            db.execute(text(statement.replace(":", "\\:").replace("\\:many", ":many")), {"many": many})
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("ANALYZE" if sqlite else "VACUUM ANALYZE"))
    database.dispose()


def queries(journal: Journal, records: Records, many: int) -> Iterator[tuple[str, Callable[[int], Any]]]:
    """Yield all that page and engine ask of their database, each to be called with a number."""
    day = time.time() - 86400

    def id_of(n: int) -> str:
        return f"{(n * 7919) % (many - 5000) + 5000:032x}"

    def image(n: int) -> dict[str, Any]:
        return {"name": "a.jpg", "sha256": f"{n:064x}", "width": 400, "height": 300}

    def request(n: int) -> dict[str, Any]:
        return {"owner": f"owner-{n}", "engine": "wavespeed", "account": "acc", "prompt": "a fox"} | {
            "images": [image(n)],
            "duration": 5,
            "camera_fixed": False,
            "seed": n,
        }

    def made(n: int) -> Any:
        record = journal.add(**request(n))
        journal.write(record, state=State.DONE, finished_at=time.time(), holder=None)
        return record

    yield "page: a video", lambda n: journal.get(id_of(n))
    yield "page: a visitor's newest 60", lambda n: journal.recent(owner=f"owner-{n}", limit=60)
    yield "page: newest 60 of who has 5,000", lambda n: journal.recent(owner="many", limit=60)
    yield (
        "page: search in a visitor's",
        lambda n: journal.recent(owner=f"owner-{n}", text="number 99", limit=60),
    )
    yield (
        "page: search of who has 5,000, in vain",
        lambda n: journal.recent(owner="many", text=f"zebra {n}", limit=60),
    )
    yield "page: the newest of all", lambda n: journal.recent()
    yield "page: the takes of a request", lambda n: journal.batch(id_of(n), "many")
    yield "page: limit of a visitor (3)", lambda n: journal.count("acc", 3, visitor=f"address:{n}", since=day)
    yield "page: limit of all (1,000)", lambda n: journal.count("acc", 1000, since=day)
    yield "page: in the making", lambda n: journal.in_the_making("acc", f"address:{n}")
    yield "page: add, end", made
    yield "page: delete", lambda n: journal.delete(id_of(n), f"owner-{int(id_of(n), 16) % OWNERS}")
    yield "page: stop elsewhere", lambda n: journal.ask_to_stop(f"{n % _OPEN + 1:032x}")
    yield "page: take over (2,500 open)", lambda n: journal.claim(["acc"])
    yield "page: who holds (2,500 open)", lambda n: journal.holders()
    yield "page: renew, stops asked", lambda n: (journal.renew(), journal.stops_asked())
    yield "page: addresses forgotten", lambda n: journal.forget_old_uploads()
    yield "engine: a task", lambda n: records.get_task(id_of(n), "acc")
    yield "engine: submit", lambda n: records.add_task("acc", "m", {}, [], limit=5000)
    yield "engine: claim", lambda n: records.claim_task()
    yield "engine: who holds", lambda n: records.holders()
    yield "engine: webhooks to tell", lambda n: records.claim_undelivered(16, 1.0)
    yield (
        "engine: list, last 15 minutes",
        lambda n: records.list_tasks("acc", page=1, page_size=100, created_after=time.time() - 900),
    )

    def page(number: int, **wanted: Any) -> Any:
        return records.list_tasks("acc", page=number, page_size=100, **wanted)

    def page_anew(number: int) -> Any:
        records._places.forget()
        return page(number)

    pages = max(1, many // 200 - 30)
    yield "engine: list, first page of 500,000", lambda n: page(1)
    yield "engine: list, page 100", lambda n: page(100)
    yield "engine: list, page after page at the end", lambda n: page(max(1, pages - 500) + n)
    yield "engine: list, jump to any page", lambda n: page(n * 7919 % pages + 1)
    yield "engine: list, first jump to the end", lambda n: page_anew(pages)
    yield "engine: list by status, in vain", lambda n: page(1, status="cancelled")
    yield (
        "engine: list by status, jump to any page",
        lambda n: page(n * 7919 % (pages // 3 + 1) + 1, status="failed"),
    )
    yield "engine: list by model", lambda n: page(1, model=PICTURE)
    yield "engine: list by model, in vain", lambda n: page(1, model="nobody/nothing")
    yield "engine: list by model and status, in vain", lambda n: page(1, model=PICTURE, status="failed")
    yield "engine: list, older than 6 days", lambda n: page(1, created_before=day - 5 * 86400)
    yield "engine: numbers of its page", lambda n: records.counts()
    yield "engine: newest 24", lambda n: records.recent_tasks(24)
    yield (
        "engine: outputs known (500)",
        lambda n: records.known_outputs([f"o{n * 500 + i}" for i in range(500)]),
    )
    yield "engine: clean-up, nothing old", lambda n: records.expire(time.time() - KEPT - 86400, 500)
    yield "engine: clean-up, 100 at a time", lambda n: records.expire(time.time() - KEPT + 3 * 86400, 100)


def measure(url: str, many: int, times: int) -> Iterator[Figure]:
    """Ask each query so many times and tell how long it took."""
    journal, records = Journal(url), Records(url)
    try:
        for name, ask in queries(journal, records, many):
            took = []
            for n in range(times + 3):
                start = time.perf_counter()
                ask(n)
                took.append(time.perf_counter() - start)
            took = sorted(took[3:])  # the first fill the caches
            yield Figure(name, took[len(took) // 2], took[min(len(took) - 1, int(0.99 * len(took)))])
    finally:
        records.close()
        journal.close()
