"""What the client asks beside a task: history, price, balance, the older upload, when to come back."""

from __future__ import annotations

import hashlib
import json
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from seedance import errors
from seedance.client import WaveSpeed
from seedance.images import CleanImage
from seedance.models import DEFAULT_MODEL, Price, Request
from tests.providers import KEY, NOW, Fault, Script, data

pytestmark = pytest.mark.anyio

REQUEST = Request("a fox", (Path("a.jpg"),), duration=7, seed=42)
URLS = ["https://u/1.jpg", "https://u/2.jpg"]
INPUTS: dict[str, Any] = {"prompt": "a fox", "seed": 42, "reference_images": URLS}
IMAGE = CleanImage("a.jpg", b"pixels", 400, 300, hashlib.sha256(b"pixels").hexdigest())
MISSING = [
    httpx.Response(404, html="<html>"),
    httpx.Response(405),
    httpx.Response(410, json={"message": "gone"}),
]


def item(id: str, created_at: str = "", **changes: Any) -> dict[str, Any]:
    return {"id": id, "status": "created", "created_at": created_at, "input": INPUTS | changes}


def page(*items: object) -> httpx.Response:
    return data({"page": 1, "items": list(items)})


async def find(*replies: Fault) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the ids that were found, and the bodies of the calls."""
    script = Script(*replies)
    async with script.client() as client:
        found = await client.find(REQUEST, URLS, NOW)
    return [task.id for task in found], [json.loads(request.content) for request in script.requests]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 43},
        {"seed": None},
        {"prompt": "a box"},
        {"prompt": "A fox"},
        {"reference_images": URLS[:1]},
        {"reference_images": URLS[::-1]},
        {"reference_images": []},
    ],
    ids=str,
)
async def test_only_a_task_of_the_same_request_is_found(change: dict[str, Any]) -> None:
    """Seed, prompt and images in their order must agree: a wrong match would be another one's video."""
    assert (await find(page(item("other", **change), item("mine")), page()))[0] == ["mine"]


async def asked() -> dict[str, Any]:
    (body,) = (await find(page()))[1]
    return body


async def test_the_history_is_asked_for_this_model_and_time() -> None:
    """The call names the model and a time before the submit, with room for clocks that disagree."""
    body = await asked()
    assert body["model"] == DEFAULT_MODEL
    assert body["created_after"] == "1970-01-12T13:31:40Z", "a quarter of an hour before the submit"
    assert (body["page"], body["page_size"], body["include_inputs"]) == (1, 100, True)


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "x"},
        {"id": "x", "input": None},
        {"id": "x", "input": "a fox"},
        {"id": "x", "input": {}},
        {"id": "x", "input": {"prompt": "a fox"}},
        {"input": INPUTS},
        None,
        "x",
    ],
    ids=str,
)
async def test_a_task_without_its_inputs_does_not_count(odd: object) -> None:
    """Where the provider does not tell what a task was made of, it is not taken for ours."""
    assert (await find(page(odd, item("mine"))))[0] == ["mine"]


async def test_what_the_history_does_not_tell_must_not_disagree() -> None:
    """Seed and prompt are enough where the images are left out; `inputs` is the same as `input`."""
    bare = {"id": "bare", "inputs": {"prompt": "a fox", "seed": 42}}
    assert (await find(page(bare)))[0] == ["bare"]


async def test_the_history_is_read_page_by_page() -> None:
    """A task may stand on a later page, however few a server gives to one; a page without any is the last."""
    others = [item(f"o{n}", seed=100 + n) for n in range(30)]
    found, bodies = await find(page(*others, item("a")), page(item("b")), page(), page(item("c")))
    assert found == ["a", "b"]
    assert [body["page"] for body in bodies] == [1, 2, 3]


async def test_a_server_without_pages_ends_the_search() -> None:
    """The same page for ever brings nothing new; its tasks count once."""
    same = page(item("a"), item("o", seed=1))
    found, bodies = await find(same, same, same)
    assert (found, len(bodies)) == (["a"], 2)


async def test_the_oldest_come_first() -> None:
    """Whatever the order of the list; a task of which no time is told comes last."""
    late, early = "2025-05-19T06:09:15.948268264Z", "2025-05-19T08:09:15.9+02:00"
    zoneless = "2025-05-19T06:09:15.93"
    items = [item("none"), item("late", late), item("odd", "yesterday"), item("early", early)]
    items.append(item("zoneless", zoneless))
    assert (await find(page(*items)))[0] == ["early", "zoneless", "late", "none", "odd"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (httpx.ConnectError("no"), errors.Unavailable),
        (httpx.Response(502, html="<html>"), errors.Unavailable),
        (httpx.Response(401, json={"message": "no"}), errors.Unauthorized),
    ],
)
async def test_a_history_that_cannot_be_read_is_an_error(reply: Fault, kind: type[Exception]) -> None:
    """It is never mistaken for an empty one, not even when only its second page fails."""
    full = page(*(item(f"o{n}", seed=n) for n in range(100)))
    for replies in ([reply], [full, reply]):
        with pytest.raises(kind):
            await find(*replies)


async def priced(*replies: Fault) -> tuple[Price, Script]:
    script = Script(*replies)
    async with script.client() as client:
        return await client.price(REQUEST, URLS), script


async def test_a_price_is_what_is_really_charged() -> None:
    """The discounted amount counts, for exactly this request."""
    answer = {"model_id": "m", "price": 0.36, "discounted_price": 0.3, "currency": "EUR"}
    price, script = await priced(httpx.Response(503), data(answer))
    assert price == Price(0.3, "EUR")
    assert [request.url.path for request in script.requests] == ["/api/v3/model/price"] * 2
    body = json.loads(script.requests[0].content)
    assert body["model_id"] == DEFAULT_MODEL
    assert (body["inputs"]["duration"], body["inputs"]["reference_images"]) == (7, URLS)


@pytest.mark.parametrize("missing", MISSING)
async def test_a_price_comes_from_the_older_call_where_the_new_one_is_missing(
    missing: httpx.Response,
) -> None:
    """Both calls are documented, and a server may have only one."""
    price, script = await priced(missing, data({"unit_price": 0.25}))
    assert price == Price(0.25, "USD")
    assert [request.url.path for request in script.requests] == [
        "/api/v3/model/price",
        "/api/v3/model/pricing",
    ]


@pytest.mark.parametrize("answer", [None, {}, {"price": "much"}, []])
async def test_a_price_that_cannot_be_read_is_not_guessed(answer: object) -> None:
    """No amount is never shown as free of charge."""
    with pytest.raises(errors.Unavailable, match="price"):
        await priced(data(answer))


async def test_a_balance_is_in_dollars() -> None:
    """It is asked for with the key; what cannot be read is an error, not zero."""
    script = Script(httpx.Response(502), data({"balance": 12.5}))
    async with script.client() as client:
        assert await client.balance() == 12.5
        script.replies = [data({})]
        with pytest.raises(errors.Unavailable, match="balance"):
            await client.balance()
    assert script.requests[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("missing", MISSING)
async def test_an_upload_falls_back_to_the_form(missing: httpx.Response) -> None:
    """A server without the ticket call takes the older form, with the key, repeated like any upload."""
    script = Script(missing, httpx.Response(503), data({"download_url": "https://u/1.jpg"}))
    async with script.client() as client:
        assert await client.upload(IMAGE) == "https://u/1.jpg"
    form = script.requests[-1]
    assert [request.url.path.rpartition("/")[2] for request in script.requests] == [
        "uploads",
        "binary",
        "binary",
    ]
    assert form.headers["Authorization"] == f"Bearer {KEY}"
    assert form.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="' + IMAGE.sha256[:16].encode() in form.content
    assert b"\r\n\r\npixels\r\n" in form.content


async def test_a_form_without_an_address_is_no_upload() -> None:
    """What cannot be named in a submit is not taken for stored."""
    script = Script(MISSING[0], data({}))
    async with script.client() as client:
        with pytest.raises(errors.Unavailable, match="upload"):
            await client.upload(IMAGE)


def date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "30"}, 30.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": date(NOW + 90)}, 90.0),
        ({"Retry-After": date(NOW - 90)}, 0.0),
        ({"Retry-After": date(90), "Date": date(30)}, 60.0),
        ({"Retry-After": date(NOW + 90), "Date": "today"}, 90.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "Retry-After": "30"}, 1.5),
        ({"retry-after-ms": "soon", "Retry-After": "30"}, 30.0),
        ({"Retry-After": "1e99"}, 7 * 86400.0),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "in a minute"}, None),
    ],
    ids=str,
)
async def test_when_to_come_back_is_read_in_every_form(
    headers: dict[str, str], seconds: float | None
) -> None:
    """Seconds, milliseconds, a date by the server's own clock or ours; nonsense is the same as nothing."""
    script = Script(httpx.Response(429, json={"message": "too many"}, headers=headers))
    transport = httpx.MockTransport(script)
    async with WaveSpeed(SecretStr(KEY), transport=transport, wall=lambda: NOW) as client:
        with pytest.raises(errors.RateLimited) as caught:
            await client.submit(REQUEST, URLS)
    assert caught.value.retry_after == seconds
    assert isinstance(caught.value, errors.Refused)
