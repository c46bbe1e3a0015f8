"""One call of a client, and how many POSTs the provider sees for it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import wavespeed
from pydantic import SecretStr

from seedance import policy
from seedance.client import WaveSpeed
from seedance.errors import SeedanceError
from seedance.models import DEFAULT_MODEL, Request
from seedance.settings import Settings
from seedance.studio import Studio
from tests.proof.programs import PHOTO, Books
from tests.proof.steps import Submit

MODES: Final[tuple[Submit, ...]] = ("hang", "drop", "500", "504", "drop-after-accept")
"""How a submit fails after it was read."""
PATIENCE: Final = 1.0  # seconds until a client gives up a submit that hangs
_GRACE: Final = 1.0  # seconds for which the studio looks for a lost submit
_PROMPT: Final = "a fox looks up"
_IMAGE: Final = "https://media.invalid/fox.jpeg"


async def by_client(key: str, address: str, folder: Path) -> str:
    """Call `WaveSpeed.submit` once; return what it ended with."""
    async with WaveSpeed(SecretStr(key), base_url=address) as client:
        try:
            task = await client.submit(Request(_PROMPT, (PHOTO,), seed=1), [_IMAGE])
        except SeedanceError as error:
            return type(error).__name__
        return f"task {task.id}"


async def by_studio(key: str, address: str, folder: Path) -> str:
    """Have the studio make one video, and look for it where its submit was lost."""
    house = {"SEEDANCE_DATA_DIR": str(folder / key), "SEEDANCE_GRACE": str(_GRACE)}
    with mock.patch.dict(os.environ, house | {"WAVESPEED_API_KEY": key, "WAVESPEED_BASE_URL": address}):
        settings = Settings()
    async with Studio(settings) as studio:
        id = await studio.start(_PROMPT, [PHOTO])
        async for event in studio.watch(id):
            state = event.state.value
        return state


async def by_sdk(key: str, address: str, folder: Path) -> str:
    """Call the official SDK's `run` once."""
    client = wavespeed.Client(api_key=key, base_url=address)
    body: dict[str, Any] = {"prompt": _PROMPT, "reference_images": [_IMAGE], "seed": 1}

    def run() -> str:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                client.run(DEFAULT_MODEL, body, timeout=PATIENCE, poll_interval=0.1)
            except Exception as error:
                return type(error).__name__
        return "done"

    return await asyncio.to_thread(run)


CALLERS: Final[dict[str, Callable[..., Any]]] = {
    "seedance, client": by_client,
    "seedance, studio": by_studio,
    f"wavespeed {wavespeed.__version__}": by_sdk,
}


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """Let our client give up a submit that hangs as soon as the SDK does."""
    with mock.patch.object(policy, "SUBMIT_TIMEOUT", PATIENCE):
        yield


async def count(caller: str, mode: Submit, books: Books, folder: Path) -> dict[str, Any]:
    """Make one call and return what the provider saw of it."""
    key = f"sk-{secrets.token_hex(12)}"
    await books.rule(key, submit=mode, delay=0.0)
    ended = await CALLERS[caller](key, books.address, folder)
    told = await books.told(key)
    return {"posts": told["posts"], "charged": len(told["tasks"]), "ended": ended}
