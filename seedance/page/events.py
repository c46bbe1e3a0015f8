"""What happens on the page and at its public endpoint. The studio does the work; these only watch it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import gradio as gr
from gradio.utils import get_upload_folder

from seedance.errors import InvalidImage, SeedanceError
from seedance.models import DEFAULT_DURATION, RANDOM_SEED, Event
from seedance.page import words
from seedance.page.examples import EXAMPLES
from seedance.studio import Studio

_LOG: Final = logging.getLogger(__name__)
_TICK: Final = 1.0  # seconds between two looks of the elapsed time while nothing changes
_STEPS: Final = 100

Shown = tuple[Any, Any, Any, Any]
"""Updates of the page: status, video, caption, button."""


class Events:
    """The handlers of one page over one studio."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def generate(
        self,
        gallery: list[tuple[str, str | None]] | None,
        prompt: str,
        duration: int,
        seed: int,
        camera_fixed: bool,
    ) -> AsyncIterator[Shown]:
        """Make a video from the page's form and show how it goes."""
        busy, ready = gr.update(interactive=False), gr.update(interactive=True)
        yield gr.skip(), None, "", busy
        try:
            id = await self._start([path for path, _ in gallery or []], prompt, duration, seed, camera_fixed)
        except SeedanceError as error:
            yield words.refusal(str(error)), None, "", ready
            return
        async for event in self._studio.watch(id, every=_TICK):
            if event.state.ended:
                shown = words.caption(event) if event.video else ""
                yield words.status(event), event.video and str(event.video), shown, ready
            else:
                yield words.status(event), gr.skip(), gr.skip(), gr.skip()

    def load_example(self, event: gr.EventData) -> tuple[Any, ...]:
        """Fill the form from the card that was clicked."""
        example = EXAMPLES[event.example]
        return example.paths, example.prompt, example.duration, example.seed, False

    async def generate_video(
        self,
        image_1: str,
        prompt: str,
        duration: int = DEFAULT_DURATION,
        camera_fixed: bool = False,
        seed: int = RANDOM_SEED,
        image_2: str | None = None,
        image_3: str | None = None,
        image_4: str | None = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  Gradio finds it by this default
    ) -> AsyncIterator[tuple[str | None, dict[str, object]]]:
        """Make a video from 1 to 4 reference images and a prompt.

        Streams `(None, info)` at every change and ends with `(video, info)`. `info` tells `status`, `seed`,
        `engine` (`wavespeed`: the AI model; `local`: a free preview, not the AI model), `task_id`,
        `inference_ms` and `error`.

        Args:
            image_1: The first reference image (JPEG, PNG, WebP, AVIF or HEIC), [Image 1] in the prompt.
            prompt: What happens in the video, at most 2000 characters. It may mention [Image 1] to [Image 4].
            duration: Length of the video in seconds, 2 to 12.
            camera_fixed: Whether the camera stays still.
            seed: -1 for a random one, or 0 to 2147483647 to repeat a video.
            image_2: The second reference image.
            image_3: The third reference image.
            image_4: The fourth reference image.
            progress: Filled in by Gradio.

        Returns:
            The video as an MP4 file, and what is known of it.
        """
        images = [image for image in (image_1, image_2, image_3, image_4) if image]
        try:
            id = await self._start(images, prompt, duration, seed, camera_fixed)
        except SeedanceError as error:
            raise gr.Error(str(error), print_exception=False) from error
        event: Event | None = None
        async for event in self._studio.watch(id, every=_TICK * 5):
            share = event.progress or (1.0 if event.stage in ("downloading", "done") else 0.0)
            progress((round(share * _STEPS), _STEPS), desc=words.STAGES[event.stage])
            if not event.state.ended:
                yield None, _info(event)
        if event is None or event.video is None:
            raise gr.Error(event.message if event else "The video was lost.", print_exception=False)
        yield str(event.video), _info(event)

    async def _start(
        self, images: Sequence[str], prompt: str, duration: int, seed: int, camera_fixed: bool
    ) -> str:
        return await self._studio.start(
            prompt,
            [_uploaded(image) for image in images],
            duration=duration,
            camera_fixed=camera_fixed,
            seed=seed,
        )


def _info(event: Event) -> dict[str, object]:
    """Return what a caller may know: not where the file lies on this machine."""
    return {name: value for name, value in event.summary().items() if name != "video"}


def _uploaded(name: str) -> Path:
    """Return the path of a file that was uploaded to this page; no other file of this machine is read."""
    path = Path(name).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise InvalidImage(path.name, "it was not uploaded here; upload the image first.")
    return path
