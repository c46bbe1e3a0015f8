"""A task's reference images as files: uploads lie here, public URLs are fetched for as long as it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from seedance.engine.fetch import CannotFetch, fetch_image
from seedance.engine.media import Media
from seedance.engine.schema import TaskRecord
from seedance.outside import connections

SECONDS: Final = 60.0
"""For all images of a task together."""


class ImageGone(Exception):
    """An image of a task cannot be had; the text names it and says why, without the URL's query."""


class References:
    """The way to tasks' images. `http` fetches those with a URL; by default it follows public ones alone."""

    def __init__(self, media: Media, http: httpx.AsyncClient | None = None) -> None:
        self._media = media
        self._http = http

    @asynccontextmanager
    async def of(self, task: TaskRecord) -> AsyncIterator[tuple[Path, ...]]:
        """Give the files of a task's images, in order; those that were fetched go when the block ends.

        Raises:
            ImageGone: one of them cannot be had.
        """
        paths = [self._path(task, number) for number in range(len(task.images))]
        fetched = [number for number, image in enumerate(task.images) if _is_url(image)]
        try:
            for number, path in enumerate(paths):
                if number not in fetched and not await asyncio.to_thread(self._media.shelf.bring, path):
                    raise ImageGone(f"[Image {number + 1}]: the upload is not here any more")
            await self._fetch(task, fetched)
            yield tuple(paths)
        finally:
            for number in fetched:
                paths[number].unlink(missing_ok=True)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    def _path(self, task: TaskRecord, number: int) -> Path:
        image = task.images[number]
        return self._media.fetched(task.output, number) if _is_url(image) else self._media.upload(image)

    async def _fetch(self, task: TaskRecord, numbers: list[int]) -> None:
        if not numbers:
            return
        if self._http is None:
            self._http = connections()
        number = numbers[0]
        try:
            async with asyncio.timeout(SECONDS):
                for number in numbers:
                    await fetch_image(task.images[number], self._path(task, number), http=self._http)
        except CannotFetch as error:
            raise ImageGone(f"{_name(task, number)}: {error}") from error
        except TimeoutError as error:
            raise ImageGone(f"{_name(task, number)}: not fetched within {SECONDS:.0f} s") from error


def _is_url(image: str) -> bool:
    return "://" in image


def _name(task: TaskRecord, number: int) -> str:
    return f"[Image {number + 1}] from {urlsplit(task.images[number]).hostname or 'its URL'}"
