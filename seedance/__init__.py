"""1 to 4 reference images and a prompt become a video: Seedance v1 Lite, as WaveSpeedAI serves it.

`generate` is the blocking door for scripts; `Studio` makes videos from request to saved file and keeps them
on record; `WaveSpeed` is the bare client of the provider's API. Errors are in `seedance.errors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedance.blocking import Video, generate
    from seedance.client import WaveSpeed
    from seedance.errors import SeedanceError
    from seedance.models import Event, Request, State, Status, Task
    from seedance.settings import Settings
    from seedance.studio import Studio
    from seedance.version import __version__

__all__ = [
    "Event",
    "Request",
    "SeedanceError",
    "Settings",
    "State",
    "Status",
    "Studio",
    "Task",
    "Video",
    "WaveSpeed",
    "__version__",
    "generate",
]

# Each name is loaded at its first use: the processes that decode images and render videos need none of them,
# and are spared 0.4 s of imports and 47 MB.
_HOMES = {
    "blocking": ("Video", "generate"),
    "client": ("WaveSpeed",),
    "errors": ("SeedanceError",),
    "models": ("Event", "Request", "State", "Status", "Task"),
    "settings": ("Settings",),
    "studio": ("Studio",),
    "version": ("__version__",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"seedance.{module}"), name)
    raise AttributeError(f"module 'seedance' has no attribute {name!r}")
