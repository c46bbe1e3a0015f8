"""The embedded engine: a server that speaks WaveSpeedAI's v3 API and renders previews on the CPU.

It is reached through HTTP alone: inside this process by `Engine.transport`, or served on a port.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedance.engine.contract import Rules
    from seedance.engine.server import Engine

__all__ = ["Engine", "Rules"]

# Loaded at their first use: a process that renders needs no server, and is spared 0.4 s and 50 MB.
_HOMES = {"Engine": "server", "Rules": "contract"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'seedance.engine' has no attribute {name!r}")
    return getattr(import_module(f"seedance.engine.{_HOMES[name]}"), name)
