"""What Prometheus may know of videos in the making: numbers alone, of nobody and without content."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from pydantic import SecretStr

from seedance.errors import SeedanceError
from seedance.models import Price, State

_LATE: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
_TAKEN: Final = (2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class Metrics:
    """The numbers of one process, in a registry of their own. Safe in threads."""

    def __init__(self) -> None:
        mine = self.registry = CollectorRegistry()
        ProcessCollector(registry=mine)
        self._unfinished = Gauge(
            "seedance_videos", "Unfinished videos in the journal", ["state"], registry=mine
        )
        self._ended = Counter(
            "seedance_videos_ended", "Videos that this process has ended", ["state", "engine"], registry=mine
        )
        self._taken = Histogram(
            "seedance_video_seconds",
            "From request to saved video",
            ["engine"],
            buckets=_TAKEN,
            registry=mine,
        )
        self._late = Histogram(
            "seedance_poll_lag_seconds", "How late polls are", buckets=_LATE, registry=mine
        )
        self._errors = Counter(
            "seedance_provider_errors",
            "Calls of the provider without the wanted answer",
            ["kind"],
            registry=mine,
        )
        self._spent = Counter(
            "seedance_spend",
            "Prices of finished videos, as the provider told them",
            ["currency"],
            registry=mine,
        )
        self._unpriced = Counter(
            "seedance_videos_unpriced", "Finished videos whose price the provider did not tell", registry=mine
        )

    def polled(self, late: float) -> None:
        """Count a poll that came so many seconds late."""
        self._late.observe(max(late, 0.0))

    def ended(self, state: State, engine: str, seconds: float) -> None:
        """Count a video that has ended, so many seconds after its request."""
        self._ended.labels(state.value, engine).inc()
        if state is State.DONE:
            self._taken.labels(engine).observe(seconds)

    def spent(self, price: Price | None) -> None:
        """Count what a finished video cost, None where nobody says."""
        if price is None:
            self._unpriced.inc()
        else:
            self._spent.labels(price.currency).inc(max(price.amount, 0.0))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Count an error that comes out of the block by its class."""
        try:
            yield
        except SeedanceError as error:
            self._errors.labels(type(error).__name__).inc()
            raise

    def text(self, unfinished: Mapping[str, int]) -> bytes:
        """Return all numbers in Prometheus' format; `unfinished` are the journal's videos by state."""
        for state in State:
            if not state.ended or state.value in unfinished:
                self._unfinished.labels(state.value).set(unfinished.get(state.value, 0))
        return generate_latest(self.registry)


def may_read(authorization: str, token: SecretStr) -> bool:
    """Tell whether a request's `Authorization` header holds the token of whoever may read the numbers."""
    scheme, _, given = authorization.partition(" ")
    wanted = token.get_secret_value().encode()
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted)
