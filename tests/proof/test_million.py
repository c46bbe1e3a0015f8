from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.million import fill, measure
from tests.proof.postgres import Postgres

MANY = 8000


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_every_query_of_the_week_is_asked(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A small week is filled and measured as the large one is; of 8,000 rows every answer is quick."""
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/week.sqlite"
    else:
        server: Postgres = request.getfixturevalue("server")
        url = server.new_database()
    fill(url, MANY)
    figures = list(measure(url, MANY, 5))
    assert len({figure.query for figure in figures}) >= 30
    assert [figure.query for figure in figures if figure.median > 1.0] == []
