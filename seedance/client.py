"""WaveSpeedAI's REST API: upload, submit, get, events, wait, download. Only this module calls it."""

from __future__ import annotations

import asyncio
import platform
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr, ValidationError

from seedance import policy
from seedance.download import fetch
from seedance.errors import (
    InvalidRequest,
    MissingKey,
    NotDelivered,
    OutcomeUnknown,
    StillRunning,
    TaskFailed,
    TaskRejected,
    Unavailable,
)
from seedance.images import CleanImage
from seedance.models import DEFAULT_MODEL, Request, Status, Task
from seedance.version import __version__
from seedance.wire import Answer, SubmitBody, UploadRequest, UploadTicket, read_answer, read_task

DEFAULT_BASE_URL: Final = "https://api.wavespeed.ai"
MAX_CONNECTIONS: Final = 16
_READ_ATTEMPTS: Final = 5
_FINE: Final = frozenset({200, 201, 202})
_NEVER_ARRIVED: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)

T = TypeVar("T")


class WaveSpeed:
    """A client for one key and one model. Use it as an async context manager.

    A submit is sent once, on a connection of its own, and never repeated here: it costs money and the
    provider knows no idempotency key. Everything else is free and repeated when the network fails.

    `sleep`, `clock` (seconds, any origin), `chance` (0 to 1) and `transport` can be replaced, for tests and
    for an engine inside this process.
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
        chance: Callable[[], float] = random.random,
    ) -> None:
        secret = key.get_secret_value().strip() if key else ""
        if not secret:
            raise MissingKey
        if not (secret.isascii() and secret.isprintable()):
            raise InvalidRequest(
                "key",
                "The WaveSpeedAI key holds characters that no key has; copy it again. Nothing was sent.",
            )
        self.base_url = base_url.rstrip("/")
        self.model = model
        self._key = SecretStr(secret)
        self._pace = pace
        self._sleep, self._clock, self._chance = sleep, clock, chance
        headers = {
            "X-Client-Name": "seedance-studio",
            "X-Client-Version": __version__,
            "X-Client-OS": platform.system().lower() or "unknown",
        }
        pooled = httpx.Limits(max_connections=MAX_CONNECTIONS)
        # An idle kept-alive connection may be closed by the server just as a submit is written to it; then
        # nobody can tell whether it arrived. So a submit gets a new connection.
        fresh = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=0)
        self._http = httpx.AsyncClient(headers=headers, limits=pooled, transport=transport)
        self._submit_http = httpx.AsyncClient(headers=headers, limits=fresh, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()
        await self._submit_http.aclose()

    def __repr__(self) -> str:
        return f"WaveSpeed({self.base_url!r}, model={self.model!r})"

    async def upload(self, image: CleanImage) -> str:
        """Store an image with the provider for 7 days and return its URL, to be named in a submit.

        Raises:
            Unavailable: the provider or its storage could not be reached, several times over.
            Refused: it does not take the image; the subclass says why.
        """
        return await self._repeat(lambda: self._upload_once(image))

    async def submit(self, request: Request, urls: Sequence[str]) -> Task:
        """Ask for a video of uploaded images: one POST, once. This is what costs money.

        Raises:
            NotDelivered: no connection was made; it is safe to call again.
            Refused: the provider said no, no task exists; the subclass says why.
            OutcomeUnknown: the answer was lost or makes no sense; a task may exist and be charged.
        """
        body = SubmitBody(
            prompt=request.prompt,
            reference_images=list(urls),
            duration=request.duration,
            camera_fixed=request.camera_fixed,
            seed=request.seed,
        )
        timeout = httpx.Timeout(policy.SUBMIT_TIMEOUT, connect=policy.CONNECT_TIMEOUT)
        try:
            response = await self._submit_http.post(
                f"{self.base_url}/api/v3/{self.model}",
                json=body.model_dump(),
                headers=self._authorization,
                timeout=timeout,
            )
        except _NEVER_ARRIVED as error:
            raise NotDelivered(
                f"{self.base_url} could not be reached ({type(error).__name__}). Nothing was sent or charged."
            ) from error
        except httpx.HTTPError as error:
            raise self._unknown(type(error).__name__) from error
        answer = _read(response)
        code = _code(response, answer)
        if answer is None or code >= 500 or code in (408, 425) or response.is_redirect:
            raise self._unknown(f"HTTP {response.status_code}")
        self._refuse(code, answer)
        task = read_task(answer.data)
        if task is None:
            raise self._unknown("an answer without a task id")
        return task

    async def get(self, task_id: str) -> Task:
        """Ask once how a task is doing.

        Raises:
            Unavailable: no usable answer this time; ask again.
            NotFound: the provider does not know it.
        """
        path = f"/api/v3/predictions/{quote(task_id, safe='')}/result"
        answer = await self._call("GET", path, policy.POLL_TIMEOUT, of_task=True)
        task = read_task(answer.data)
        if task is None:
            raise Unavailable("The provider's answer holds no task.")
        return task

    async def events(self, task_id: str, *, deadline: float | None = None) -> AsyncGenerator[Task, None]:
        """Follow a task: yield it at every change until it has ended.

        Failing polls are repeated for as long as it takes: they say nothing about a task that is paid for.

        Raises:
            StillRunning: `deadline` seconds have passed; the task goes on at the provider.
            Refused: the provider does not know the task, or refuses the key.
        """
        start = self._clock()
        seen: Task | None = None
        poll = failures = 0
        while True:
            try:
                task = await self.get(task_id)
            except Unavailable:
                wait = policy.backoff(failures, self._chance())
                failures += 1
            else:
                failures = 0
                if task != seen:
                    seen = task
                    yield task
                if task.status.ended:
                    return
                wait = self._pace.delay(poll, self._clock() - start, self._chance())
                poll += 1
            if deadline is not None and self._clock() - start + wait > deadline:
                raise StillRunning(
                    f"Task {task_id} is still running after {deadline:.0f} s; it can be resumed.",
                    task_id=task_id,
                )
            await self._sleep(wait)

    async def wait(self, task_id: str, *, deadline: float | None = None) -> Task:
        """Return the task once it is completed.

        Raises:
            TaskFailed: the provider ended it without a video.
            StillRunning, Refused: as `events` does.
        """
        last = Task(task_id, Status.QUEUED)
        async with aclosing(self.events(task_id, deadline=deadline)) as events:
            async for task in events:
                last = task
        check_completed(last)
        return last

    async def download(self, url: str, path: Path) -> None:
        """Save a finished video, whole or not at all: first beside `path`, checked, then moved there.

        The key is not sent: outputs are public, and their host is not the API's.

        Raises:
            Unavailable: it could not be fetched whole, several times over. It is kept 7 days; try again.
        """
        await self._repeat(lambda: fetch(self._http, url, path))

    async def _upload_once(self, image: CleanImage) -> str:
        suffix = image.content_type.rpartition("/")[2]
        wanted = UploadRequest(
            filename=f"{image.sha256[:16]}.{suffix}", size=len(image.data), content_type=image.content_type
        )
        answer = await self._call(
            "POST", "/api/v3/media/uploads", policy.UPLOAD_TIMEOUT, json=wanted.model_dump()
        )
        try:
            ticket = UploadTicket.model_validate(answer.data)
        except ValidationError as error:
            raise Unavailable("The provider's upload ticket could not be read.") from error
        target = ticket.upload
        response = await self._send(
            target.method, target.url, policy.UPLOAD_TIMEOUT, headers=target.headers, content=image.data
        )
        if not response.is_success:
            raise Unavailable(f"The provider's storage answered HTTP {response.status_code}.")
        return ticket.download_url

    async def _repeat(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a free call again while it is `Unavailable`, a few times."""
        for attempt in range(_READ_ATTEMPTS - 1):
            try:
                return await call()
            except Unavailable:
                await self._sleep(policy.backoff(attempt, self._chance()))
        return await call()

    async def _call(
        self, method: str, path: str, patience: float, *, of_task: bool = False, **content: Any
    ) -> Answer:
        """Make one free call of the API and return its answer, refusals raised."""
        url = self.base_url + path
        response = await self._send(method, url, patience, headers=self._authorization, **content)
        answer = _read(response)
        code = _code(response, answer)
        if answer is None or code in policy.TRANSIENT or code >= 500:
            raise Unavailable(f"The provider answered HTTP {response.status_code}.")
        self._refuse(code, answer, of_task=of_task)
        return answer

    async def _send(self, method: str, url: str, patience: float, **content: Any) -> httpx.Response:
        limits = httpx.Timeout(patience, connect=policy.CONNECT_TIMEOUT)
        try:
            return await self._http.request(method, url, timeout=limits, **content)
        except httpx.HTTPError as error:
            raise Unavailable(f"The provider could not be reached ({type(error).__name__}).") from error

    def _refuse(self, code: int, answer: Answer, *, of_task: bool = False) -> None:
        """Raise what a refusing answer means."""
        if code not in _FINE:
            reason = answer.reason.replace(self._key.get_secret_value(), "***")
            raise policy.refusal(code, reason, model=self.model, of_task=of_task)

    @property
    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key.get_secret_value()}"}

    @staticmethod
    def _unknown(what: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"The request was sent but its answer was lost ({what}). A video may have been started and "
            "charged: look at the provider's history before you send it again."
        )


def check_completed(task: Task) -> None:
    """Raise `TaskFailed`, or `TaskRejected` for its content, unless the task ended with a video."""
    if task.status is Status.COMPLETED and task.outputs:
        return
    reason = task.error or ("it has no output" if task.status is Status.COMPLETED else "no reason was given")
    rejected = task.code == policy.MODERATION or "moderation" in reason.lower()
    kind = TaskRejected if rejected else TaskFailed
    advice = "Change the prompt or the images." if rejected else "You can try again."
    raise kind(
        f"The provider ended the task without a video: {reason} (task {task.id}). "
        f"Failed tasks are refunded within 3 hours. {advice}",
        task_id=task.id,
        code=task.code,
    )


def _read(response: httpx.Response) -> Answer | None:
    """Return the JSON answer; for a plain 4xx page an empty one; None when nothing can be told from it."""
    try:
        return read_answer(response.json())
    except ValueError:
        return Answer() if response.is_client_error else None


def _code(response: httpx.Response, answer: Answer | None) -> int:
    """Return the HTTP status, or the envelope's own code where HTTP says all is well."""
    if answer is None or not response.is_success:
        return response.status_code
    return int(answer.code or 200)
