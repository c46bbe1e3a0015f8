from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from seedance.engine.api import build
from seedance.engine.contract import Parts
from seedance.engine.predictions import read_moment
from tests.engine.calls import (
    IMAGE,
    OTHER_KEY,
    SUBMIT,
    client,
    finish,
    make_parts,
    query,
    queue_of,
    refusal,
    served,
    submitted,
)

pytestmark = pytest.mark.anyio
LIST = "/api/v3/predictions"
DELETE = "/api/v3/predictions/delete"


async def listed(http: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    answer = await http.post(LIST, json=wanted)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()["data"]
    return page


@pytest.mark.parametrize("path", ["/api/v3/predictions/{}", "/api/v3/predictions/{}/result"])
async def test_a_task_is_told_on_both_paths(http: httpx.AsyncClient, path: str) -> None:
    """Clients ask with and without `/result`; another key does not learn that the task exists."""
    id = (await submitted(http, IMAGE))["id"]
    assert (await http.get(path.format(id))).json()["data"]["id"] == id
    hidden = await http.get(path.format(id), headers=OTHER_KEY)
    assert refusal(hidden, 404) == "Prediction not found"


async def test_a_completed_task_names_its_result(http: httpx.AsyncClient, parts: Parts) -> None:
    """A video and an image each under its own ending, fetched without a key, with the pictures beside it."""
    for path, ending, kind in ((SUBMIT, ".mp4", "video/mp4"), (IMAGE, ".jpg", "image/jpeg")):
        task = await submitted(http, path)
        finish(parts)
        told = await query(http, task)
        assert (told["status"], told["has_nsfw_contents"]) == ("completed", [False])
        assert told["timings"] == {"inference": 1500}
        (url,) = told["outputs"]
        assert url.endswith(ending)
        result = await http.get(url, headers={"Authorization": ""})
        assert (result.content, result.headers["Content-Type"]) == (b"a result", kind)
        small = await http.get(told["thumbnail"], headers={"Authorization": ""})
        assert (small.content, small.headers["Content-Type"]) == (b"small", "image/webp")
        assert ("last_frame" in told) == (path == SUBMIT)
        if path == SUBMIT:
            last = await http.get(told["last_frame"], headers={"Authorization": ""})
            assert (last.content, last.headers["Content-Type"]) == (b"last", "image/png")
        assert refusal(await http.get(url.replace(ending, ".progress")), 404)


async def test_a_failed_task_is_a_good_answer(http: httpx.AsyncClient, parts: Parts) -> None:
    """HTTP 200 and code 200, as at the provider; the failure is in the data, with the task's code."""
    task = await submitted(http)
    claimed = parts.records.claim_task()
    assert claimed is not None
    assert (await query(http, task))["progress"] == 0.0
    parts.records.finish(claimed, status="failed", error="no luck", code=1403)
    told = await query(http, task)
    assert (told["status"], told["error"], told["code"], told["outputs"]) == ("failed", "no luck", 1403, [])


async def test_an_output_comes_as_a_data_uri_where_that_was_asked(
    http: httpx.AsyncClient, parts: Parts
) -> None:
    """`enable_base64_output` holds for queries; the list stays small and names addresses."""
    task = await submitted(http, enable_base64_output=True)
    finish(parts, b"the whole video")
    (output,) = (await query(http, task))["outputs"]
    head, _, data = output.partition(",")
    assert (head, base64.b64decode(data)) == ("data:video/mp4;base64", b"the whole video")
    assert (await listed(http))["items"][0]["outputs"][0].startswith("http://")


async def test_sync_mode_answers_at_the_end(http: httpx.AsyncClient, parts: Parts) -> None:
    """The submit's own answer holds the output, or tells of the failure."""
    queue_of(parts).end = lambda _: finish(parts) and None
    told = await submitted(http, enable_sync_mode=True)
    assert (told["status"], len(told["outputs"])) == ("completed", 1)
    assert queue_of(parts).waits == [90.0]
    told = await submitted(http, enable_sync_mode=True, prompt="seedance:moderate")
    assert (told["status"], told["code"]) == ("failed", 1200)


async def test_sync_mode_answers_when_its_wait_is_over(http: httpx.AsyncClient, parts: Parts) -> None:
    """HTTP 200 with status processing and code 5004; the task goes on and can be queried."""
    told = await submitted(http, enable_sync_mode=True)
    assert (told["status"], told["code"], told["outputs"]) == ("processing", 5004, [])
    assert told["error"].startswith("Sync mode timed out")
    finish(parts)
    assert (await query(http, told))["status"] == "completed"


async def test_a_task_deleted_while_it_is_awaited_ends_the_wait(
    http: httpx.AsyncClient, parts: Parts
) -> None:
    """The caller in sync mode is answered all the same."""
    queue_of(parts).end = lambda id: parts.media.remove(
        *(task for task in parts.records.recent_tasks(1) if parts.records.delete_tasks(task.account, [id]))
    )
    assert (await submitted(http, enable_sync_mode=True))["code"] == 5004


async def test_the_list_has_pages(http: httpx.AsyncClient) -> None:
    """Newest first; the number of all is told; a page after the last is empty; another key's is its own."""
    ids = [(await submitted(http, IMAGE, prompt=f"{n}"))["id"] for n in range(5)]
    first, second = await listed(http, page=1, page_size=3), await listed(http, page=2, page_size=3)
    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert (first["page"], second["page"], first["total"]) == (1, 2, 5)
    assert (await listed(http, page=9))["items"] == []
    assert (await http.post(LIST, json={}, headers=OTHER_KEY)).json()["data"]["total"] == 0
    assert (await http.post(LIST)).json()["data"]["total"] == 5


async def test_the_list_has_filters(http: httpx.AsyncClient, parts: Parts) -> None:
    """By model, status and time; all that are given must hold."""
    video, image = await submitted(http), await submitted(http, IMAGE)
    finish(parts)

    async def found(**wanted: Any) -> list[str]:
        return [item["id"] for item in (await listed(http, **wanted))["items"]]

    assert await found(model=SUBMIT.removeprefix("/api/v3/")) == [video["id"]]
    assert await found(status="completed") == [video["id"]]
    assert await found(status="created") == [image["id"]]
    assert await found(status="unheard-of") == []
    assert await found(created_after=image["created_at"]) == [image["id"]]
    assert await found(created_before=video["created_at"]) == [video["id"]]
    assert await found(created_after="2001-01-01T00:00:00Z", status="created") == [image["id"]]
    assert await found(model=None, status=None) == [image["id"], video["id"]]


async def test_the_list_tells_inputs_on_request(http: httpx.AsyncClient) -> None:
    """Only then; so a client finds the task whose submit was not answered."""
    await submitted(http, seed=11, prompt="a fox in the snow")
    (item,) = (await listed(http, include_inputs=True))["items"]
    assert (item["input"]["seed"], item["input"]["prompt"]) == (11, "a fox in the snow")
    await submitted(http, seed=-1)
    (item, _) = (await listed(http, include_inputs=True))["items"]
    assert item["input"]["seed"] == -1  # which one was drawn no answer tells, as with the provider
    assert "input" not in (await listed(http))["items"][0]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"page": 0}, "page"),
        ({"page": "1"}, "page"),
        ({"page_size": 101}, "page_size"),
        ({"page_size": 0}, "page_size"),
        ({"status": 5}, "status"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_before": "2025-13-01T00:00:00Z"}, "created_before"),
        ({"include_inputs": "yes"}, "include_inputs"),
    ],
)
async def test_a_list_that_cannot_be_is_refused(
    http: httpx.AsyncClient, wanted: dict[str, Any], field: str
) -> None:
    """The refusal names the field."""
    assert refusal(await http.post(LIST, json=wanted), 400).startswith(f'field "{field}"')


async def test_deleted_is_gone_with_its_files(http: httpx.AsyncClient, parts: Parts) -> None:
    """Unknown ids and those of other keys are passed over; the result can be fetched no more."""
    done, waiting = await submitted(http), await submitted(http)
    record = finish(parts)
    (url,) = (await query(http, done))["outputs"]
    ids = [done["id"], waiting["id"], "unknown", done["id"]]
    other = await http.post(DELETE, json={"ids": ids}, headers=OTHER_KEY)
    assert other.json()["data"] == {"deleted_count": 0}
    assert (await http.post(DELETE, json={"ids": ids})).json()["data"] == {"deleted_count": 2}
    assert refusal(await http.get(done["urls"]["get"]), 404) == "Prediction not found"
    assert refusal(await http.get(url), 404)
    assert not parts.media.result(record).exists()
    assert not parts.media.thumbnail(record.output).exists()
    assert not parts.media.last_frame(record.output).exists()
    assert (await listed(http))["total"] == 0


@pytest.mark.parametrize("body", [{}, {"ids": "x"}, {"ids": [1]}, {"ids": ["x"] * 1001}])
async def test_a_deletion_that_cannot_be_is_refused(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """A list of ids, at most a thousand."""
    assert refusal(await http.post(DELETE, json=body), 400).startswith('field "ids"')


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01t01:00:00.5+01:00", 0.5),
        ("1969-12-31 23:00:00-01:00", 0.0),
        ("2025-05-19T06:09:15.948268264Z", 1747634955.948268264),
        ("1990-12-31T23:59:60Z", 662687999.0),
        ("0000-01-01T00:00:00Z", -62135596800.0),
        ("9999-12-31T23:59:59-23:59", 253402300799.0 + 86340),
    ],
)
def test_every_time_of_the_rfc_is_read(text: str, seconds: float) -> None:
    """Nine digits of fraction, offsets, small letters, leap seconds, the first year and the last."""
    assert read_moment(text) == pytest.approx(seconds)


async def test_the_latency_of_a_server_is_that_of_each_answer(tmp_path: Path) -> None:
    """Every answer of the API comes late; the rest of the server is quick."""
    parts = make_parts(tmp_path, latency=1.0)
    async with client(build(parts)) as http:
        assert (await http.get("/api/v3/balance")).elapsed.total_seconds() >= 1
        assert (await http.get("/healthz")).elapsed.total_seconds() < 1
    parts.records.close()


async def test_nobody_waits_for_a_caller_who_has_hung_up(
    http: httpx.AsyncClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait of sync mode ends with its connection; the task goes on."""
    ended = asyncio.Event()

    async def never(*_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(parts.queue, "ended", never)
    async with served(build(parts)) as caller:
        with pytest.raises(httpx.ReadTimeout):
            await caller.post(IMAGE, json={"prompt": "x", "enable_sync_mode": True}, timeout=0.2)
        async with asyncio.timeout(20):
            await ended.wait()
    assert parts.records.counts()["created"] == 1
