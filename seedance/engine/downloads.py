"""Files out: uploads, results, the pictures beside them, to whoever knows the address; ranges are served."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from seedance.engine.contract import parts_of
from seedance.engine.media import Media
from seedance.engine.records import TaskRecord
from seedance.engine.uploads import UPLOADS

_RESULTS: Final = "/media/videos/"
READ_UPLOAD: Final = UPLOADS + "{token}/{name}"
READ_RESULT: Final = _RESULTS + "{name}"
_SHOWN: Final = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/heic", "video/mp4")
"""What a browser may show; everything else is only to be saved: it may be a page with a script."""


async def read_upload(request: Request) -> Response:
    """Give an uploaded file back."""
    parts, token = parts_of(request), request.path_params["token"]
    upload = await asyncio.to_thread(parts.records.get_upload, token)
    if upload is None or not upload.stored:
        raise HTTPException(404, "File not found")
    return await _file(parts.media, parts.media.upload(token), upload.content_type)


async def read_result(request: Request) -> Response:
    """Give a finished video or image, its small picture, or a video's last frame."""
    media, (token, _, kind) = parts_of(request).media, request.path_params["name"].partition(".")
    if not token.replace("-", "").replace("_", "").isalnum():
        raise HTTPException(404, "File not found")
    served = {
        "mp4": (media.video, "video/mp4"),
        "jpg": (media.image, "image/jpeg"),
        "thumb.webp": (media.thumbnail, "image/webp"),
        "last.png": (media.last_frame, "image/png"),
    }
    if kind not in served:
        raise HTTPException(404, "File not found")
    path, content_type = served[kind]
    return await _file(media, path(token), content_type)


def result_path(task: TaskRecord) -> str:
    """Return the path under which a task's result is fetched."""
    return f"{_RESULTS}{task.output}.{'jpg' if task.kind == 'image' else 'mp4'}"


def thumbnail_path(task: TaskRecord) -> str:
    """Return the path under which the small picture of a task's result is fetched."""
    return f"{_RESULTS}{task.output}.thumb.webp"


def last_frame_path(task: TaskRecord) -> str | None:
    """Return the path under which the last frame of a task's video is fetched; an image has none."""
    return None if task.kind == "image" else f"{_RESULTS}{task.output}.last.png"


async def _file(media: Media, path: Path, content_type: str) -> Response:
    """Give a file; one that another engine made is fetched from the bucket first, once."""
    try:
        bring = media.shelf.bring
        here = await asyncio.to_thread(bring, path) if media.bucket else bring(path)
    except OSError:
        raise HTTPException(503, "The file cannot be fetched just now", {"Retry-After": "5"}) from None
    if not here:
        raise HTTPException(404, "File not found")
    headers = {"X-Content-Type-Options": "nosniff"}
    if content_type not in _SHOWN:
        headers["Content-Disposition"] = "attachment"
    return FileResponse(path, media_type=content_type, headers=headers)
