"""Reference images in, by ticket and by form. An address is a permission: signed to write, secret to read."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from seedance.engine import fetch
from seedance.engine.contract import (
    Parts,
    Whole,
    account_of,
    address,
    answer,
    moment,
    parts_of,
    read_fields,
    read_json,
)
from seedance.engine.records import Records, Upload

MAX_BYTES: Final = 30_000_000
"""The provider's storage takes 200 MiB, its models images of 30 MB; here come images alone."""
UPLOADS: Final = "/media/uploads/"
_PIECE: Final = 1_000_000  # bytes that are written at a time
_UNKNOWN: Final = "Invalid image URL: upload the image to this server first and give its download_url"
_DATA: Final = "Invalid image URL: data URIs are not taken; upload the image first"


class TicketBody(BaseModel):
    """A file that is going to be uploaded."""

    model_config = ConfigDict(extra="ignore", strict=True)

    filename: str = Field(min_length=1, max_length=1000)
    size: Whole = Field(ge=1, le=MAX_BYTES)
    content_type: str = Field("application/octet-stream", pattern=r"^[!-~]{1,100}/[!-~ ]{1,100}$")


async def ticket(request: Request) -> Response:
    """Promise a place for a file; the bytes then come by PUT."""
    parts, account = parts_of(request), account_of(request)
    wanted = read_fields(TicketBody, await read_json(request))
    name, kind = _safe_name(wanted.filename), wanted.content_type.strip()
    upload = await asyncio.to_thread(parts.records.add_upload, account, name, kind, wanted.size)
    signature = await _sign(parts.records, upload)
    url = f"{UPLOADS}{upload.token}?expires={int(upload.expires_at)}&signature={signature}"
    target = {
        "method": "PUT",
        "url": address(request, url),
        "headers": {"Content-Type": upload.content_type, "If-None-Match": "*"},
        "expires_at": moment(upload.expires_at),
    }
    return answer({**_description(request, upload), "upload": target})


async def put(request: Request) -> Response:
    """Take the bytes of a ticket, once. The address is the permission, so no key may come along."""
    parts = parts_of(request)
    upload = await _permitted(request, parts.records)
    if request.headers.get("Content-Length", str(upload.size)) != str(upload.size):
        raise HTTPException(400, _length(upload))
    if upload.stored:
        raise HTTPException(412, "Precondition Failed: the file is there already")
    async with _part(parts, upload.token) as part:
        if await _write(part, request.stream(), upload.size) != upload.size:
            raise HTTPException(400, _length(upload))
        if not await _place(parts, upload, part):
            raise HTTPException(412, "Precondition Failed: the file is there already")
    return Response()


async def form(request: Request) -> Response:
    """Take a file as a multipart form: the older way."""
    parts, account = parts_of(request), account_of(request)
    length = request.headers.get("Content-Length")
    if length is None:
        raise HTTPException(411, "Length Required: say how long the form is")
    if int(length) > MAX_BYTES + _PIECE:
        raise HTTPException(400, f'field "file": at most {MAX_BYTES} bytes are allowed')
    async with request.form(max_files=1, max_fields=20) as fields:
        file = fields.get("file")
        if not isinstance(file, UploadFile):
            raise HTTPException(400, 'field "file" is required and must not be empty')
        size = file.size or 0
        if size > MAX_BYTES:
            raise HTTPException(400, f'field "file": {size} bytes given; at most {MAX_BYTES} are allowed')
        name, kind = _safe_name(file.filename or ""), _safe_type(file.content_type or "")
        upload = await asyncio.to_thread(parts.records.add_upload, account, name, kind, size)
        async with _part(parts, upload.token) as part:
            await _write(part, _pieces(file), size)
            await _place(parts, upload, part)
    return answer(_description(request, upload))


async def find_image(url: str, request: Request, account: str) -> str:
    """Return what a task's record keeps of an image URL: the token of an upload, or a public URL.

    Raises:
        HTTPException: 400, it is neither an upload of this account nor a public URL.
    """
    if url[:5].lower() == "data:":
        raise HTTPException(400, _DATA)
    token = _token(url)
    if token:
        upload = await asyncio.to_thread(parts_of(request).records.get_upload, token)
        if upload is not None and upload.stored and upload.account == account:
            return token
        if upload is not None or url.startswith(address(request, UPLOADS)):
            raise HTTPException(400, _UNKNOWN)
    try:
        fetch.check_address(url)
    except fetch.PrivateAddress as error:
        raise HTTPException(400, str(error)) from None
    return url


def _token(url: str) -> str:
    """Return the token that an upload's address holds, whatever name the caller has for this server."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return path.removeprefix(UPLOADS).partition("/")[0] if path.startswith(UPLOADS) else ""


async def _permitted(request: Request, records: Records) -> Upload:
    """Return the upload whose ticket a request was made with: its address and exactly its headers."""
    if "Authorization" in request.headers:
        raise HTTPException(400, "Only one way of authentication is allowed: send no Authorization here")
    upload = await asyncio.to_thread(records.get_upload, request.path_params["token"])
    if upload is None:
        raise HTTPException(404, "Upload not found")
    told, query = await _sign(records, upload), request.query_params
    signed = hmac.compare_digest(query.get("signature", "").encode(), told.encode())
    if not signed or query.get("expires") != str(int(upload.expires_at)):
        raise HTTPException(403, "The upload's address is not signed")
    if time.time() > upload.expires_at:
        raise HTTPException(403, "The upload's address has expired")
    given = request.headers.get("Content-Type"), request.headers.get("If-None-Match")
    if given != (upload.content_type, "*"):
        raise HTTPException(403, "The headers must be exactly those of the upload's ticket")
    return upload


async def _sign(records: Records, upload: Upload) -> str:
    secret = await asyncio.to_thread(records.secret)
    content = f"upload {upload.token} {int(upload.expires_at)} {upload.content_type}"
    return hmac.new(secret.encode(), content.encode(), hashlib.sha256).hexdigest()


@asynccontextmanager
async def _part(parts: Parts, token: str) -> AsyncIterator[Path]:
    """Give a path to write to that is gone in the end, whatever happens."""
    part = await asyncio.to_thread(parts.media.new_part, token)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


async def _write(part: Path, pieces: AsyncIterable[bytes], most: int) -> int:
    """Write the pieces as they come and return how many bytes they are; more than allowed ends it."""
    size, held = 0, bytearray()
    with part.open("wb") as file:
        async for piece in pieces:
            size += len(piece)
            if size > most:
                return size
            held += piece
            if len(held) >= _PIECE:
                await asyncio.to_thread(file.write, bytes(held))
                held.clear()
        await asyncio.to_thread(file.write, bytes(held))
    return size


async def _place(parts: Parts, upload: Upload, part: Path) -> bool:
    """Keep the bytes; False where another call has stored this upload before."""
    whole = parts.media.upload(upload.token)

    def store() -> bool:
        with parts.media.shelf.staged(part, whole) as place:
            return parts.records.mark_stored(upload.token, place)

    return await asyncio.to_thread(store)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece


def _description(request: Request, upload: Upload) -> dict[str, Any]:
    return {
        "type": upload.content_type.partition("/")[0],
        "download_url": address(request, f"{UPLOADS}{upload.token}/{upload.filename}"),
        "filename": upload.filename,
        "size": upload.size,
    }


def _length(upload: Upload) -> str:
    return f"The body must be the {upload.size} bytes that were announced"


def _safe_name(filename: str) -> str:
    """Return a file's last name part, fit to stand in a URL."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)[-100:] or "file"


def _safe_type(text: str) -> str:
    """Return a MIME type that can stand in a header again."""
    printable = len(text) <= 200 and text.isascii() and text.isprintable()
    return text.strip() if printable and "/" in text else "application/octet-stream"
