"""The document and the server agree: a tester that knows only the document finds no difference."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from seedance.engine.api import _ROUTES
from seedance.engine.contract import Parts
from seedance.engine.openapi import document
from tests.bench.schemas import examine

CASES = 500


@pytest.mark.anyio
async def test_the_document_is_served_without_a_key(http: httpx.AsyncClient, parts: Parts) -> None:
    """Tools fetch it as it is."""
    del http.headers["Authorization"]
    assert (await http.get("/openapi.json")).json() == document()


def test_every_call_is_described() -> None:
    """Each route is in the document, and each path of the document leads to a route."""
    described = set(document()["paths"])
    special = {"/media/videos/{name}", "/api/v3/{model:seedance_model}"}
    routed = {route.path for route in _ROUTES} - special
    assert routed - described == set()
    variants = {path for path in described - routed if path.startswith(("/api/v3/", "/media/videos/"))}
    assert described - routed == variants


@pytest.mark.long
def test_the_server_keeps_what_the_document_says(tmp_path: Path) -> None:
    """Requests within the document are answered as it says, those outside are refused; nothing breaks."""
    report = examine(tmp_path, cases=CASES)
    assert report.failures == []
    assert report.cases >= CASES
    assert report.operations == len(document()["paths"]) - 1  # all but the document itself
