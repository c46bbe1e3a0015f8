"""1 to 4 reference images and a prompt become a video: Seedance v1 Lite, as WaveSpeedAI serves it.

`generate` is the blocking door for scripts; `Studio` makes videos from request to saved file and keeps them
on record; `WaveSpeed` is the bare client of the provider's API. Errors are in `seedance.errors`.
"""

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
