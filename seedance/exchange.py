"""One call of the provider's API and its answer: the key, the connections, the time limits, the refusals."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable
from typing import Any, Final, Self

import httpx
from pydantic import SecretStr

from seedance import policy
from seedance.errors import InvalidRequest, MissingKey, NotDelivered, OutcomeUnknown, Unavailable
from seedance.metrics import Metrics
from seedance.version import __version__
from seedance.wire import Answer, read_answer, read_task

_READERS: Final = 12
_SUBMITTERS: Final = 4  # together the most connections to the provider, however many tasks run: 16
_FINE: Final = frozenset({200, 201, 202})
_AMBIGUOUS: Final = frozenset({408, 425})  # a gateway may answer these for a request that went through
_NEVER_ARRIVED: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
# At INFO httpx logs whole addresses, and those of storage carry signatures.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Exchange:
    """The connections to one server with one key. The key never shows in a repr, an error or a log."""

    def __init__(
        self,
        key: SecretStr | None,
        base_url: str,
        model: str,
        transport: httpx.AsyncBaseTransport | None,
        wall: Callable[[], float] = time.time,
        metrics: Metrics | None = None,
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
        self._wall = wall
        self.metrics = metrics or Metrics()
        headers = {
            "X-Client-Name": "seedance-studio",
            "X-Client-Version": __version__,
            "X-Client-OS": platform.system().lower() or "unknown",
        }
        pooled = httpx.Limits(max_connections=_READERS)
        # An idle kept-alive connection may be closed by the server just as a submit is written to it; then
        # nobody can tell whether it arrived. So a submit gets a new connection.
        fresh = httpx.Limits(max_connections=_SUBMITTERS, max_keepalive_connections=0)
        self.http = httpx.AsyncClient(headers=headers, limits=pooled, transport=transport)
        self._submit_http = httpx.AsyncClient(headers=headers, limits=fresh, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.http.aclose()
        await self._submit_http.aclose()

    async def submit(self, body: dict[str, Any]) -> Answer:
        """Make the one call that costs money, once.

        Raises:
            NotDelivered: no connection was made.
            Refused: the provider said no.
            OutcomeUnknown: the answer was lost or cannot be read.
        """
        with self.metrics.errors():
            return await self._submit(body)

    async def _submit(self, body: dict[str, Any]) -> Answer:
        try:
            response = await self._submit_http.post(
                f"{self.base_url}/api/v3/{self.model}",
                json=body,
                headers=self._authorization,
                timeout=limits(policy.SUBMIT_TIMEOUT),
            )
        except _NEVER_ARRIVED as error:
            raise NotDelivered(
                f"{self.base_url} could not be reached ({type(error).__name__}). Nothing was sent or charged."
            ) from error
        except httpx.HTTPError as error:
            raise unknown(type(error).__name__) from error
        answer = _read(response)
        code = _code(response, answer)
        named = answer is not None and response.is_success and read_task(answer.data) is not None
        if answer is None or response.is_redirect or (not named and (code >= 500 or code in _AMBIGUOUS)):
            raise unknown(f"HTTP {response.status_code}")
        if not named:  # a task's id counts more than any code
            self._refuse(response, code, answer)
        return answer

    async def call(
        self, method: str, path: str, patience: float, *, of_task: bool = False, **content: Any
    ) -> Answer:
        """Make one call that costs nothing, and return its answer.

        Raises:
            Unavailable: no usable answer this time.
            Refused: the provider said no; with `of_task`, to a question after a task that exists.
        """
        url = self.base_url + path
        response = await self.send(method, url, patience, headers=self._authorization, **content)
        with self.metrics.errors():
            answer = _read(response)
            code = _code(response, answer)
            if answer is None or code in policy.TRANSIENT or code >= 500:
                raise Unavailable(f"The provider answered HTTP {response.status_code}.")
            self._refuse(response, code, answer, of_task=of_task)
        return answer

    async def send(self, method: str, url: str, patience: float, **content: Any) -> httpx.Response:
        """Send a request anywhere, without the key unless `content` has it.

        Raises:
            Unavailable: there was no answer.
        """
        with self.metrics.errors():
            try:
                return await self.http.request(method, url, timeout=limits(patience), **content)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Unavailable(f"The provider could not be reached ({type(error).__name__}).") from error

    def _refuse(self, response: httpx.Response, code: int, answer: Answer, *, of_task: bool = False) -> None:
        if code in _FINE:
            return
        raise policy.refusal(
            code,
            answer.reason.replace(self._key.get_secret_value(), "***"),
            model=self.model,
            retry_after=policy.retry_after(response.headers, self._wall()),
            of_task=of_task,
        )

    @property
    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key.get_secret_value()}"}


def limits(patience: float) -> httpx.Timeout:
    """Return the time limits of a call: its turn for a connection may take as long as it takes."""
    return httpx.Timeout(patience, connect=policy.CONNECT_TIMEOUT, pool=None)


def unknown(what: str) -> OutcomeUnknown:
    """Return the error of a submit whose answer was lost."""
    return OutcomeUnknown(
        f"The request was sent but its answer was lost ({what}). A video may have been started and "
        "charged: look at the provider's history before you send it again."
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
