"""All calls of the engine and where they are answered: the ASGI application."""

from __future__ import annotations

from typing import ClassVar, Final

from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, PathConvertor
from starlette.routing import Route
from starlette.types import ASGIApp

from seedance.engine import about, catalog, downloads, health, predictions, uploads, webhooks
from seedance.engine.contract import REFUSALS, Parts
from seedance.engine.faults import Faults, RateLimit
from seedance.engine.openapi import openapi
from seedance.engine.submit import submit


class _ModelConvertor(PathConvertor):
    """A model id in a path: whatever is not below a call of another kind."""

    regex: ClassVar[str] = r"(?!(?:balance|media|model|models|predictions|webhook)(?:/|$))(?s:.+)"


CONVERTOR_TYPES["seedance_model"] = _ModelConvertor()

_ROUTES: Final = (
    Route("/", about.about),
    Route("/openapi.json", openapi),
    Route("/healthz", health.healthz),
    Route("/metrics", health.metrics),
    Route("/api/v3/predictions/delete", predictions.delete, methods=["POST"]),
    Route("/api/v3/predictions/{id}/result", predictions.query),
    Route("/api/v3/predictions/{id}", predictions.query),
    Route("/api/v3/predictions", predictions.list_all, methods=["POST"]),
    Route("/api/v3/balance", catalog.balance),
    Route("/api/v3/models", catalog.models),
    Route("/api/v3/model/price", catalog.price, methods=["POST"]),
    Route("/api/v3/model/pricing", catalog.pricing, methods=["POST"]),
    Route("/api/v3/webhook/secret", webhooks.secret),
    Route("/api/v3/media/uploads", uploads.ticket, methods=["POST"]),
    Route("/api/v3/media/upload/binary", uploads.form, methods=["POST"]),
    Route(uploads.UPLOADS + "{token}", uploads.put, methods=["PUT"]),
    Route(downloads.READ_UPLOAD, downloads.read_upload),
    Route(downloads.READ_RESULT, downloads.read_result),
    Route("/api/v3/{model:seedance_model}", submit, methods=["POST"]),
)


def build(parts: Parts, metrics: health.Metrics | None = None) -> ASGIApp:
    """Return the ASGI application of an engine."""
    app = Starlette(routes=_ROUTES, exception_handlers=REFUSALS)
    app.router.redirect_slashes = False
    app.state.parts = parts
    app.state.rate_limit = RateLimit(parts.rules.rate_limit)
    app.state.metrics = metrics or health.Metrics()
    faulty = Faults(app, parts.rules.faults, parts.rules.latency)
    return health.Counted(faulty, app.state.metrics)
