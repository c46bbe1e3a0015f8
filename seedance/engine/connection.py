"""A connection to a Dask scheduler. Blocking; Dask's own work is done in a thread beside."""

from __future__ import annotations

import asyncio
import importlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from seedance.engine.executor import refused

_CONNECT: Final = 5.0  # seconds
_LOGGING: Final = {
    "version": 1,
    "incremental": True,
    "loggers": {"distributed": {"level": "WARNING"}, "distributed.client": {"level": "CRITICAL"}},
}
"""Else Dask prints, beside this program's own logging, and of what is said here already."""


def dask(setting: str, *, tls: bool) -> Any:
    """Return Dask's `distributed`, loaded only where a setting asks for it.

    Raises:
        InvalidRequest: it is not installed, or not set up for TLS.
    """
    try:
        config = importlib.import_module("dask").config
        config.set(logging=_LOGGING)
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        extra = "that needs the extra 'cluster': pip install '.[cluster]' in this program's folder"
        raise refused(setting, f"{extra} ({error}).") from error
    config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})  # a job holds its images
    if tls and not config.get("distributed.comm.tls.ca-file"):
        raise refused(
            setting,
            "Dask's configuration names no certificates (distributed.comm.tls: ca-file, client.cert, "
            "client.key; or the variables DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …).",
        )
    return distributed


class Thread:
    """An event loop for Dask, so that its work and the server's do not hold each other up."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="dask", daemon=True)
        self._thread.start()
        self._ready.wait()

    async def _live(self) -> None:
        from tornado.ioloop import IOLoop

        self.loop = IOLoop.current()
        self._end = asyncio.Event()
        self._ready.set()
        await self._end.wait()

    def stop(self) -> None:
        """End the loop and its thread."""
        self.loop.add_callback(self._end.set)
        self._thread.join()


class Connection:
    """A client of one scheduler.

    `hear` is called in Dask's thread with each event of the topic: when, and what.
    """

    def __init__(
        self, address: str, loop: Any, topic: str, hear: Callable[[tuple[float, Any]], None]
    ) -> None:
        """Connect.

        Raises:
            OSError: nobody answers there.
        """
        from distributed import Client

        connect: Any = Client
        parts = urlsplit(address)
        socket.create_connection((parts.hostname, parts.port or 0), _CONNECT).close()  # Dask tries for longer
        self._topic, self._hear = topic, hear
        self._client = connect(address, loop=loop, timeout=_CONNECT, set_as_default=False, name="seedance")
        self.executor = self._client.get_executor(pure=False)
        self.threads = 0
        self.look()

    @property
    def alive(self) -> bool:
        """Whether the scheduler is there."""
        return str(self._client.status) == "running"

    def look(self) -> None:
        """See how many threads the workers have."""
        self._client.subscribe_topic(self._topic, self._hear)  # a scheduler that was restarted knows nobody
        self.threads = int(self._client.scheduler_info(n_workers=0).get("total_threads", 0))

    def close(self) -> None:
        """Hang up."""
        self._client.close()
