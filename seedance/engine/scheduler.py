"""Where a Dask scheduler is, and whether it is safe to speak to it.

A scheduler runs what anybody who reaches it asks for, and whoever poses as one reads the jobs. So without TLS
it must be on this machine or in a private network.
"""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from seedance.addresses import is_own
from seedance.engine.executor import refused

_PORT: Final = 8786
_TLS: Final = "dask+tls"
_ANYWHERE: Final = "dask+insecure"


@dataclass(frozen=True, slots=True)
class Scheduler:
    """A scheduler as the setting names it: `dask://`, `dask+tls://` or `dask+insecure://HOST:PORT`."""

    setting: str
    host: str
    port: int
    tls: bool
    anywhere: bool
    """Whether it may be on a public address without TLS: the host says that this network is guarded."""

    @classmethod
    def read(cls, setting: str) -> Self:
        """Read the setting.

        Raises:
            InvalidRequest: it is not well formed, or Dask's configuration lacks what TLS needs.
        """
        with suppress(ValueError):  # a port that is none, a bracket without its fellow
            parts = urlsplit(setting)
            whole = f"{parts.scheme}://{parts.netloc}" == setting.rstrip("/") and "@" not in parts.netloc
            if parts.scheme in ("dask", _TLS, _ANYWHERE) and parts.hostname and whole:
                tls = parts.scheme == _TLS
                return cls(setting, parts.hostname, parts.port or _PORT, tls, parts.scheme == _ANYWHERE)
        raise refused(setting)

    def find(self) -> list[str]:
        """Return the addresses to connect to, as Dask writes them. Blocking: the name is looked up.

        What was checked is connected to: without TLS, the numbers that the name stood for.

        Raises:
            OSError: the name cannot be resolved.
            InvalidRequest: without TLS, one of its addresses is public.
        """
        if self.tls:
            return [f"tls://{_bracketed(self.host)}:{self.port}"]
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise OSError("this is not a host's name") from error
        numbers = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        public = [number for number in numbers if not is_own(ipaddress.ip_address(number))]
        if public and not self.anywhere:
            raise refused(
                self.setting,
                f"{public[0]} is outside of this machine and its private networks, and without TLS whoever "
                "reaches a Dask scheduler can run programs on its workers. Use dask+tls://, or "
                f"{_ANYWHERE}:// if that network is guarded otherwise.",
            )
        return [f"tcp://{_bracketed(number)}:{self.port}" for number in numbers]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
