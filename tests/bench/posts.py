"""Count the POSTs that a provider sees for one call that it fails, ours and the official SDK's.

Usage: python -m tests.bench.posts
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.proof.one_post import CALLERS, MODES, count, impatient
from tests.proof.programs import Books, provider


async def table(address: str, folder: Path) -> None:
    print(f"{'the provider':<18}" + "".join(f"{caller:<34}" for caller in CALLERS))
    async with Books(address) as books:
        for mode in MODES:
            seen = [await count(caller, mode, books, folder) for caller in CALLERS]
            cells = (f"{it['posts']} POST, {it['charged']} charged: {it['ended']}" for it in seen)
            print(f"{mode:<18}" + "".join(f"{cell:<34}" for cell in cells))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="seedance-posts-") as name:
        folder = Path(name)
        with provider(folder) as address, impatient():
            asyncio.run(table(address, folder))


if __name__ == "__main__":
    main()
