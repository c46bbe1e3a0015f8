from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import pytest

from seedance.errors import StillRunning
from seedance.models import Event, State, Status
from seedance.watching import Live

pytestmark = pytest.mark.anyio

RUNNING = Event("v1", State.RUNNING, "wavespeed", 7, task_id="t1", status=Status.RUNNING)
DONE = Event("v1", State.DONE, "wavespeed", 7, task_id="t1")


async def states(live: Live, **named: float | None) -> list[State]:
    asked = {"every": None, "patience": None} | named
    async with asyncio.timeout(30), aclosing(live.watch(time.time, **asked)) as events:
        return [event.state async for event in events]


async def test_patience_ends_without_any_news() -> None:
    """It is the watcher's own: no event need come for it to run out."""
    with pytest.raises(StillRunning, match="goes on") as caught:
        await states(Live(0.0, RUNNING), patience=0.02)
    assert caught.value.task_id == "t1"


async def test_the_last_event_is_seen_although_the_making_is_over() -> None:
    """End and farewell come in one breath: the watcher hears both."""
    live = Live(0.0, RUNNING)
    watching = asyncio.create_task(states(live))
    while live._bell is None:
        await asyncio.sleep(0)
    live.publish(DONE)
    live.end()
    assert await watching == [State.RUNNING, State.DONE]


async def test_a_watcher_is_sent_away_when_it_is_made_elsewhere() -> None:
    """Where another process has taken a video over, nothing more is to be heard here."""
    live = Live(0.0, RUNNING)
    live.end()
    assert await states(live) == [State.RUNNING]


async def test_an_unchanged_event_comes_again() -> None:
    """With `every`, time is seen to pass though nothing else changes."""
    async with (
        asyncio.timeout(30),
        aclosing(Live(time.time(), RUNNING).watch(time.time, 0.01, None)) as events,
    ):
        elapsed = [(await anext(events)).elapsed for _ in range(3)]
    assert elapsed == sorted(set(elapsed))
