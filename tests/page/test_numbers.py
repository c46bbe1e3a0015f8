from __future__ import annotations

import httpx

from tests.conftest import METRICS_TOKEN


def test_numbers_are_for_whoever_has_the_token(model_page_url: str) -> None:
    """Beside the page, on its port: Prometheus' format for the token, nothing for others."""
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        refused = httpx.get(f"{model_page_url}/metrics", headers=headers)
        assert (refused.status_code, refused.text) == (401, "")
    told = httpx.get(f"{model_page_url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    assert told.headers["Content-Type"].startswith("text/plain")
    assert 'seedance_videos{state="running"}' in told.text


def test_without_a_token_a_page_has_no_numbers(page_url: str) -> None:
    """There is nothing to be read by anybody."""
    assert "seedance_" not in httpx.get(f"{page_url}/metrics").text
