"""The submit: a request becomes a task on record, or is refused before one exists."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from seedance.engine import codes, webhooks
from seedance.engine.contract import Parts, account_of, address, answer, parts_of, read_json
from seedance.engine.faults import RateLimit
from seedance.engine.inputs import MODERATED, Wanted, fails_on_purpose, read_input
from seedance.engine.predictions import tell
from seedance.engine.records import QueueFull, TaskRecord
from seedance.engine.uploads import find_image

_BUSY: Final = 5  # seconds after which a full queue has room again, as a rule


async def submit(request: Request) -> Response:
    """Accept a task. It is durable when this answers."""
    parts, account, model = parts_of(request), account_of(request), request.path_params["model"]
    if b"%2f" in request.scope.get("raw_path", b"").lower():
        raise HTTPException(400, "model not found")
    wanted = read_input(model, await read_json(request), request.query_params.get("webhook"))
    images = [await find_image(url, request, account) for url in wanted.urls]
    server = address(request)
    for webhook in wanted.webhooks:
        webhooks.check_address(webhook, local=parts.rules.local)
    note = webhooks.note(wanted.webhooks[0], server) if wanted.webhooks else ""
    limit: RateLimit = request.app.state.rate_limit
    if not limit.take(account):
        raise HTTPException(429, f"Rate limit exceeded: {limit.allowed} predictions per 1 minute")
    task = await _accept(parts, account, model, wanted, images, note)
    if wanted.sync:
        return answer(await _wait(task, request, server, parts))
    # The answer is older than the verdict on a task that fails at once, as the provider's is.
    return answer(await tell(replace(task, status="created", error="", code=None), server, parts.media))


async def _accept(
    parts: Parts, account: str, model: str, wanted: Wanted, images: list[str], webhook: str
) -> TaskRecord:
    code, error = _verdict(wanted, parts.rules.fail)
    try:
        if code:
            task = await asyncio.to_thread(
                lambda: parts.records.add_ended(
                    account, model, wanted.input, code=code, error=error, webhook=webhook
                )
            )
            if parts.queue.on_end:
                parts.queue.on_end()
        else:
            task = await asyncio.to_thread(
                lambda: parts.records.add_task(
                    account,
                    model,
                    wanted.input,
                    images if wanted.kind == "video" else [],
                    kind=wanted.kind,
                    webhook=webhook,
                    limit=parts.queue.capacity,
                )
            )
            parts.queue.ring()
    except QueueFull:
        message = f"Too many tasks wait: {parts.queue.capacity}. No task was created; try again later"
        raise HTTPException(429, message, {"Retry-After": str(_BUSY)}) from None
    return task


def _verdict(wanted: Wanted, fail: float) -> tuple[int, str]:
    """Return the code and the reason with which a task fails on purpose, or 0."""
    if MODERATED in wanted.input["prompt"]:
        return codes.MODERATION, "The content was flagged by moderation. Change the prompt or the images"
    if fails_on_purpose(wanted.input, fail):
        return codes.EXECUTION_FAILED, "The execution failed on purpose: the server runs with --fail"
    return 0, ""


async def _wait(task: TaskRecord, request: Request, server: str, parts: Parts) -> dict[str, Any]:
    """Return a task as it is when it has ended, or when the wait is over."""
    started = time.monotonic()
    now: TaskRecord | None = task
    if not task.ended:
        now = await _while_heard(request, parts.queue.ended(task.id, task.account, parts.rules.sync_wait))
    told = await tell(now or task, server, parts.media)
    if now is None or not now.ended:
        waited = time.monotonic() - started
        told["status"], told["code"] = "processing", codes.SYNC_TIMEOUT
        told["error"] = f"Sync mode timed out after {waited:.0f} s; query the result later"
    return told


async def _while_heard(request: Request, ending: Coroutine[Any, Any, TaskRecord | None]) -> TaskRecord | None:
    """Wait, but not for a caller who has hung up."""
    waiting, hearing = asyncio.create_task(ending), asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait((waiting, hearing), return_when=asyncio.FIRST_COMPLETED)
        return await waiting if waiting.done() else None
    finally:
        for each in (waiting, hearing):
            each.cancel()
        await asyncio.gather(waiting, hearing, return_exceptions=True)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
