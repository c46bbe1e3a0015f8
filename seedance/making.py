"""One video's way through the states of the journal: upload, submit, follow, save.

Every step is on record before the next begins, so that a crash at any point leaves a row that says what may
have been sent. Nothing here submits twice: a submit without an answer ends as `unknown`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from seedance import policy
from seedance.client import WaveSpeed, check_completed
from seedance.errors import (
    InvalidImage,
    NotDelivered,
    NotFound,
    NothingSent,
    NotRecorded,
    OutcomeUnknown,
    Refused,
    TaskFailed,
    Unavailable,
)
from seedance.images import CleanImage
from seedance.journal import Journal, Record
from seedance.models import Request, State, Task

_LOG: Final = logging.getLogger(__name__)
_SUBMIT_ATTEMPTS: Final = 5
_LOOKS: Final = 3  # a task just submitted may not be found yet
_REFUSED_WAIT: Final = 30.0  # seconds until a refused look at a task is repeated


class LeaseLost(Exception):
    """Another process has claimed the video; this one must not touch it any more."""


@dataclass(slots=True)
class Making:
    """One recorded video on its way to a saved file. `run` it once."""

    record: Record
    client: WaveSpeed
    journal: Journal
    images: Path
    """The folder of cleaned reference images, each `<sha256>.jpg`."""
    videos: Path
    """The folder that takes the finished video."""
    publish: Callable[[Record, Task | None, str], None]
    """Called at each change: the record, the provider's view where there is one, a remark for the user."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], float] = time.time

    async def run(self) -> None:
        """Bring the video from wherever it stands to an ended state.

        Raises:
            LeaseLost: another process has taken it over.
        """
        try:
            if self.record.state is State.SUBMITTING:
                raise OutcomeUnknown(
                    "The program ended while the request was being sent, so nobody knows whether it arrived. "
                    "A video may have been started and charged: look at the provider's history before you "
                    "send it again."
                )
            if self.record.state is State.NEW:
                urls = await self._upload()
                await self._submit(urls)
            task = await self._follow()
            await self._save(task)
        except OutcomeUnknown as error:
            await self._end(State.UNKNOWN, str(error))
        except (NothingSent, Refused, TaskFailed) as error:
            await self._end(State.FAILED, str(error))

    async def _upload(self) -> list[str]:
        """Give each image an address at the provider; one uploaded today is not uploaded again."""
        self.publish(self.record, None, "")
        return [await self._upload_one(image) for image in self.record.images]

    async def _upload_one(self, facts: dict[str, Any]) -> str:
        sha256, account = facts["sha256"], self.record.account
        if url := await asyncio.to_thread(self.journal.upload_url, sha256, account):
            return url
        try:
            data = await asyncio.to_thread((self.images / f"{sha256}.jpg").read_bytes)
        except OSError as error:
            reason = f"its copy in {self.images} cannot be read ({error.strerror}). Nothing was sent."
            raise InvalidImage(facts["name"], reason) from error
        image = CleanImage(facts["name"], data, facts["width"], facts["height"], sha256)
        try:
            url = await self.client.upload(image)
        except Unavailable as error:
            raise NotDelivered(f"{error} No video was asked for and nothing was charged.") from error
        await asyncio.to_thread(self.journal.keep_upload, sha256, account, url)
        return url

    async def _submit(self, urls: list[str]) -> None:
        """Send the request once; what surely did not arrive is sent again, a few times."""
        record = self.record
        request = Request(
            prompt=record.prompt,
            images=tuple(self.images / f"{image['sha256']}.jpg" for image in record.images),
            duration=record.duration,
            camera_fixed=record.camera_fixed,
            seed=record.seed,
        )
        await self._write(state=State.SUBMITTING, submitted_at=self.now())
        for attempt in range(_SUBMIT_ATTEMPTS):
            try:
                task = await self.client.submit(request, urls)
            except NotDelivered:
                if attempt == _SUBMIT_ATTEMPTS - 1:
                    raise
                await self.sleep(policy.backoff(attempt, random.random()))
            else:
                await self._keep(state=State.RUNNING, task_id=task.id, made_by=task.model or None)
                self.publish(self.record, task, "")
                return

    async def _follow(self) -> Task:
        """Watch the task until it has ended, and return it with its video's address."""
        task_id = self.record.task_id
        if task_id is None:
            raise OutcomeUnknown("The record of this video holds no task id.")
        task: Task | None = None
        refusals = 0
        while task is None or not task.status.ended:
            try:
                async with aclosing(self.client.events(task_id)) as events:
                    async for task in events:
                        self.publish(self.record, task, "")
            except Refused as error:  # the task is paid for: a refused look does not give it up
                refusals += 1
                if isinstance(error, NotFound) and refusals >= _LOOKS:
                    raise
                self.publish(self.record, task, f"{error} Asking again.")
                await self.sleep(_REFUSED_WAIT)
        check_completed(task)
        await self._keep(
            state=State.DOWNLOADING,
            made_by=task.model or self.record.made_by,
            inference_ms=task.inference_ms,
        )
        return task

    async def _save(self, task: Task) -> None:
        """Bring the finished video home. It is paid for: a failure is repeated, never given up."""
        name = f"{self.record.id}.mp4"
        self.publish(self.record, task, "")
        failures = 0
        while True:
            try:
                await asyncio.to_thread(self.videos.mkdir, parents=True, exist_ok=True)
                await self.client.download(task.outputs[0], self.videos / name)
                break
            except (Unavailable, OSError) as error:
                failures += 1
                _LOG.warning("saving video %s failed: %s", self.record.id, error)
                remark = f"The video is made, but saving it failed ({error}). Trying again."
                self.publish(self.record, task, remark)
                await self.sleep(5 + policy.backoff(failures, random.random()))
        await self._end(State.DONE, None, video=name)

    async def _end(self, state: State, error: str | None, **changes: Any) -> None:
        await self._keep(state=state, error=error, finished_at=self.now(), holder=None, **changes)
        self.publish(self.record, None, error or "")

    async def _write(self, **changes: Any) -> None:
        """Put a change on record, or raise `NotRecorded` while nothing has been sent."""
        record = await asyncio.to_thread(lambda: self.journal.write(self.record, **changes))
        if record is None:
            raise LeaseLost
        self.record = record

    async def _keep(self, **changes: Any) -> None:
        """Put on record what has already happened, however long the disk refuses."""
        failures = 0
        while True:
            try:
                await self._write(**changes)
                return
            except NotRecorded as error:
                failures += 1
                _LOG.error("video %s cannot be recorded: %s", self.record.id, error)
                remark = "The journal cannot be written. Trying again; check the disk and SEEDANCE_DATA_DIR."
                self.publish(self.record, None, remark)
                await self.sleep(policy.backoff(failures, random.random()))
