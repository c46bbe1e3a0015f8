"""Reference images at the provider: each gets an address there, and one uploaded today is not sent again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from seedance.client import WaveSpeed
from seedance.errors import InvalidImage, NotDelivered, Unavailable
from seedance.images import CleanImage
from seedance.journal import Journal
from seedance.record import Record
from seedance.store import Store


@dataclass(frozen=True, slots=True)
class Uploads:
    """The images of one journal, kept in a store."""

    client: WaveSpeed
    journal: Journal
    store: Store

    async def addresses(self, record: Record) -> list[str]:
        """Return where the provider has the images of a video, in order; upload those that it lacks.

        Raises:
            InvalidImage: our copy of an image is gone.
            NotDelivered: the provider's storage cannot be reached.
            Refused: the provider does not take an image.
        """
        return [await self._address(image, record.account) for image in record.images]

    async def _address(self, facts: dict[str, Any], account: str) -> str:
        sha256 = facts["sha256"]
        with suppress(Unavailable):  # a journal that cannot be read just now: then it is uploaded once more
            if url := await asyncio.to_thread(self.journal.upload_url, sha256, account):
                return url
        try:
            data = await asyncio.to_thread(self._read, sha256)
        except OSError as error:
            why = error.strerror or error
            reason = f"its copy in {self.store.images} cannot be read ({why}). Nothing was sent."
            raise InvalidImage(facts["name"], reason) from error
        image = CleanImage(facts["name"], data, facts["width"], facts["height"], sha256)
        try:
            url = await self.client.upload(image)
        except Unavailable as error:
            raise NotDelivered(f"{error} No video was asked for and nothing was charged.") from error
        await asyncio.to_thread(self.journal.keep_upload, sha256, account, url)
        return url

    def _read(self, sha256: str) -> bytes:
        path = self.store.image(sha256)
        self.store.bring(path)
        return path.read_bytes()
