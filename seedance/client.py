"""WaveSpeedAI's REST API in verbs: upload, submit, get, events, wait, find, download, price, balance."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr, ValidationError

from seedance import history, policy
from seedance.download import Download
from seedance.errors import Refused, StillRunning, Unavailable
from seedance.exchange import Exchange, unknown
from seedance.files import put_in_place
from seedance.images import CleanImage
from seedance.metrics import Metrics
from seedance.models import DEFAULT_MODEL, Price, Request, Status, Task
from seedance.wire import Balance, Quote, SubmitBody, UploadRequest, UploadTicket, read_task

DEFAULT_BASE_URL: Final = "https://api.wavespeed.ai"
_READ_ATTEMPTS: Final = 5
_EMPTY_LOOKS: Final = 5  # at a completed task whose video's address has not come yet
_NOT_OFFERED: Final = frozenset({404, 405, 410})  # HTTP statuses of a call that a server does not have

T = TypeVar("T")


class WaveSpeed:
    """A client for one key and one model. Use it as an async context manager.

    A submit is sent once, on a connection of its own, and never repeated here: it costs money and the
    provider knows no idempotency key. Everything else is free and repeated when the network fails.

    `sleep`, `clock` (seconds, any origin), `wall` (seconds since the epoch), `chance` (0 to 1) and
    `transport` can be replaced, for tests and for an engine inside this process. `metrics` counts polls and
    errors.
    """

    def __init__(
        self,
        key: SecretStr | None,
        *,
        base_url: str = DEFAULT_BASE_URL,
        model: str = DEFAULT_MODEL,
        pace: policy.Pace = policy.PROVIDER_PACE,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        metrics: Metrics | None = None,
    ) -> None:
        self._exchange = Exchange(key, base_url, model, transport, wall, metrics)
        self._trusting = transport is not None
        self._pace = pace
        self._sleep, self._clock, self._chance = sleep, clock, chance

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._exchange.__aexit__(*exc)

    def __repr__(self) -> str:
        return f"WaveSpeed({self._exchange.base_url!r}, model={self._exchange.model!r})"

    async def upload(self, image: CleanImage) -> str:
        """Store an image with the provider for 7 days and return its URL, to be named in a submit.

        Raises:
            Unavailable: the provider or its storage could not be reached, several times over.
            Refused: it does not take the image; the subclass says why.
        """
        try:
            return await self._repeat(lambda: self._upload_by_ticket(image))
        except Refused as error:
            if error.http_status not in _NOT_OFFERED:
                raise
        return await self._repeat(lambda: self._upload_by_form(image))

    async def submit(self, request: Request, urls: Sequence[str]) -> Task:
        """Ask for a video of uploaded images: one POST, once. This is what costs money.

        Raises:
            NotDelivered: no connection was made; it is safe to call again.
            Refused: the provider said no, no task exists; the subclass says why.
            OutcomeUnknown: the answer was lost or makes no sense; a task may exist and be charged.
        """
        answer = await self._exchange.submit(_body(request, urls))
        task = read_task(answer.data)
        if task is None:
            raise unknown("an answer without a task id")
        return task

    async def get(self, task_id: str) -> Task:
        """Ask once how a task is doing.

        Raises:
            Unavailable: no usable answer this time; ask again.
            NotFound: the provider does not know it.
        """
        path = f"/api/v3/predictions/{quote(task_id, safe='')}/result"
        answer = await self._exchange.call("GET", path, policy.POLL_TIMEOUT, of_task=True)
        task = read_task(answer.data)
        if task is None:
            raise Unavailable("The provider's answer holds no task.")
        return task

    async def events(self, task_id: str, *, deadline: float | None = None) -> AsyncGenerator[Task, None]:
        """Follow a task: yield it at every change until it has ended.

        Failing polls are repeated for as long as it takes: they say nothing about a task that is paid for.

        Raises:
            StillRunning: `deadline` seconds have passed since the provider began to work on the task, time
                in its queue not counted; the task goes on.
            Refused: the provider does not know the task, or refuses the key.
        """
        start = self._clock()
        since = start
        seen: Task | None = None
        poll = failures = empty = 0
        while True:
            try:
                task = await self.get(task_id)
            except Unavailable:
                wait = self._pace.delay(poll, self._clock() - start, self._chance())
                wait += policy.backoff(failures, self._chance())
                failures += 1
            else:
                failures = 0
                if task.status is Status.QUEUED:
                    since = self._clock()
                if task != seen:
                    seen = task
                    yield task
                empty += task.status is Status.COMPLETED and not task.outputs
                if task.status.ended and not 0 < empty < _EMPTY_LOOKS:
                    return
                wait = self._pace.delay(poll, self._clock() - start, self._chance())
                poll += 1
            if deadline is not None and self._clock() - since + wait > deadline:
                raise StillRunning(
                    f"Task {task_id} is still running after {deadline:.0f} s; it can be resumed.",
                    task_id=task_id,
                )
            due = self._clock() + wait
            await self._sleep(wait)
            self._exchange.metrics.polled(self._clock() - due)

    async def wait(self, task_id: str, *, deadline: float | None = policy.RUNNING_DEADLINE) -> Task:
        """Return the task once it is completed.

        Raises:
            TaskFailed: the provider ended it without a video.
            StillRunning, Refused: as `events` does.
        """
        last = Task(task_id, Status.QUEUED)
        async with aclosing(self.events(task_id, deadline=deadline)) as events:
            async for task in events:
                last = task
        policy.check_completed(last)
        return last

    async def find(self, request: Request, urls: Sequence[str], since: float) -> list[Task]:
        """Look in the provider's history for tasks made of this request, oldest first.

        `since` is when it was sent, in seconds since the epoch. A task counts where seed, prompt and image
        URLs are the same; where the provider does not tell a task's inputs, it does not count.

        Raises:
            Unavailable, Refused: the history cannot be read now.
        """
        return await history.find(self._exchange, _body(request, urls), since)

    async def download(
        self, url: str, path: Path, *, place: Callable[[Path, Path], None] = put_in_place
    ) -> None:
        """Save a finished video, whole or not at all: first beside `path`, checked, then moved there.

        `place` gives the finished file its name. The key is not sent: outputs are public, and their host is
        not the API's. A broken download goes on where it ended. Addresses inside a private network are
        refused, unless they are the API's own host.

        Raises:
            Unavailable: it could not be fetched whole, several times over. It is kept 7 days; try again.
            TooLarge: it is larger than what is ever saved; to call again changes nothing.
            OSError: it cannot be written.
        """
        own = None if self._trusting else httpx.URL(self._exchange.base_url)
        with Download(self._exchange.http, path, own_server=own, guarded=not self._trusting) as download:
            await self._repeat(lambda: self._fetch(download, url))
            await download.keep(place)

    async def _fetch(self, download: Download, url: str) -> None:
        with self._exchange.metrics.errors():
            await download.fetch(url)

    async def price(self, request: Request, urls: Sequence[str] = ()) -> Price:
        """Ask what a request costs, before it is sent.

        Raises:
            Unavailable, Refused: the provider does not tell.
        """
        inputs = _body(request, urls)
        asked = {"model_id": self._exchange.model, "inputs": inputs}
        try:
            answer = await self._repeat(lambda: self._post("/api/v3/model/price", asked))
        except Refused as error:
            if error.http_status not in _NOT_OFFERED:
                raise
            answer = await self._repeat(lambda: self._post("/api/v3/model/pricing", asked))
        try:
            return Quote.model_validate(answer).price_of()
        except (ValidationError, ValueError) as error:
            raise Unavailable("The provider's price could not be read.") from error

    async def balance(self) -> float:
        """Ask for the account's balance in USD.

        Raises:
            Unavailable, Refused: the provider does not tell.
        """
        answer = await self._repeat(
            lambda: self._exchange.call("GET", "/api/v3/balance", policy.POLL_TIMEOUT)
        )
        try:
            return Balance.model_validate(answer.data).balance
        except ValidationError as error:
            raise Unavailable("The provider's balance could not be read.") from error

    async def _upload_by_ticket(self, image: CleanImage) -> str:
        wanted = UploadRequest(
            filename=_filename(image), size=len(image.data), content_type=image.content_type
        )
        data = await self._post("/api/v3/media/uploads", wanted.model_dump(), policy.UPLOAD_TIMEOUT)
        try:
            ticket = UploadTicket.model_validate(data)
        except ValidationError as error:
            raise Unavailable("The provider's upload ticket could not be read.") from error
        target = ticket.upload
        response = await self._exchange.send(
            target.method, target.url, policy.UPLOAD_TIMEOUT, headers=target.headers, content=image.data
        )
        if not response.is_success:
            raise Unavailable(f"The provider's storage answered HTTP {response.status_code}.")
        return ticket.download_url

    async def _upload_by_form(self, image: CleanImage) -> str:
        files = {"file": (_filename(image), image.data, image.content_type)}
        answer = await self._exchange.call(
            "POST", "/api/v3/media/upload/binary", policy.UPLOAD_TIMEOUT, files=files
        )
        url = answer.data.get("download_url") if isinstance(answer.data, dict) else None
        if not isinstance(url, str) or not url:
            raise Unavailable("The provider's answer to the upload could not be read.")
        return url

    async def _post(self, path: str, body: dict[str, Any], patience: float = policy.POLL_TIMEOUT) -> Any:
        answer = await self._exchange.call("POST", path, patience, json=body)
        return answer.data

    async def _repeat(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a free call again while it is `Unavailable`, a few times."""
        for attempt in range(_READ_ATTEMPTS - 1):
            try:
                return await call()
            except Unavailable:
                await self._sleep(policy.backoff(attempt, self._chance()))
        return await call()


def _body(request: Request, urls: Sequence[str]) -> dict[str, Any]:
    return SubmitBody(
        prompt=request.prompt,
        reference_images=list(urls),
        duration=request.duration,
        camera_fixed=request.camera_fixed,
        seed=request.seed,
    ).model_dump()


def _filename(image: CleanImage) -> str:
    return f"{image.sha256[:16]}.{image.content_type.rpartition('/')[2]}"
