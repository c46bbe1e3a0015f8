"""Tasks over the contract's calls: submit and query; and the ASGI application that serves it all.

Answers have the provider's shape: HTTP 200 and an envelope, for failed tasks as well.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response

from seedance import models
from seedance.engine import uploads
from seedance.engine.contract import (
    Account,
    FromParts,
    Parts,
    address,
    answer,
    moment,
    refuse_as_the_provider,
)
from seedance.engine.records import TaskRecord
from seedance.errors import InvalidRequest
from seedance.version import __version__

_router: Final = APIRouter()


def build(parts: Parts) -> FastAPI:
    """Return the ASGI application of an engine."""
    app = FastAPI(title="Seedance preview engine", version=__version__, docs_url=None, redoc_url=None)
    app.state.parts = parts
    refuse_as_the_provider(app)
    app.include_router(uploads.router)
    app.include_router(_router)
    return app


@_router.get("/")
async def about() -> Response:
    """Say what this server is."""
    return PlainTextResponse(
        f"Seedance preview engine {__version__}. It speaks WaveSpeedAI's v3 API and renders previews: "
        "storyboards in motion, not videos by the AI model.\n"
    )


@_router.get("/api/v3/predictions/{id}")
@_router.get("/api/v3/predictions/{id}/result")
async def query(id: str, request: Request, parts: FromParts, account: Account) -> Response:
    """Tell how a task stands."""
    task = await asyncio.to_thread(parts.records.get_task, id, account)
    if task is None:
        raise HTTPException(404, "Prediction not found")
    return answer(_prediction(task, request, parts))


@_router.post("/api/v3/{model:path}")
async def submit(
    model: str, body: dict[str, Any], request: Request, parts: FromParts, account: Account
) -> Response:
    """Accept a task. It is durable when this answers."""
    if not model.endswith("/reference-to-video"):
        raise HTTPException(400, "model not found")
    wanted = _read_input(body)
    images = [await uploads.find_upload(url, request, parts, account) for url in wanted["reference_images"]]
    task = await asyncio.to_thread(parts.records.add_task, account, model, wanted, images)
    parts.queue.ring()
    return answer(_prediction(task, request, parts))


def _read_input(body: dict[str, Any]) -> dict[str, Any]:
    """Return a submit's input, checked by the same limits as the client's, with a concrete seed."""
    prompt, urls, seed = body.get("prompt"), body.get("reference_images"), body.get("seed")
    if not isinstance(prompt, str) or not prompt.strip():
        raise HTTPException(400, 'field "prompt" is required and must not be empty')
    if not isinstance(urls, list) or not urls:
        raise HTTPException(400, 'field "reference_images" is required and must not be empty')
    if not all(isinstance(url, str) for url in urls):
        raise HTTPException(400, 'field "reference_images" must be a list of URLs')
    try:
        wanted = models.Request(
            prompt,
            tuple(Path(url) for url in urls),
            body.get("duration", models.DEFAULT_DURATION),
            body.get("camera_fixed", False),
            models.RANDOM_SEED if seed is None else seed,
        )
    except InvalidRequest as error:
        field = "reference_images" if error.field == "images" else error.field
        raise HTTPException(400, f'field "{field}": {str(error).partition(": ")[2]}') from error
    return {
        "prompt": wanted.prompt,
        "reference_images": urls,
        "duration": wanted.duration,
        "camera_fixed": wanted.camera_fixed,
        "seed": wanted.seed,
    }


def _prediction(task: TaskRecord, request: Request, parts: Parts) -> dict[str, Any]:
    done = task.status == "completed"
    told: dict[str, Any] = {
        "id": task.id,
        "model": models.PREVIEW_MODEL,
        "outputs": [uploads.video_address(request, task.output)] if done else [],
        "urls": {"get": address(request, f"/api/v3/predictions/{task.id}/result")},
        "has_nsfw_contents": [False] if done else [],
        "status": task.status,
        "created_at": moment(task.created_at),
        "error": task.error,
        "timings": {"inference": task.inference_ms or 0},
    }
    if task.code is not None:
        told["code"] = task.code
    if task.status == "processing":  # our extension: the share that is rendered, 0 to 1
        told["progress"] = parts.media.read_progress(task.output) or 0.0
    return told
