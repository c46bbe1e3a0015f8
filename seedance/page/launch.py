"""Open the page: the studio lives as long as the server does."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import gradio as gr
from gradio import http_server
from gradio.exceptions import ServerFailedToStartError

from seedance import logs
from seedance.images import MAX_BYTES
from seedance.page.examples import FOLDER
from seedance.page.layout import build
from seedance.page.numbers import numbers
from seedance.page.theme import CSS, theme
from seedance.settings import Settings
from seedance.studio import Studio

_LOG: Final = logging.getLogger(__name__)
_EVENTS: Final = 2500  # under way at a time: two for each of a thousand watchers, and what they do besides
_LOOK: Final = 0.05  # seconds between Gradio's looks for new events, and for progress to tell
_PROGRESS: Final = 0.1
_FAREWELL: Final = 1  # seconds that requests have at the end
_ENDING: Final = 30.0  # seconds for the studio to put on record what it has just sent
_GRADIOS_START: Final[Callable[[http_server.Server], None]] = http_server.Server.run_in_thread


def launch(settings: Settings | None = None, **options: Any) -> gr.Blocks:
    """Build the page and serve it; `options` go to Gradio's own `launch`. Returns the page."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it prints whole URLs
    settings = settings or Settings()
    logs.configure(settings.log)
    studio = Studio(settings)
    token = settings.metrics_token
    loops: list[asyncio.AbstractEventLoop] = []

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        loops.append(asyncio.get_running_loop())
        if settings.log == "json":
            logs.adopt()
        async with studio:
            resumed = await studio.resume(for_ever=True)
            _LOG.info("%d unfinished videos resumed", len(resumed))
            await studio.warm()
            yield

    def end(*_: object) -> None:
        for loop in loops:
            loop.call_soon_threadsafe(_cut, page.server)
        raise KeyboardInterrupt

    # Both end in order: the studio puts on record what it has sent, and leaves its leases.
    if threading.current_thread() is threading.main_thread():
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, end)
    page, i18n = build(studio)
    page.queue(default_concurrency_limit=None)
    # Gradio looks for new events a thousand times a second, which alone takes 4 % of a core.
    page._queue.sleep_when_free, page._queue.progress_update_sleep_when_free = _LOOK, _PROGRESS
    waits = not options.pop("prevent_thread_lock", False)
    http_server.Server.run_in_thread = _start  # type: ignore[method-assign]
    page.launch(
        **{
            "theme": theme(),
            "css_paths": CSS,
            "i18n": i18n,
            "allowed_paths": [str(studio.settings.videos), str(FOLDER)],
            "app_kwargs": {"lifespan": lifespan, "routes": [numbers(studio, token)] if token else []},
            "max_file_size": MAX_BYTES,
            "max_threads": _EVENTS,
            "mcp_server": True,
            "run_history": False,
            "show_error": False,
            "footer_links": ["api"],
            "prevent_thread_lock": True,
            **options,
        }
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    page.server.config.timeout_graceful_shutdown = _FAREWELL
    if waits:
        page.block_thread()
        page.server.thread.join(_ENDING)
    return page


def _start(server: http_server.Server) -> None:
    """Start Gradio's server and wait until it serves, however long a busy machine takes.

    Gradio gives it 5 s; then it starts the same page once more on the next port, which cannot succeed, up to
    a hundred times.

    Raises:
        SystemExit: it cannot start; uvicorn has told why.
    """
    try:
        _GRADIOS_START(server)
    except ServerFailedToStartError:
        while not server.started:
            if not server.thread.is_alive():
                raise SystemExit("The page could not be opened; the reason stands above.") from None
            time.sleep(_LOOK)


def _cut(server: Any) -> None:
    """Break off all connections: a page whose stream breaks looks for the server until it is back."""
    for connection in list(server.server_state.connections):
        connection.transport.abort()


def _is_news(record: logging.LogRecord) -> bool:
    """Return False for what uvicorn says of requests that were cut off because the server ends."""
    cut = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not cut and "timeout graceful shutdown exceeded" not in record.getMessage()
