from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.watchers import CHANGES, watch
from tests.page.provider import Provider


@pytest.mark.anyio
async def test_a_hundred_watchers_hear_every_change(page_url: str, provider: Provider, photo: Path) -> None:
    """Browsers that watch one task in one process: none misses a change or errs."""
    seen = await watch(page_url, provider, photo, watchers=100)
    assert seen.errors == []
    assert len(seen.lags) == 100 * CHANGES
