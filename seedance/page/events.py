"""What happens on the page. The studio does the work; these start it, watch it and show it."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

import gradio as gr
from pydantic import SecretStr

from seedance.errors import SeedanceError, Unavailable
from seedance.models import MAX_SEED, Event, State
from seedance.page import history, recipe, references, status
from seedance.page.examples import EXAMPLES
from seedance.page.language import Meaning, explain, language, say
from seedance.page.references import Gallery
from seedance.page.together import together
from seedance.page.visitor import is_host, owner, visitor
from seedance.record import Record
from seedance.studio import Studio

TAKES: Final = 4
_TICK: Final = 15.0  # seconds between words while nothing changes: else a page that is gone is not missed
_REST: Final = 60.0  # the same for what is costly to tell
_FRESH: Final = 86400.0  # seconds for which a reload shows the last video again
_SHOWN: Final = 60  # videos in the list

Updates = tuple[Any, ...]


class Events:
    """The handlers of one page over one studio. Each works for the browser whose token it is given."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    # Coming and going -----------------------------------------------------------------------------------

    async def arrive(self, token: str, request: gr.Request) -> Updates:
        """Know the browser again: its videos, and whether its last request is shown again, which goes on."""
        said = language(request)
        records = await self._recent(token)
        watched: list[str] = []
        form: Updates = (gr.skip(),) * 5
        if records and time.time() - records[0].created_at < _FRESH:
            takes = await self._takes(records[0], token)
            watched = [take.id for take in takes]
            form = await self._form(said, takes[0])
        return token, watched, bool(watched), self._cards(said, records), *form

    async def watch(self, ids: list[str], request: gr.Request) -> AsyncIterator[Any]:
        """Tell how videos stand, at each change, until nothing more happens.

        One part of the page and a plain value: Gradio 6.31 builds each part anew that is updated otherwise,
        skipped ones as well, which costs a thousand watchers more than all the rest.
        """
        said = language(request)
        if not ids:
            yield gr.skip()
            return
        told = None
        async for newest in together(self._studio, ids, _TICK):
            told = status.status(said, _in_order(ids, newest))
            yield told
        if told is None:
            yield status.idle(said)

    async def show(self, ids: list[str], request: gr.Request) -> AsyncIterator[Updates]:
        """Show takes as they come (one large, or up to four side by side), and the buttons that fit."""
        if not ids:
            yield (gr.skip(),) * (3 * TAKES + 3)
            return
        said, before, since = language(request), None, time.monotonic()
        async for newest in together(self._studio, ids, _REST):
            events = _in_order(ids, newest)
            now = [(event.video, event.state.ended) for event in events]
            if now != before or time.monotonic() - since >= _REST:
                yield _takes_shown(said, events)
                since = time.monotonic()
            before = now
        if before is None:
            yield _takes_shown(said, [])

    # Making ---------------------------------------------------------------------------------------------

    async def start(
        self,
        gallery: Gallery,
        prompt: str,
        duration: int,
        seed: int,
        camera_fixed: bool,
        takes: int,
        engine: str,
        key: str,
        token: str,
        request: gr.Request,
    ) -> Updates:
        """Start the takes of a request; what goes wrong before anything is sent is said at once."""
        said, batch = language(request), secrets.token_hex(16)
        ids: list[str] = []
        trouble: Meaning | None = None
        for take in range(max(1, min(int(takes), TAKES))):
            try:
                ids.append(
                    await self._studio.start(
                        prompt,
                        [references.uploaded(path) for path in references.paths(gallery)],
                        duration=duration,
                        camera_fixed=camera_fixed,
                        seed=seed if take == 0 else _another(),
                        engine=engine or "auto",
                        key=_own(key),
                        owner=owner(token),
                        batch=batch,
                        visitor=visitor(request),
                    )
                )
            except SeedanceError as error:
                trouble = explain(said, error)
                break
        if not trouble:
            return "", ids, gr.update(interactive=False)
        if not ids:
            return status.refusal(said, trouble), gr.skip(), gr.update(interactive=True)
        some = say(said, "some_started", started=len(ids), wanted=int(takes))
        return status.refusal(said, replace(trouble, what=some)), ids, gr.update(interactive=False)

    async def stop(self, ids: list[str], request: gr.Request) -> None:
        """Stop waiting. The studio says what that means, and keeps the video if it comes."""
        for id in ids:
            try:
                await self._studio.stop(id)
            except KeyError:  # it has ended meanwhile
                continue
            except SeedanceError as error:
                gr.Warning(explain(language(request), error).what)

    async def choose(
        self, event: gr.EventData, ids: list[str], key: str, token: str, request: gr.Request
    ) -> Updates:
        """Look again for a video whose outcome is unknown, or send its request a second time."""
        said = language(request)
        record = await self._mine(str(event.video), token)
        if record is None or record.state is not State.UNKNOWN:
            return "", gr.skip(), gr.skip()
        if event.act == "look":
            if not await self._studio.resume([record.id], key=_own(key)):
                await self._studio.resume([record.id])
            return "", ids, gr.skip()
        try:
            again = await self._studio.start(
                record.prompt,
                [self._studio.settings.images / f"{image['sha256']}.jpg" for image in record.images],
                names=[image["name"] for image in record.images],
                duration=record.duration,
                camera_fixed=record.camera_fixed,
                seed=record.seed,
                engine=record.engine,
                key=_own(key),
                owner=record.owner,
                batch=secrets.token_hex(16),
                visitor=visitor(request),
            )
        except SeedanceError as error:
            return status.refusal(said, explain(said, error)), gr.skip(), gr.skip()
        return "", [again if id == record.id else id for id in ids], gr.update(interactive=False)

    async def quote(self, duration: int, takes: int, engine: str, key: str, request: gr.Request) -> Updates:
        """Put on the button what a click costs; offer the choice of the engine where there is one."""
        said, own = language(request), _own(key)
        choice = gr.update(visible=own is not None or self._studio.settings.api_key is not None)
        if self._studio.settings.choose_engine(engine or "auto", own_key=own is not None) == "local":
            return gr.update(value=say(said, "generate_preview")), choice
        price = await self._studio.price(duration, engine or "auto", own)
        if price is None or not price.amount:
            return gr.update(value=say(said, "generate")), choice
        amount = _money(price.amount * int(takes), price.currency)
        return gr.update(value=say(said, "generate_price", amount=amount)), choice

    async def balance(self, engine: str, key: str, request: gr.Request) -> dict[str, Any]:
        """Tell what is left in the account that pays: to its owner, not to the host's visitors."""
        own = _own(key)
        left = None
        if own is not None or is_host(request):
            left = await self._studio.balance(engine or "auto", own)
        if left is None:
            return gr.update(value="", visible=False)
        words = say(language(request), "balance", amount=_money(left, "USD"))
        return gr.update(value=f'<p class="sd-balance">{words}</p>', visible=True)

    # The form -------------------------------------------------------------------------------------------

    async def check(self, gallery: Gallery, request: gr.Request) -> Updates:
        """Look at images the moment they are added: bad ones are named, the good ones stay."""
        value, words = await references.check(language(request), gallery)
        return value, gr.update(value="\n\n".join(words), visible=bool(words)), None

    def pick(self, event: gr.SelectData) -> int:
        """Remember which image was clicked, to move it."""
        return int(event.index)

    def earlier(self, gallery: Gallery, place: int | None, request: gr.Request) -> Updates:
        """Move the image that was clicked one place forward."""
        return _moved(gallery, place, -1, request)

    def later(self, gallery: Gallery, place: int | None, request: gr.Request) -> Updates:
        """Move the image that was clicked one place back."""
        return _moved(gallery, place, +1, request)

    def load_example(self, event: gr.EventData, request: gr.Request) -> Updates:
        """Fill the form from the card that was clicked."""
        example, said = EXAMPLES[event.example], language(request)
        images = references.numbered(said, [str(path) for path in example.paths])
        return images, example.prompts[said], example.duration, example.seed, False

    async def use_last_frame(self, gallery: Gallery, ids: list[str], token: str, request: gr.Request) -> Any:
        """Add the last frame of the video shown to the reference images."""
        record = await self._mine(ids[0], token) if ids else None
        if record is None or record.video is None:
            return gr.skip()
        video = await self._studio.video(record)
        frame = await asyncio.to_thread(references.last_frame, video) if video else None
        files = references.paths(gallery)
        return references.numbered(language(request), [*files[:3], frame] if frame else files)

    async def last_seed(self, token: str) -> Any:
        """Return the seed of this browser's newest video."""
        records = await self._recent(token)
        return records[0].seed if records else gr.skip()

    # What was made --------------------------------------------------------------------------------------

    async def find(self, text: str, token: str, request: gr.Request) -> str:
        """List this browser's videos whose prompt holds a text."""
        return self._cards(language(request), await self._recent(token, text), searched=bool(text))

    async def touch(self, event: gr.EventData, text: str, token: str, request: gr.Request) -> Updates:
        """Show or delete the video whose button was clicked."""
        said = language(request)
        record = await self._mine(str(event.video), token)
        nothing = (gr.skip(),) * 5
        if record is None:
            gr.Info(say(said, "gone"))
            return (*nothing, gr.skip(), self._cards(said, await self._recent(token, text)))
        if event.act == "delete":
            await self._studio.delete(record.id, owner(token))
            return (
                *nothing,
                gr.skip(),
                self._cards(said, await self._recent(token, text), searched=bool(text)),
            )
        form = await self._form(said, record)
        return (*form, [take.id for take in await self._takes(record, token)], gr.skip())

    async def tell_recipe(self, ids: list[str], token: str, request: gr.Request) -> Updates:
        """Show the request of the videos shown as code."""
        record = await self._mine(ids[0], token) if ids else None
        if record is None:
            return (gr.update(visible=False),) * 4
        page = str(request.request.base_url) if request.request else ""
        codes = recipe.python(record), recipe.curl(record, page), recipe.shell(record)
        return gr.update(visible=True), *(gr.update(value=code, visible=True) for code in codes)

    async def _form(self, said: str, record: Record) -> Updates:
        await self._studio.fetch(record)
        folder = self._studio.settings.images
        files = [references.kept(folder, image["sha256"], image["name"]) for image in record.images]
        images = references.numbered(said, [file for file in files if file])
        return images, record.prompt, record.duration, record.seed, record.camera_fixed

    async def _mine(self, id: str, token: str) -> Record | None:
        """Return a video of this browser; another's is as if it were not there."""
        try:
            record = await self._studio.get(id)
        except Unavailable:
            return None
        return record if record is not None and record.owner == owner(token) else None

    async def _takes(self, record: Record, token: str) -> list[Record]:
        if record.batch is None:
            return [record]
        return (await self._studio.batch(record.batch, owner(token)))[:TAKES]

    async def _recent(self, token: str, text: str = "") -> list[Record]:
        try:
            records = await self._studio.recent(owner=owner(token), text=text.strip(), limit=_SHOWN)
        except Unavailable:
            return []
        await self._studio.fetch(*records, most=1)
        return records

    def _cards(self, said: str, records: Sequence[Record], *, searched: bool = False) -> str:
        return history.cards(said, records, self._studio.settings.images, searched=searched)


def _in_order(ids: Sequence[str], newest: dict[str, Event]) -> list[Event]:
    return [newest[id] for id in ids if id in newest]


def _takes_shown(said: str, events: Sequence[Event]) -> Updates:
    columns, players, captions = [], [], []
    for n in range(TAKES):
        event = events[n] if n < len(events) else None
        video = str(event.video) if event and event.video else None
        columns.append(gr.update(visible=n == 0 or event is not None))
        players.append(video)
        take = n + 1 if len(events) > 1 else 0
        captions.append(status.caption(said, event, take) if event and video else "")
    return (*columns, *players, *captions, *_buttons(events))


def _buttons(events: Sequence[Event]) -> Updates:
    """Return which buttons fit: generate, stop, and what can be done with a finished video."""
    waiting = any(not event.state.ended for event in events)
    done = bool(events) and events[0].video is not None
    return (
        gr.update(interactive=not waiting),
        gr.update(visible=waiting),
        gr.update(visible=done and not waiting),
    )


def _moved(gallery: Gallery, place: int | None, by: int, request: gr.Request) -> Updates:
    files, place = references.moved(references.paths(gallery), place, by)
    return gr.update(value=references.numbered(language(request), files), selected_index=place), place


def _own(key: str | None) -> SecretStr | None:
    return SecretStr(key.strip()) if key and key.strip() else None


def _money(amount: float, currency: str) -> str:
    return f"${amount:.2f}" if currency == "USD" else f"{amount:.2f} {currency}"


def _another() -> int:
    return random.SystemRandom().randint(0, MAX_SEED)
