"""One video's way through the states of the journal: upload, submit, follow, save.

Every step is on record before the next begins, so that a crash at any point leaves a row that says what may
have been sent. Nothing here submits twice: a submit whose answer is lost is looked for in the provider's
history, and is either found and followed, or ends as `unknown`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final

from seedance import policy
from seedance.client import WaveSpeed
from seedance.entry import Entry
from seedance.errors import (
    InsufficientCredit,
    NotDelivered,
    NotFound,
    NothingSent,
    NotRecorded,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TaskFailed,
    TooLarge,
    Unauthorized,
    Unavailable,
    VideoLost,
)
from seedance.gate import Gate
from seedance.journal import TaskTaken
from seedance.models import Request, State, Task
from seedance.record import Record
from seedance.search import Search
from seedance.store import Store
from seedance.uploads import Uploads

_LOG: Final = logging.getLogger(__name__)
_LAST_WAIT: Final = 10.0  # seconds for the answer to a submit when the program is to end
_MISSES: Final = 20  # looks at a task that the provider says it does not know; it may have known it before
_STALE: Final = 3  # failed downloads after which the video's address is asked for again
_REFUSED_WAIT: Final = 30.0  # seconds until a refused look at a task is repeated
_CRASHED: Final = (
    "The program ended while the request was being sent, so nobody knows whether it arrived. A video may "
    "have been started and charged: look at the provider's history before you send it again."
)
_TAKEN: Final = (
    "The provider answered with the id of another video's task. A video may have been started and charged: "
    "look at the provider's history before you send it again."
)
_STOPPED: Final = (
    "Stopped waiting. The provider has no cancel: it may still finish this video and charge it; then it is "
    "kept here."
)
_STOPPING: Final = "Stopping. Nothing was sent yet."
_STOPPED_SENDING: Final = (
    "Stopping. The request was being sent just then: if it arrived, the provider may finish this video and "
    "charge it; then it is kept here."
)
_STOPPED_EARLY: Final = "Stopped before anything was sent. Nothing was charged."


@dataclass(slots=True)
class Making:
    """One recorded video on its way to a saved file. `run` brings it there from wherever it stands."""

    entry: Entry
    """Its row in the journal."""
    client: WaveSpeed
    store: Store
    """Where its images are, and where the finished video is kept."""
    gate: Gate = field(default_factory=Gate)
    """Where the submits of this account wait."""
    grace: float = policy.GRACE
    """Seconds that the provider's history may lag behind a submit whose answer was lost."""
    stopped: bool = False

    @property
    def record(self) -> Record:
        """The video's row as it was last committed."""
        return self.entry.record

    async def run(self) -> None:
        """Bring the video to an ended state.

        Raises:
            LeaseLost: another process has taken it over.
        """
        try:
            if self.record.state is State.SUBMITTING:
                await self._look_for(OutcomeUnknown(self.record.error or _CRASHED))
            if self.record.state is State.NEW:
                await self._submit()
            if self.record.finished_at is None:
                await self._save(await self._follow())
        except OutcomeUnknown as error:
            await self.entry.end(State.UNKNOWN, error)
        except NotRecorded as error:
            if self.record.state is not State.NEW:  # then something was sent, and the words would be wrong
                raise
            await self.entry.end(State.FAILED, error)
        except (NothingSent, Refused, TaskFailed) as error:
            if getattr(error, "code", None) == policy.IMAGE_GONE or "image url" in str(error).lower():
                await asyncio.to_thread(self.entry.journal.forget_uploads, self.record)
            await self.entry.end(State.FAILED, error)

    async def stop(self) -> None:
        """Stop waiting: what was sent goes on at the provider, and its video is kept when it comes."""
        self.stopped = True
        self.gate.release(self.record.id)
        if self.record.state in (State.RUNNING, State.DOWNLOADING):
            await self.entry.keep(state=State.STOPPED, error=_STOPPED)
        words = {State.NEW: _STOPPING, State.SUBMITTING: _STOPPED_SENDING}
        self.entry.tell(words.get(self.record.state, self.record.error or ""))

    # Sending --------------------------------------------------------------------------------------------

    async def _submit(self) -> None:
        """Send the request; what surely created no task is sent again, a limited number of times."""
        missed = limited = 0
        while True:
            if self.stopped:
                return await self.entry.end(State.STOPPED, _STOPPED_EARLY)
            urls = await Uploads(self.client, self.entry.journal, self.store).addresses(self.record)
            try:
                return await self._send(urls)
            except OutcomeUnknown as error:
                return await self._look_for(error)
            except TaskTaken:
                return await self._look_for(OutcomeUnknown(_TAKEN))
            except NotDelivered as error:
                missed += 1
                if missed == policy.SUBMIT_ATTEMPTS:
                    raise
                wait = policy.backoff(missed, self.entry.chance())
                remark, fault = str(error), type(error).__name__
            except RateLimited as error:
                limited += 1
                if limited == policy.RATE_ATTEMPTS:
                    raise
                wait = policy.rate_wait(error.retry_after, self.entry.chance())
                remark = f"The provider takes no more requests for now. Asking again in {wait:.0f} s."
                fault = type(error).__name__
            except (Unauthorized, InsufficientCredit) as error:
                self.gate.turn_away(error)
                raise
            await self.entry.keep(state=State.NEW)  # nothing was created: a crash while waiting is harmless
            again = self.entry.now() + wait - self.record.created_at
            self.entry.tell(remark, fault=fault, again=again)
            await self.gate.wait(self.record.id, wait)

    async def _send(self, urls: list[str]) -> None:
        """Take a turn, put it on record, and send the request."""
        async with self.gate.turn:
            if self.stopped:
                return await self.entry.end(State.STOPPED, _STOPPED_EARLY)
            await self.entry.write(state=State.SUBMITTING, submitted_at=self.entry.now(), urls=urls)
            self.entry.tell()
            return await self._post(urls)

    async def _post(self, urls: list[str]) -> None:
        """Send the request, once, and adopt its task; if the program ends meanwhile, wait a little for it."""

        async def post() -> None:
            await self._adopt(await self.client.submit(self.request(), urls))

        posting = asyncio.create_task(post())
        try:
            await asyncio.shield(posting)
        except asyncio.CancelledError:
            await asyncio.wait({posting}, timeout=_LAST_WAIT)
            posting.cancel()
            error = posting.exception() if posting.done() and not posting.cancelled() else None
            if isinstance(error, (NotDelivered, RateLimited)):
                with suppress(NotRecorded):
                    await self.entry.write(state=State.NEW)
            elif isinstance(error, Refused):
                raise error from None
            raise

    def request(self) -> Request:
        """Return what was asked for."""
        record = self.record
        return Request(
            prompt=record.prompt,
            images=tuple(self.store.image(image["sha256"]) for image in record.images),
            duration=record.duration,
            camera_fixed=record.camera_fixed,
            seed=record.seed,
        )

    # A lost answer --------------------------------------------------------------------------------------

    async def _look_for(self, lost: OutcomeUnknown) -> None:
        """Find the task of a submit whose answer was lost and adopt it; else raise `lost`."""
        search = Search(
            record=self.record,
            request=self.request(),
            client=self.client,
            journal=self.entry.journal,
            grace=self.grace,
            remark=self.entry.tell,
            sleep=self.entry.sleep,
            now=self.entry.now,
        )
        async with aclosing(search.candidates()) as tasks:
            async for task in tasks:
                if await self._adopted(task):
                    return
        raise lost

    async def _adopted(self, task: Task) -> bool:
        try:
            await self._adopt(task)
        except TaskTaken:
            return False
        return True

    async def _adopt(self, task: Task) -> None:
        """Put the task's id on record, before anything else happens."""
        error = _STOPPED if self.stopped else None
        await self.entry.adopt(task, state=self._shown(State.RUNNING), error=error)
        self.entry.tell(error or "", task)

    # Bringing it home -----------------------------------------------------------------------------------

    async def _follow(self) -> Task:
        """Watch the task until it has ended, and return it with its video's address."""
        task_id = self.record.task_id
        if task_id is None:
            raise OutcomeUnknown("The record of this video holds no task id.")
        try:
            async with asyncio.timeout(self._retained()):
                task = await self._ended(task_id)
        except TimeoutError:
            raise OutcomeUnknown(
                f"The provider did not say how task {task_id} ended while it kept it. "
                "It may have been charged."
            ) from None
        policy.check_completed(task)
        await self.entry.keep(
            state=self._shown(State.DOWNLOADING),
            made_by=task.model or self.record.made_by,
            inference_ms=task.inference_ms,
            storyboard=task.storyboard or None,
            nsfw=task.nsfw,
        )
        return task

    async def _ended(self, task_id: str) -> Task:
        """Return the task once it has ended. It is paid for: a refused look at it does not give it up."""
        task: Task | None = None
        misses = 0
        while task is None or not task.status.ended:
            try:
                async with aclosing(self.client.events(task_id)) as events:
                    async for task in events:
                        self.entry.tell("", task)
            except Refused as error:
                misses += isinstance(error, NotFound)
                if misses == _MISSES:
                    raise OutcomeUnknown(f"{error} It may have been charged.") from error
                self.entry.tell(f"{error} Asking again.", task)
                await self.entry.sleep(_REFUSED_WAIT)
        return task

    async def _save(self, task: Task) -> None:
        """Bring the finished video home. It is paid for: a failure is repeated while the provider has it."""
        name = f"{self.record.id}.mp4"
        self.entry.tell("", task)
        failures = 0
        while True:
            try:
                await self.client.download(task.outputs[0], self.store.videos / name, place=self.store.place)
                return await self.entry.end(State.DONE, None, video=name)
            except TooLarge as error:
                raise VideoLost(f"The video was made and charged. {error}", task_id=task.id) from error
            except (Unavailable, OSError) as error:
                failures += 1
                _LOG.warning("saving video %s failed: %s", self.record.id, error)
                if self._retained() <= 0:
                    raise VideoLost(
                        f"The video was made and charged, but could not be saved while the provider kept it "
                        f"({error}).",
                        task_id=task.id,
                    ) from error
                remark = f"The video is made, but saving it failed ({error}). Trying again."
                self.entry.tell(remark, task)
                await self.entry.sleep(5 + policy.backoff(failures, self.entry.chance()))
                if failures % _STALE == 0:  # an address may have expired; the provider then tells a new one
                    with suppress(Unavailable, Refused):
                        fresh = await self.client.get(task.id)
                        task = fresh if fresh.outputs else task

    def _retained(self) -> float:
        """Return the seconds for which the provider still keeps the task and its video."""
        return (self.record.submitted_at or self.record.created_at) + policy.RETENTION - self.entry.now()

    def _shown(self, state: State) -> State:
        return State.STOPPED if self.stopped or self.record.state is State.STOPPED else state
