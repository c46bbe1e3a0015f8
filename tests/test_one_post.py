"""One call is one POST, whatever the provider does with it: each further one could charge again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.one_post import CALLERS, MODES, count, impatient
from tests.proof.programs import Books, provider
from tests.proof.steps import Submit

pytestmark = pytest.mark.anyio

OURS = [caller for caller in CALLERS if caller.startswith("seedance")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with provider(tmp_path_factory.mktemp("provider")) as address:
        yield address


@pytest.mark.parametrize("caller", OURS)
@pytest.mark.parametrize("mode", MODES)
async def test_a_submit_whose_answer_fails_is_sent_once(
    caller: str, mode: Submit, address: str, tmp_path: Path
) -> None:
    """The provider hangs, drops the connection or answers 5xx after reading: it has seen one POST."""
    async with Books(address) as books:
        with impatient():
            seen = await count(caller, mode, books, tmp_path)
    assert seen["posts"] == 1
    assert seen["charged"] == (mode == "drop-after-accept")


async def test_a_lost_answer_is_found_again(address: str, tmp_path: Path) -> None:
    """A task that was accepted while the connection broke is found in the list and brought home."""
    async with Books(address) as books:
        seen = await count("seedance, studio", "drop-after-accept", books, tmp_path)
    assert seen["ended"] == "done"


async def test_the_official_sdk_is_counted_by_the_same_books(address: str, tmp_path: Path) -> None:
    """The count is the provider's own, so another client's POSTs show in it as well."""
    (sdk,) = set(CALLERS) - set(OURS)
    async with Books(address) as books:
        seen = await count(sdk, "drop", books, tmp_path)
    assert seen["posts"] >= 1
