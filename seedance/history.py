"""The provider's history of tasks, searched for those that were made of one request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from seedance import policy
from seedance.exchange import Exchange
from seedance.models import Task
from seedance.wire import read_list

_SKEW: Final = 900.0  # seconds that the provider's clock may be behind ours
_PAGE: Final = 100  # tasks in one page, the most there may be
_PAGES: Final = 20
_LAST: Final = datetime.max.replace(tzinfo=UTC)


async def find(exchange: Exchange, wanted: dict[str, Any], since: float) -> list[Task]:
    """Return the tasks of the history whose inputs are those wanted, oldest first.

    `since` is when the request was sent, in seconds since the epoch. The history ends at the first page that
    brings no task that was not there before: a server may give fewer to a page than it was asked for, or the
    same page for ever.

    Raises:
        Unavailable, Refused: the history cannot be read now.
    """
    asked = {
        "page_size": _PAGE,
        "model": exchange.model,
        "created_after": datetime.fromtimestamp(since - _SKEW, UTC).isoformat().replace("+00:00", "Z"),
        "include_inputs": True,
    }
    seen: dict[str, Task] = {}
    found: dict[str, Task] = {}
    for page in range(1, _PAGES + 1):
        answer = await exchange.call(
            "POST", "/api/v3/predictions", policy.POLL_TIMEOUT, json=asked | {"page": page}
        )
        items = read_list(answer.data)
        if all(task.id in seen for task, _ in items):
            break
        seen |= {task.id: task for task, _ in items}
        found |= {task.id: task for task, inputs in items if _same(inputs, wanted)}
    return sorted(found.values(), key=lambda task: task.created_at or _LAST)


def _same(inputs: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Tell whether a task of the history was made of this request: all that the history tells must agree."""
    if inputs.get("seed") != wanted["seed"] or inputs.get("prompt") != wanted["prompt"]:
        return False
    urls = inputs.get("reference_images")
    return urls is None or not wanted["reference_images"] or urls == wanted["reference_images"]
