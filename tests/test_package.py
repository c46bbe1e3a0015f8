"""What holds for the package as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("gradio", "cv2", "av", "fastapi", "pandas", "distributed")


@pytest.mark.parametrize("statement", ["import seedance", "import seedance.cli"])
def test_the_library_is_light(statement: str) -> None:
    """Neither the library nor the command line loads the page, the engine or what they need."""
    program = f"{statement}; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


def test_public_names_exist() -> None:
    """Every name that the package lists can be imported from it."""
    import seedance

    assert [name for name in seedance.__all__ if not hasattr(seedance, name)] == []


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("gradio", ("seedance/page",)),
        ("av", ("seedance/engine/encoder.py",)),
        ("distributed", ("seedance/engine/connection.py", "seedance/engine/parcel.py")),
    ],
)
def test_one_importer(package: str, allowed: tuple[str, ...]) -> None:
    """Only the page imports Gradio, only the encoder PyAV, and only the ends of a cluster's line Dask."""
    wanted = re.compile(rf"^\s*(import|from) {package}\b", re.MULTILINE)
    modules = (ROOT / "seedance").rglob("*.py")
    importers = [path.relative_to(ROOT).as_posix() for path in modules if wanted.search(path.read_text())]
    assert importers
    assert all(name.startswith(allowed) for name in importers), importers
