"""The page's public endpoint for programs: Gradio's clients, plain HTTP, MCP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import gradio as gr
from pydantic import SecretStr

from seedance.errors import SeedanceError
from seedance.limits import ADDRESS
from seedance.models import DEFAULT_DURATION, RANDOM_SEED, Event
from seedance.page.language import ENGLISH, say
from seedance.page.references import uploaded
from seedance.page.visitor import visitor
from seedance.studio import Studio

_TICK: Final = 5.0  # seconds between two words while nothing changes
_STEPS: Final = 100


class Endpoint:
    """`/generate_video` over one studio."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

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
        x_api_key: gr.Header = "",  # type: ignore[assignment]
        request: gr.Request = None,  # type: ignore[assignment]
        progress: gr.Progress = gr.Progress(),  # noqa: B008  Gradio finds it by this default
    ) -> AsyncIterator[tuple[str | None, dict[str, object]]]:
        """Make a video from 1 to 4 reference images and a prompt.

        Streams `(None, info)` at every change and ends with `(video, info)`. `info` tells `status`, `seed`,
        `engine` (`wavespeed`: the AI model; `local`: a free preview, not the AI model), `task_id`,
        `inference_ms` and `error`. A header `x-api-key` with a WaveSpeedAI key lets the caller's own account
        pay; the key is not stored.

        Args:
            image_1: The first reference image (JPEG, PNG, WebP, AVIF or HEIC), [Image 1] in the prompt.
            prompt: What happens in the video, at most 2000 characters. It may mention [Image 1] to [Image 4].
            duration: Length of the video in seconds, 2 to 12.
            camera_fixed: Whether the camera stays still.
            seed: -1 for a random one, or 0 to 2147483647 to repeat a video.
            image_2: The second reference image.
            image_3: The third reference image.
            image_4: The fourth reference image.
            x_api_key: Filled in by Gradio from the header of that name.
            request: Filled in by Gradio.
            progress: Filled in by Gradio.

        Returns:
            The video as an MP4 file, and what is known of it.
        """
        key = str(x_api_key or "").strip()
        try:
            id = await self._studio.start(
                prompt,
                [uploaded(image) for image in (image_1, image_2, image_3, image_4) if image],
                duration=duration,
                camera_fixed=camera_fixed,
                seed=seed,
                key=SecretStr(key) if key else None,
                visitor=visitor(request) if request else ADDRESS,
            )
        except SeedanceError as error:
            raise gr.Error(str(error), print_exception=False) from error
        event: Event | None = None
        async for event in self._studio.watch(id, every=_TICK):
            share = event.progress or (1.0 if event.stage in ("downloading", "done") else 0.0)
            progress((round(share * _STEPS), _STEPS), desc=say(ENGLISH, event.stage))
            if not event.state.ended:
                yield None, _info(event)
        if event is None or event.video is None:
            raise gr.Error(event.message if event else "The video was lost.", print_exception=False)
        yield str(event.video), _info(event)


def _info(event: Event) -> dict[str, object]:
    """Return what a caller may know: not where the file lies on this machine."""
    return {name: value for name, value in event.summary().items() if name != "video"}
