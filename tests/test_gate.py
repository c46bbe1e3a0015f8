from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from seedance.client import WaveSpeed
from seedance.errors import InsufficientCredit, SeedanceError, Unauthorized
from seedance.gate import Gate
from seedance.journal import Journal
from seedance.models import Event, State
from seedance.settings import Settings
from seedance.studio import Studio
from tests.providers import KEY, SHA, Workshop, data

pytestmark = pytest.mark.anyio

WRONG = "wsk-wrong"


async def never(_: float) -> None:
    await asyncio.Event().wait()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def waiting(gate: Gate, *names: str) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(gate.wait(name, 60)) for name in names]


async def test_a_wait_ends_by_time() -> None:
    """It lasts as long as was said, and no longer."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    await Gate(sleep).wait("anna", 60)
    assert waits == [60]


async def test_one_wait_is_released_and_the_others_go_on() -> None:
    """Who is released goes on at once; the others wait as before; a stranger's release does nothing."""
    gate = Gate(never)
    anna, ben = waiting(gate, "anna", "ben")
    await asyncio.sleep(0)
    gate.release("nobody")
    gate.release("anna")
    gate.release("anna")
    await anna
    assert not ben.done()
    gate.release("ben")
    await ben


@pytest.mark.parametrize(
    "error",
    [
        Unauthorized("The key was refused.", http_status=401),
        InsufficientCredit("Too little.", http_status=400),
    ],
)
async def test_all_who_wait_are_turned_away_with_an_error_of_their_own(
    error: Unauthorized | InsufficientCredit,
) -> None:
    """Each gets the words and the status, in an object that no other one's traceback grows on."""
    gate = Gate(never)
    waits = waiting(gate, "anna", "ben")
    await asyncio.sleep(0)
    gate.turn_away(error)
    gate.turn_away(error)
    told = await asyncio.gather(*waits, return_exceptions=True)
    assert [(type(it), str(it), vars(it)) for it in told] == [(type(error), str(error), vars(error))] * 2
    assert len({id(it) for it in (error, *told)}) == 3


async def test_a_wait_after_a_turning_away_is_a_new_one() -> None:
    """A key that was topped up is not turned away for what happened before."""
    gate = Gate(never)
    gate.turn_away(SeedanceError("no"))
    (anna,) = waiting(gate, "anna")
    await asyncio.sleep(0)
    gate.release("anna")
    await anna


async def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    """When the program ends, the gate holds neither the wait nor its sleep."""
    gate = Gate(never)
    before = asyncio.all_tasks()
    (anna,) = waiting(gate, "anna")
    await asyncio.sleep(0)
    anna.cancel()
    with pytest.raises(asyncio.CancelledError):
        await anna
    await until(lambda: asyncio.all_tasks() == before)
    gate.turn_away(SeedanceError("no"))


class Turnstile:
    """A provider that tells one key to come back in an hour, until it refuses it, and lets the other wait."""

    def __init__(self, refusal: httpx.Response) -> None:
        self.refusal = refusal
        self.refuses = False
        self.submits: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return httpx.Response(200)
        if request.url.path.endswith("uploads"):
            return data({"download_url": "https://u/1.jpg", "upload": {"url": "https://storage/slot"}})
        key = request.headers["Authorization"].removeprefix("Bearer ")
        self.submits.append(key)
        if self.refuses and key == WRONG:
            return self.refusal
        return httpx.Response(429, json={"message": "too many"}, headers={"Retry-After": "3600"})


async def told(studio: Studio, id: str, condition: Callable[[Event], bool]) -> Event:
    """Return the first event of a video of which that is true."""
    async with asyncio.timeout(30), aclosing(studio.watch(id)) as events:
        async for event in events:
            if condition(event):
                return event
    raise AssertionError(event)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (httpx.Response(401, json={"message": "invalid key"}), "key was refused"),
        (httpx.Response(400, json={"message": "Insufficient credits. Please top up."}), "too little credit"),
    ],
    ids=["401", "credit"],
)
async def test_a_refusal_ends_all_waits_of_its_account_and_no_others(
    photo: Path, refusal: httpx.Response, words: str
) -> None:
    """None of them would fare better, so they are told at once and not after an hour, by no further POST."""
    turnstile = Turnstile(refusal)
    transport = httpx.MockTransport(turnstile)
    async with Studio(Settings(api_key=SecretStr(KEY)), transport=transport) as studio:
        other = await studio.start("a fox", [photo])
        mine = [await studio.start("a fox", [photo], key=SecretStr(WRONG)) for _ in range(2)]
        for id in (other, *mine):
            await told(studio, id, lambda event: "Asking again" in event.message)
        turnstile.refuses = True
        mine.append(await studio.start("a fox", [photo], key=SecretStr(WRONG)))
        ends = [await told(studio, id, lambda event: event.state.ended) for id in mine]
        assert [end.state for end in ends] == [State.FAILED] * 3
        assert all(words in end.message and "nothing was charged" in end.message for end in ends)
        assert turnstile.submits.count(WRONG) == 3
        assert (await told(studio, other, lambda _: True)).state is State.NEW
    assert turnstile.submits.count(KEY) == 1


async def test_one_who_is_turned_away_ends_on_record(tmp_path: Path) -> None:
    """The journal keeps the reason, as after a refusal of its own."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / f"{SHA}.jpg").write_bytes(b"pixels")
    workshop = Workshop(tmp_path, Journal(f"sqlite:///{tmp_path / 'journal.sqlite'}"))
    workshop.faults["submit"] = [httpx.Response(429, json={"message": "too many"})]
    gate = Gate(never)
    async with WaveSpeed(SecretStr(KEY), transport=httpx.MockTransport(workshop)) as client:
        folders = tmp_path / "images", tmp_path / "videos"
        making = workshop.making(workshop.add(), client, *folders, lambda *_, **__: None)
        making.gate = gate
        run = asyncio.create_task(making.run())
        await until(lambda: gate._waiting)
        gate.turn_away(Unauthorized("The key was refused.", http_status=401))
        await run
    end = workshop.now_recorded
    workshop.journal.close()
    assert (end.state, end.error) == (State.FAILED, "The key was refused.")
    assert workshop.count("submit") == 1
