"""How the server is doing: one word for a supervisor, numbers for Prometheus. They tell nobody's content."""

from __future__ import annotations

import asyncio
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedance.engine.contract import parts_of
from seedance.metrics import may_read
from seedance.version import __version__

_SECONDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


class Metrics:
    """The numbers of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._tasks = Gauge("seedance_tasks", "Tasks on record", ["status"], registry=self.registry)
        self._queue = Gauge("seedance_queue_length", "Tasks that wait or run", registry=self.registry)
        self._workers = Gauge(
            "seedance_workers", "Renders that can run at a time now", registry=self.registry
        )
        self._renders = Histogram(
            "seedance_render_seconds", "Duration of renders", buckets=_SECONDS, registry=self.registry
        )
        self._requests = Counter(
            "seedance_requests", "Requests answered", ["route", "status"], registry=self.registry
        )

    def rendered(self, seconds: float) -> None:
        """Count a render."""
        self._renders.observe(seconds)

    def answered(self, route: str, status: int) -> None:
        """Count an answer."""
        self._requests.labels(route, str(status)).inc()

    def text(self, counts: dict[str, int], workers: int) -> bytes:
        """Return all numbers in Prometheus' format; `counts` are the tasks by status."""
        self._workers.set(workers)
        for status, number in counts.items():
            self._tasks.labels(status).set(number)
        self._queue.set(counts.get("created", 0) + counts.get("processing", 0))
        return generate_latest(self.registry)


class Counted:
    """The application, its answers counted by route and status. Pure ASGI."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope.get("route")
                self._metrics.answered(getattr(route, "path", "other"), message["status"])
            await send(message)

        await self._app(scope, receive, counting)


async def healthz(request: Request) -> Response:
    """Say that the server works: it can read its records."""
    await asyncio.to_thread(parts_of(request).records.counts)
    return JSONResponse({"status": "ok", "version": __version__})


async def metrics(request: Request) -> Response:
    """Tell the numbers.

    Raises:
        HTTPException: 401, they are not for everybody, and the caller has not sent the token.
    """
    parts = parts_of(request)
    token = parts.rules.metrics_token
    if token is not None and not may_read(request.headers.get("Authorization", ""), token):
        raise HTTPException(401, "Unauthorized: send the metrics token", {"WWW-Authenticate": "Bearer"})
    counts = await asyncio.to_thread(parts.records.counts)
    told: Metrics = request.app.state.metrics
    return Response(told.text(counts, parts.queue.workers), media_type=CONTENT_TYPE_LATEST)
