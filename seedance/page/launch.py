"""Open the page: the studio lives as long as the server does."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import gradio as gr

from seedance.images import MAX_BYTES
from seedance.page.examples import FOLDER
from seedance.page.layout import build
from seedance.page.theme import CSS, theme
from seedance.settings import Settings
from seedance.studio import Studio

_LOG: Final = logging.getLogger(__name__)
_WATCHERS: Final = 1000


def launch(settings: Settings | None = None, **options: Any) -> gr.Blocks:
    """Build the page and serve it; `options` go to Gradio's own `launch`. Returns the page."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it prints whole URLs
    studio = Studio(settings)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with studio:
            resumed = await studio.resume(for_ever=True)
            _LOG.info("%d unfinished videos resumed", len(resumed))
            await studio.warm()
            yield

    # SIGTERM closes the server as Ctrl-C does, so that the studio leaves its leases at once.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    page, i18n = build(studio)
    page.queue(default_concurrency_limit=None)
    page.launch(
        **{
            "theme": theme(),
            "css_paths": CSS,
            "i18n": i18n,
            "allowed_paths": [str(studio.settings.videos), str(FOLDER)],
            "app_kwargs": {"lifespan": lifespan},
            "max_file_size": MAX_BYTES,
            "max_threads": _WATCHERS,
            "mcp_server": True,
            "run_history": False,
            "show_error": False,
            "footer_links": ["api"],
            **options,
        }
    )
    return page
