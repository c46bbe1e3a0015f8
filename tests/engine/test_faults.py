from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from seedance.engine.api import build
from seedance.engine.contract import Parts
from seedance.engine.faults import FAULTS, HEADER, Faults
from seedance.engine.openapi import document
from tests.engine.calls import IMAGE, client, make_parts, refusal, served

pytestmark = pytest.mark.anyio
BODY = {"prompt": "a cat"}


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    parts = make_parts(tmp_path, faults=True)
    yield parts
    parts.records.close()


async def ask(http: httpx.AsyncClient, fault: str, **body: Any) -> httpx.Response:
    return await http.post(IMAGE, json=BODY | body, headers={HEADER: fault})


@pytest.mark.parametrize(("fault", "tasks"), [("drop-before-accept", 0), ("drop-after-accept", 1)])
async def test_a_dropped_connection_is_dropped(parts: Parts, fault: str, tasks: int) -> None:
    """Not one byte of an answer comes; whether a task exists is as the table says; the server lives on."""
    async with served(build(parts)) as http:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await ask(http, fault)
        assert parts.records.counts()["created"] == tasks
        assert (await http.post(IMAGE, json=BODY)).is_success


@pytest.mark.parametrize("fault", [name for name in FAULTS if name.startswith("status-")])
async def test_a_status_is_answered(parts: Parts, fault: str) -> None:
    """The status that the fault's name says; a task exists only where it says so."""
    async with client(build(parts)) as http:
        answer = await ask(http, fault)
    assert answer.status_code == int(fault.split("-")[1])
    assert ("Retry-After" in answer.headers) == fault.endswith("retry-after")
    assert parts.records.counts()["created"] == fault.endswith("after-accept")


async def test_refusals_have_the_contracts_words(parts: Parts) -> None:
    """Too little credit, an unknown model, the rate limit."""
    async with client(build(parts)) as http:
        assert refusal(await ask(http, "no-credit"), 400).startswith("Insufficient credits. Please top up")
        assert refusal(await ask(http, "model-not-found"), 400) == "model not found"
        assert refusal(await ask(http, "status-429"), 429).endswith("predictions per 1 minute")
    assert parts.records.counts()["created"] == 0


async def test_an_answer_is_changed(parts: Parts) -> None:
    """The task exists; its answer is of the kinds that were seen in the wild."""
    async with client(build(parts)) as http:
        assert (await ask(http, "null-data")).json() == {"code": 200, "message": "success", "data": None}
        assert "id" in (await ask(http, "no-envelope")).json()
        assert "id" not in (await ask(http, "no-id")).json()["data"]
        assert (await ask(http, "unknown-status")).json()["data"]["status"] == "warming-up"
        assert "outputs" not in (await ask(http, "few-fields")).json()["data"]
        page = await ask(http, "html")
        assert (page.status_code, page.headers["Content-Type"][:9]) == (200, "text/html")
        with pytest.raises(ValueError, match=r"line 1 column"):
            (await ask(http, "cut-off")).json()
        assert parts.records.counts()["created"] == 7
        refused = await ask(http, "null-data", prompt="")
        assert 'field "prompt"' in refusal(refused, 400)


async def test_a_slow_answer_comes(parts: Parts) -> None:
    """It is late by the seconds that the table says."""
    without = replace(parts, rules=replace(parts.rules, faults=False))
    async with client(Faults(build(without), allowed=True, slow=0.2)) as http:
        answer = await ask(http, "slow")
    assert answer.is_success
    assert answer.elapsed.total_seconds() >= 0.2


async def test_faults_are_heeded_only_where_allowed(tmp_path: Path, parts: Parts) -> None:
    """Without `--faults` the header means nothing; with it an unknown fault is refused, and named are all."""
    async with client(build(parts)) as http:
        assert "drop-after-accept" in refusal(await ask(http, "no-such"), 400)
        assert (await http.get("/healthz", headers={HEADER: "status-500"})).is_success
    off = make_parts(tmp_path)
    async with client(build(off)) as http:
        assert (await ask(http, "status-500")).is_success
    off.records.close()


async def test_one_table_tells_all(parts: Parts) -> None:
    """The document lists every fault with what it does."""
    assert document()["x-seedance-faults"] == {name: fault.text for name, fault in FAULTS.items()}
    for fault in FAULTS.values():
        assert ("the call is done" in fault.text) == fault.handled
