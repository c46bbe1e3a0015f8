"""Files in and out: uploads by ticket and by form, downloads of uploads and videos."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request, UploadFile
from fastapi.responses import FileResponse, Response

from seedance.engine.contract import Account, FromParts, Parts, address, answer, moment
from seedance.engine.records import Upload
from seedance.files import write_whole
from seedance.images import MAX_BYTES
from seedance.wire import UploadRequest

router: Final = APIRouter()
_UPLOADS: Final = "/media/uploads/"
_VIDEOS: Final = "/media/videos/"


@router.post("/api/v3/media/uploads")
async def ticket(wanted: UploadRequest, request: Request, parts: FromParts, account: Account) -> Response:
    """Promise a place for a file; the bytes then come by PUT."""
    _check_size(wanted.size)
    name = _safe_name(wanted.filename)
    upload = await asyncio.to_thread(
        parts.records.add_upload, account, name, wanted.content_type, wanted.size
    )
    target = {
        "method": "PUT",
        "url": address(request, _UPLOADS + upload.token),
        "headers": {"Content-Type": upload.content_type, "If-None-Match": "*"},
        "expires_at": moment(upload.expires_at),
    }
    return answer({**_description(request, upload), "upload": target})


@router.put(_UPLOADS + "{token}")
async def put(token: str, request: Request, parts: FromParts) -> Response:
    """Take the bytes of a ticket, once. The address is the permission: no key."""
    upload = await asyncio.to_thread(parts.records.get_upload, token)
    if upload is None or time.time() > upload.expires_at:
        raise HTTPException(404, "Upload not found")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > upload.size:
            break
    if len(data) != upload.size:
        raise HTTPException(400, f"The body must be the {upload.size} bytes that were announced")
    if upload.stored or not await _store(parts, upload, bytes(data)):
        raise HTTPException(412, "Precondition Failed")
    return Response()


@router.post("/api/v3/media/upload/binary")
async def upload_form(file: UploadFile, request: Request, parts: FromParts, account: Account) -> Response:
    """Take a file as a multipart form: the older way."""
    data = await file.read(MAX_BYTES + 1)
    _check_size(len(data))
    name, kind = _safe_name(file.filename or ""), file.content_type or "application/octet-stream"
    upload = await asyncio.to_thread(parts.records.add_upload, account, name, kind, len(data))
    await _store(parts, upload, data)
    return answer(_description(request, upload))


@router.get(_UPLOADS + "{token}/{name}")
async def read_upload(token: str, name: str, parts: FromParts) -> Response:
    """Give an uploaded file back."""
    upload = await asyncio.to_thread(parts.records.get_upload, token)
    if upload is None or not upload.stored:
        raise HTTPException(404, "File not found")
    return _file(parts.media.upload(token), upload.content_type)


@router.get(_VIDEOS + "{token}.mp4")
async def read_video(token: str, parts: FromParts) -> Response:
    """Give a finished video; ranges are served."""
    return _file(parts.media.video(token), "video/mp4")


def video_address(request: Request, token: str) -> str:
    """Return where a finished video is fetched."""
    return address(request, f"{_VIDEOS}{token}.mp4")


async def find_upload(url: str, request: Request, parts: Parts, account: str) -> str:
    """Return the token of an image that this account uploaded here, from its `download_url`."""
    own = address(request, _UPLOADS)
    token = url.removeprefix(own).partition("/")[0] if url.startswith(own) else ""
    upload = await asyncio.to_thread(parts.records.get_upload, token)
    if upload is None or not upload.stored or upload.account != account:
        raise HTTPException(
            400, "Invalid image URL: upload the image to this server first and give its download_url"
        )
    return token


async def _store(parts: Parts, upload: Upload, data: bytes) -> bool:
    """Keep the bytes; False where another call has stored this upload before."""
    await asyncio.to_thread(write_whole, parts.media.upload(upload.token), data)
    return await asyncio.to_thread(parts.records.mark_stored, upload.token)


def _description(request: Request, upload: Upload) -> dict[str, Any]:
    return {
        "type": upload.content_type.partition("/")[0],
        "download_url": address(request, f"{_UPLOADS}{upload.token}/{upload.filename}"),
        "filename": upload.filename,
        "size": upload.size,
    }


def _file(path: Path, content_type: str) -> Response:
    if not path.is_file():
        raise HTTPException(404, "File not found")
    return FileResponse(path, media_type=content_type, headers={"X-Content-Type-Options": "nosniff"})


def _check_size(size: int) -> None:
    if not 0 < size <= MAX_BYTES:
        raise HTTPException(400, f'field "size": {size} bytes given; 1 to {MAX_BYTES} are allowed')


def _safe_name(filename: str) -> str:
    """Return a file's last name part, fit to stand in a URL."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)[-100:] or "file"
