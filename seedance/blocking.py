"""The blocking door for scripts and notebooks, onto the same code as everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from pydantic import SecretStr

from seedance.errors import OutcomeUnknown, StillRunning, TaskFailed
from seedance.models import DEFAULT_DURATION, RANDOM_SEED, Event, State
from seedance.policy import RUNNING_DEADLINE
from seedance.settings import Settings
from seedance.studio import Studio


@dataclass(frozen=True, slots=True)
class Video:
    """A finished video on this machine's disk."""

    path: Path
    seed: int
    """Give it again, with the same images and prompt, to repeat the video."""
    engine: str
    """`wavespeed`: the AI model made it; `local`: it is a preview by the embedded engine."""
    task_id: str
    inference_ms: int | None


def generate(
    images: Sequence[Path | str],
    prompt: str,
    *,
    duration: int = DEFAULT_DURATION,
    camera_fixed: bool = False,
    seed: int = RANDOM_SEED,
    engine: str = "auto",
    key: str | None = None,
    settings: Settings | None = None,
) -> Video:
    """Make one video and return it when it is saved. Works with and without a running event loop.

    Raises:
        InvalidRequest, MissingKey, NotRecorded: nothing was sent.
        TaskFailed: no video was made; the message says why and whether anything was charged.
        OutcomeUnknown: the answer to the request was lost; do not simply send it again.
        StillRunning: half an hour of work was not enough, or it was stopped elsewhere;
            'python -m seedance tasks resume' goes on.
    """

    async def make() -> Video:
        async with Studio(settings) as studio:
            id = await studio.start(
                prompt,
                [Path(image) for image in images],
                duration=duration,
                camera_fixed=camera_fixed,
                seed=seed,
                engine=engine,
                key=SecretStr(key) if key else None,
            )
            async for event in studio.watch(id, every=1.0, patience=RUNNING_DEADLINE):
                last = event
            return _video(last)

    with start_blocking_portal() as portal:
        return portal.call(make)


def _video(event: Event) -> Video:
    if event.state is State.UNKNOWN:
        raise OutcomeUnknown(event.message)
    if event.state is State.STOPPED and event.task_id:  # by somebody else; it may still come
        raise StillRunning(event.message, task_id=event.task_id)
    if event.video is None:
        raise TaskFailed(event.message, task_id=event.task_id or "")
    return Video(event.video, event.seed, event.engine, event.task_id or "", event.inference_ms)
