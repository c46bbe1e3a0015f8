"""The page's numbers for Prometheus, on the page's own port, for whoever has the token."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seedance.errors import Unavailable
from seedance.metrics import may_read
from seedance.studio import Studio


def numbers(studio: Studio, token: SecretStr) -> Route:
    """Return the route of `/metrics`."""

    async def metrics(request: Request) -> Response:
        if not may_read(request.headers.get("Authorization", ""), token):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        try:
            return Response(await studio.metrics(), media_type=CONTENT_TYPE_LATEST)
        except Unavailable:
            return Response(status_code=503)

    return Route("/metrics", metrics)
