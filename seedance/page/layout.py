"""The page: references and settings left, videos and status right, one column on a phone."""

from __future__ import annotations

import functools
from typing import Any

import gradio as gr

from seedance.models import (
    DEFAULT_DURATION,
    MAX_DURATION,
    MAX_PROMPT,
    MAX_SEED,
    MIN_DURATION,
    RANDOM_SEED,
)
from seedance.page import account, examples, history, status
from seedance.page.endpoint import Endpoint
from seedance.page.events import TAKES, Events
from seedance.page.language import translation
from seedance.page.masthead import TOOLS, masthead, tools
from seedance.page.visitor import TOKEN
from seedance.studio import Studio

_IMAGE_TYPES = ["image", ".heic", ".heif", ".avif"]
_CACHE_LIFE = (6 * 3600, 24 * 3600)  # look every 6 h, delete copies older than a day
_STORAGE = "seedance-visitor"  # in the browser; with a fixed secret, so that a restart knows it again


def build(studio: Studio) -> tuple[gr.Blocks, gr.I18n]:
    """Return the page over a studio, which whoever launches the page opens; and its translation."""
    preview = studio.settings.choose_engine() == "local"
    i18n = translation(
        masthead=functools.partial(masthead, preview=preview),
        tools=tools,
        idle_status=status.idle,
        example_cards=examples.cards,
        no_history=history.unknown,
    )
    page = gr.Blocks(title="Seedance reference-to-video", analytics_enabled=False, delete_cache=_CACHE_LIFE)
    sign_in = account.button(i18n)
    with page:
        _Page(studio, i18n, sign_in).wire(page)
        _add_endpoint(Endpoint(studio))
    return page, i18n


class _Page:
    """The parts of the page, and what happens when they are touched."""

    def __init__(self, studio: Studio, i18n: gr.I18n, sign_in: gr.LoginButton | None) -> None:
        self.i18n = i18n
        self.sign_in = sign_in
        self.events = Events(studio)
        self.has_key = studio.settings.api_key is not None
        self.preview = studio.settings.choose_engine() == "local"
        self.token = gr.BrowserState("", storage_key=_STORAGE, secret=_STORAGE)
        self.watched = gr.State([])
        self.back = gr.State(False)
        self.place = gr.State(None)
        if sign_in is not None:
            sign_in.render()  # type: ignore[no-untyped-call]
        gr.HTML(i18n("masthead"), elem_classes="sd-flush")
        with gr.Row():
            with gr.Column(scale=5, min_width=320):
                self._form()
            with gr.Column(scale=6, min_width=320):
                self._result()
        self._shelf()

    def _form(self) -> None:
        i18n = self.i18n
        self.gallery = gr.Gallery(
            label=i18n("references"),
            file_types=_IMAGE_TYPES,
            columns=4,
            height=184,
            object_fit="cover",
            fit_columns=False,
            allow_preview=False,
            interactive=True,
            buttons=[],
            elem_id="references",
        )
        with gr.Row(elem_id="order"):
            self.earlier = gr.Button(i18n("earlier"), size="sm", min_width=80)
            self.later = gr.Button(i18n("later"), size="sm", min_width=80)
        self.left_out = gr.Markdown(visible=False, elem_id="left-out")
        self.prompt = gr.Textbox(
            label=i18n("prompt"),
            placeholder=i18n("prompt_hint"),
            lines=3,
            max_lines=8,
            max_length=MAX_PROMPT,
            elem_id="prompt",
        )
        gr.HTML(i18n("tools"), js_on_load=TOOLS, elem_classes="sd-flush", elem_id="tools")
        with gr.Group():
            with gr.Row():
                self.duration = gr.Slider(
                    MIN_DURATION,
                    MAX_DURATION,
                    DEFAULT_DURATION,
                    step=1,
                    label=i18n("duration"),
                    info=i18n("seconds"),
                    min_width=160,
                )
                self.takes = gr.Slider(
                    1, TAKES, 1, step=1, label=i18n("takes"), info=i18n("takes_info"), min_width=160
                )
            self.seed = gr.Slider(
                RANDOM_SEED, MAX_SEED, RANDOM_SEED, step=1, label=i18n("seed"), info=i18n("seed_info")
            )
            with gr.Row(elem_id="seeds"):
                self.random_seed = gr.Button(i18n("random_seed"), size="sm", min_width=80)
                self.last_seed = gr.Button(i18n("last_seed"), size="sm", min_width=80)
            self.camera_fixed = gr.Checkbox(label=i18n("camera_fixed"), value=False)
        self.engine = gr.Radio(
            [(i18n("engine_model"), "auto"), (i18n("engine_preview"), "local")],
            value="auto",
            label=i18n("engine"),
            visible=self.has_key,
            elem_id="engine",
        )
        with gr.Accordion(i18n("more"), open=False):
            self.key = gr.Textbox(
                label=i18n("own_key"), info=i18n("own_key_info"), type="password", elem_id="own-key"
            )
        words = i18n("generate_preview" if self.preview else "generate")
        self.generate = gr.Button(words, variant="primary", size="lg", elem_id="generate")
        self.stop = gr.Button(i18n("stop"), size="lg", visible=False, elem_id="stop")
        self.balance = gr.HTML(visible=False, elem_classes="sd-flush", elem_id="balance")
        self.refusal = gr.HTML("", elem_classes="sd-flush", elem_id="refusal")

    def _result(self) -> None:
        i18n = self.i18n
        self.columns, self.videos, self.captions = [], [], []
        with gr.Row(elem_id="takes"):
            for n in range(TAKES):
                with gr.Column(min_width=220, visible=n == 0) as column:
                    self.videos.append(
                        gr.Video(
                            label=str(n + 1),  # Gradio 6.31 does not translate a player's label
                            show_label=False,
                            interactive=False,
                            autoplay=True,
                            loop=True,
                            height="min(56vh, 30rem)",
                            buttons=["download"],
                            elem_id="video" if n == 0 else f"video-{n + 1}",
                        )
                    )
                    self.captions.append(gr.HTML("", elem_id=f"caption-{n + 1}", elem_classes="sd-flush"))
                self.columns.append(column)
        self.status = gr.HTML(
            i18n("idle_status"), js_on_load=status.TICK, elem_id="status", elem_classes="sd-flush"
        )
        with gr.Row(visible=False, elem_id="after") as self.after:
            self.again = gr.Button(i18n("again"), size="sm", min_width=120)
            self.last_frame = gr.Button(i18n("last_frame"), size="sm", min_width=120)
        with gr.Accordion(i18n("recipe"), open=False, visible=False, elem_id="recipe") as self.recipe:
            self.codes = []
            for title, kind in (("Python", "python"), ("curl", "shell"), (i18n("shell"), "shell")):
                with gr.Tab(title):  # what is not shown yet is not loaded, part by part: Code is the heaviest
                    code = gr.Code(language=kind, interactive=False, show_label=False, visible=False)  # type: ignore[arg-type]
                    self.codes.append(code)

    def _shelf(self) -> None:
        i18n = self.i18n
        self.examples = gr.HTML(
            i18n("example_cards"),
            js_on_load=examples.ON_CLICK,
            elem_classes="sd-flush",
            elem_id="examples",
        )
        with gr.Accordion(i18n("history"), open=True, elem_id="shelf"):
            self.search = gr.Textbox(
                placeholder=i18n("search"),
                label=i18n("search"),
                show_label=False,
                container=False,
                elem_id="search",
            )
            self.history = gr.HTML(
                i18n("no_history"), js_on_load=history.ON_CLICK, elem_id="history", elem_classes="sd-flush"
            )

    def wire(self, page: gr.Blocks) -> None:
        """Say what happens when."""
        events = self.events
        quiet: dict[str, Any] = {
            "show_progress": "hidden",
            "concurrency_limit": None,
            "api_visibility": "private",
        }
        form = [self.gallery, self.prompt, self.duration, self.seed, self.camera_fixed]
        payer = [self.engine, self.key]
        cost = [self.duration, self.takes, *payer]
        mine = [self.watched, self.token]
        shown = [*self.columns, *self.videos, *self.captions, self.generate, self.stop, self.after]

        def watch(after: gr.events.Dependency) -> None:
            after.then(events.watch, self.watched, self.status, **quiet)
            seen = after.then(events.show, self.watched, shown, **quiet)
            seen.then(events.find, [self.search, self.token], self.history, **quiet)
            seen.then(events.balance, payer, self.balance, **quiet)
            after.then(events.tell_recipe, mine, [self.recipe, *self.codes], **quiet)

        known = [self.token, self.watched, self.back, self.history, *form]
        arrived = page.load(events.arrive, self.token, known, js=TOKEN, **quiet)
        watch(self.back.change(lambda: None, **quiet))  # for a new visitor there is nothing to watch
        if self.sign_in is not None:
            self.sign_in.click(None, self.sign_in, None, js=account.CLICK)
            page.load(account.words, None, self.sign_in, **quiet)
        quoted = [self.generate, self.engine]
        if self.has_key:
            arrived.then(events.quote, cost, quoted, **quiet)
            arrived.then(events.balance, payer, self.balance, **quiet)
        for part in (self.duration.release, self.takes.release, self.engine.change, self.key.blur):
            part(events.quote, cost, quoted, trigger_mode="always_last", **quiet)
        for part in (self.engine.change, self.key.blur):
            part(events.balance, payer, self.balance, trigger_mode="always_last", **quiet)

        request = [*form, self.takes, *payer, self.token]
        started = [self.refusal, self.watched, self.generate]
        watch(self.generate.click(events.start, request, started, trigger_mode="once", **quiet))
        again = self.again.click(lambda: RANDOM_SEED, None, self.seed, **quiet)
        watch(again.then(events.start, request, started, **quiet))
        self.stop.click(events.stop, self.watched, None, **quiet)
        chosen = [self.watched, self.key, self.token]
        watch(self.status.click(events.choose, chosen, started, **quiet))

        checked = [self.gallery, self.left_out, self.place]
        self.gallery.upload(events.check, self.gallery, checked, **quiet)
        self.gallery.select(events.pick, None, self.place, **quiet)
        ordered = [self.gallery, self.place]
        self.earlier.click(events.earlier, ordered, ordered, **quiet)
        self.later.click(events.later, ordered, ordered, **quiet)
        self.random_seed.click(lambda: RANDOM_SEED, None, self.seed, **quiet)
        self.last_seed.click(events.last_seed, self.token, self.seed, **quiet)
        self.examples.click(events.load_example, None, form, **quiet)
        self.last_frame.click(events.use_last_frame, [self.gallery, *mine], self.gallery, **quiet)

        self.search.change(
            events.find, [self.search, self.token], self.history, trigger_mode="always_last", **quiet
        )
        touched = [*form, self.watched, self.history]
        watch(self.history.click(events.touch, [self.search, self.token], touched, **quiet))


def _add_endpoint(endpoint: Endpoint) -> None:
    """Add `/generate_video` for programs: four single images, because a gallery has no schema for MCP."""
    hidden: dict[str, Any] = {"visible": False}  # each, not the row alone: then no browser loads them
    with gr.Row(**hidden):
        images = [gr.File(label=f"Image {n}", file_count="single", **hidden) for n in range(1, 5)]
        prompt = gr.Textbox(label="Prompt", **hidden)
        duration = gr.Number(DEFAULT_DURATION, label="Duration", **hidden)
        camera_fixed = gr.Checkbox(False, label="Fixed camera", **hidden)
        seed = gr.Number(RANDOM_SEED, label="Seed", **hidden)
        video = gr.Video(label="Video", **hidden)
        info = gr.JSON(label="Info", **hidden)
        gr.Button(**hidden).click(
            endpoint.generate_video,
            [images[0], prompt, duration, camera_fixed, seed, *images[1:]],
            [video, info],
            api_name="generate_video",
            concurrency_limit=None,
        )
