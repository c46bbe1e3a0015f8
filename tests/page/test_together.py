from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from seedance.models import Event, State
from seedance.page.together import together

pytestmark = pytest.mark.anyio


class Told:
    """A studio whose videos do what the test says."""

    def __init__(self, *ids: str) -> None:
        self.told: dict[str, asyncio.Queue[Event]] = {id: asyncio.Queue() for id in ids}

    def tell(self, id: str, state: State) -> None:
        self.told[id].put_nowait(Event(id, state, "local", 1))

    async def watch(self, id: str) -> AsyncGenerator[Event, None]:
        if id not in self.told:
            raise KeyError(id)
        while True:
            event = await self.told[id].get()
            yield event
            if event.state.ended:
                return


async def listen(studio: Any, *ids: str, every: float = 5.0) -> list[dict[str, State]]:
    """Everything that is told, to a listener who takes his time over each word while all videos end."""
    heard = []
    async for newest in together(studio, ids, every):
        heard.append({id: event.state for id, event in newest.items()})
        for id in studio.told:
            studio.tell(id, State.DONE)
        for _ in range(20):  # all that can happen meanwhile happens
            await asyncio.sleep(0)
    return heard


async def test_the_end_is_told_though_it_came_while_an_earlier_word_was_told() -> None:
    """A browser that is slow to take the word before hears the last one, too."""
    studio = Told("a", "b")
    studio.tell("a", State.DOWNLOADING)
    heard = await listen(studio, "a", "b")
    assert heard[0] == {"a": State.DOWNLOADING}
    assert heard[-1] == {"a": State.DONE, "b": State.DONE}


async def test_a_video_that_is_not_there_holds_nobody_up() -> None:
    """Deleted in another tab, say; the others are told as ever."""
    studio = Told("a")
    studio.tell("a", State.RUNNING)
    assert (await listen(studio, "gone", "a"))[-1] == {"a": State.DONE}
    assert await listen(studio, "gone") == []


async def test_a_word_comes_though_nothing_changes() -> None:
    """After so many seconds: only at a word does the server learn that the page is gone."""
    studio = Told("a")
    studio.tell("a", State.RUNNING)
    words = together(studio, ["a"], 0.01)
    assert [(await anext(words))["a"].state for _ in range(3)] == [State.RUNNING] * 3
    await words.aclose()
