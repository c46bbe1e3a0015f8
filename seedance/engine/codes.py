"""The contract's task codes: why a task has failed, or why its answer came early."""

from __future__ import annotations

from typing import Final

MODERATION: Final = 1200
"""The prompt was refused."""
INVALID_PARAMETER: Final = 1401
"""A parameter or an image cannot be used."""
IMAGE_GONE: Final = 1402
"""An image could not be fetched, or is not here any more."""
EXECUTION_FAILED: Final = 1403
"""The render failed, or needed more time or memory than one may have."""
RETRIES_EXHAUSTED: Final = 1406
"""The render's worker died, each time."""
SYNC_TIMEOUT: Final = 5004
"""The wait of a synchronous call is over; the task goes on."""
