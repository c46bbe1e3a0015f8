"""A job by value, as it travels to a cluster's worker, and what comes back: no disk is shared."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from seedance.engine.executor import TooMuch
from seedance.engine.worker import Job, Outcome, Report, render, warm
from seedance.files import write_whole

_EVERY: Final = 0.25  # seconds between two reports of a render
_PATHS: Final = tuple(field.name for field in fields(Job) if field.type == "Path")
_PRODUCTS: Final = sorted(set(_PATHS) - {"progress"}, key=lambda name: (name == "result", name))
"""The files of a job, named after its fields, in the order in which they are put in place."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A job with its images. Its paths mean nothing where it arrives."""

    id: str
    topic: str
    """Where the worker reports: `{"id", "share"}`, the share of the render that is done, 0 to 1."""
    seconds: float
    """How long the render may take, from its beginning."""
    job: Job
    images: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of a parcel."""

    outcome: Outcome
    products: dict[str, bytes]

    def put(self, job: Job) -> None:
        """Write the files where the job wants them, each whole or not at all, the result as the last."""
        for name in _PRODUCTS:
            if (data := self.products.get(name)) is not None:
                write_whole(getattr(job, name), data)


def pack(job: Job, *, id: str, topic: str, seconds: float) -> Parcel:
    """Read a job's images."""
    return Parcel(id, topic, seconds, job, tuple(path.read_bytes() for path in job.images))


def deliver(parcel: Parcel) -> Delivery:
    """Render a parcel. Runs on a worker of the cluster.

    Raises:
        TooMuch: it needed more time or memory than it may have.
    """
    import cv2
    from distributed import get_worker

    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="render-", dir=get_worker().local_directory) as name:
        job = _unpack(parcel, Path(name))
        try:
            outcome = render(job, _reporter(parcel))
        except MemoryError as error:
            raise TooMuch("the render needed more memory than its worker has") from error
        paths = {field: Path(getattr(job, field)) for field in _PRODUCTS}
        return Delivery(outcome, {field: path.read_bytes() for field, path in paths.items() if path.exists()})


def dask_setup(_: object) -> None:
    """Warm a worker that is started with `--preload seedance.engine.parcel`."""
    warm()


def _unpack(parcel: Parcel, folder: Path) -> Job:
    """Write a parcel's images into a folder and return its job with all paths there."""
    images = []
    for number, data in enumerate(parcel.images):
        images.append(folder / f"image-{number}")
        images[-1].write_bytes(data)
    paths: dict[str, Any] = {name: folder / name for name in _PATHS}
    return replace(parcel.job, images=tuple(images), **paths)


def _reporter(parcel: Parcel) -> Report:
    """Return a report that goes to the engine, not too often, and ends a render whose time is over."""
    from distributed import get_worker

    worker = get_worker()
    begun = time.monotonic()
    told = 0.0

    def report(share: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - begun > parcel.seconds:
            raise TooMuch(f"the render took longer than the {parcel.seconds:.0f} s that it may")
        if now - told >= _EVERY:
            worker.log_event(parcel.topic, {"id": parcel.id, "share": share})
            told = now

    report(0.0)
    return report
