"""The page: references and settings left, video and status right, one column on a phone."""

from __future__ import annotations

import gradio as gr

from seedance.models import (
    DEFAULT_DURATION,
    MAX_DURATION,
    MAX_PROMPT,
    MAX_SEED,
    MIN_DURATION,
    RANDOM_SEED,
)
from seedance.page import examples, words
from seedance.page.events import Events
from seedance.studio import Studio

_IMAGE_TYPES = ["image", ".heic", ".heif", ".avif"]
_CACHE_LIFE = (6 * 3600, 24 * 3600)  # look every 6 h, delete copies older than a day


def build(studio: Studio) -> gr.Blocks:
    """Return the page over a studio; the studio is opened by whoever launches the page."""
    events = Events(studio)
    preview = studio.settings.choose_engine() == "local"
    page = gr.Blocks(title=words.TITLE, analytics_enabled=False, delete_cache=_CACHE_LIFE)
    with page:
        gr.HTML(words.masthead(preview), elem_classes="sd-flush")
        with gr.Row():
            with gr.Column(scale=5, min_width=320):
                gallery = gr.Gallery(
                    label="Reference images",
                    file_types=_IMAGE_TYPES,
                    columns=4,
                    height=208,
                    object_fit="cover",
                    fit_columns=False,
                    interactive=True,
                    buttons=[],
                    elem_id="references",
                )
                prompt = gr.Textbox(
                    label="Prompt", placeholder=words.PROMPT_HINT, lines=3, max_lines=8, max_length=MAX_PROMPT
                )
                with gr.Group():
                    duration = gr.Slider(
                        MIN_DURATION, MAX_DURATION, DEFAULT_DURATION, step=1, label="Duration", info="Seconds"
                    )
                    seed = gr.Slider(
                        RANDOM_SEED, MAX_SEED, RANDOM_SEED, step=1, label="Seed", info="-1 draws a new one"
                    )
                    camera_fixed = gr.Checkbox(label="Fixed camera", value=False)
                button = gr.Button("Generate", variant="primary", size="lg", elem_id="generate")
            with gr.Column(scale=6, min_width=320):
                video = gr.Video(
                    label="Video",
                    interactive=False,
                    autoplay=True,
                    loop=True,
                    height="min(56vh, 30rem)",
                    buttons=["download"],
                    elem_id="video",
                )
                status = gr.HTML(words.idle(), elem_id="status", elem_classes="sd-flush")
                caption = gr.HTML("", elem_id="caption", elem_classes="sd-flush")
        form = [gallery, prompt, duration, seed, camera_fixed]
        gr.HTML(examples.cards(), js_on_load=examples.ON_CLICK, elem_classes="sd-flush").click(
            events.load_example, None, form, show_progress="hidden", api_visibility="private"
        )
        button.click(
            events.generate,
            form,
            [status, video, caption, button],
            show_progress="hidden",
            concurrency_limit=None,
            trigger_mode="once",
            api_visibility="private",
        )
        _add_endpoint(events)
    return page


def _add_endpoint(events: Events) -> None:
    """Add `/generate_video` for programs: four single images, because a gallery has no schema for MCP."""
    with gr.Row(visible=False):
        images = [gr.File(label=f"Image {n}", file_count="single") for n in range(1, 5)]
        prompt = gr.Textbox(label="Prompt")
        duration = gr.Number(DEFAULT_DURATION, label="Duration")
        camera_fixed = gr.Checkbox(False, label="Fixed camera")
        seed = gr.Number(RANDOM_SEED, label="Seed")
        video = gr.Video(label="Video")
        info = gr.JSON(label="Info")
        gr.Button().click(
            events.generate_video,
            [images[0], prompt, duration, camera_fixed, seed, *images[1:]],
            [video, info],
            api_name="generate_video",
            concurrency_limit=None,
        )
