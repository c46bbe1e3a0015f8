"""Tasks over the contract's calls: query, list, delete. At the wire a task is called a prediction."""

from __future__ import annotations

import asyncio
import base64
import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from seedance import models
from seedance.engine import codes
from seedance.engine.contract import (
    Whole,
    account_of,
    address,
    answer,
    moment,
    parts_of,
    read_fields,
    read_json,
)
from seedance.engine.downloads import last_frame_path, result_path, thumbnail_path
from seedance.engine.media import Media
from seedance.engine.records import TaskRecord

MAX_PAGE: Final = 100  # tasks
MAX_IDS: Final = 1000
_MAX_PAGES: Final = 10**9  # what fits every database's offset
_GRAIN: Final = 1e-6  # seconds: the times that are told are rounded to it
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def read_moment(text: str) -> float:
    """Return an RFC 3339 time as seconds since the epoch; a leap second counts as the one before it.

    Raises:
        ValueError: it is none.
    """
    parts = _MOMENT.fullmatch(text)
    if not parts:
        raise ValueError("a time such as 2025-05-19T06:09:15Z is wanted")
    day, minute, second, fraction, zone = parts.groups()
    day = day.replace("0000-", "0001-", 1)  # Python's years begin at 1
    whole = datetime.fromisoformat(f"{day}T{minute}:{'59' if second == '60' else second}+00:00")
    hours, minutes = (0, 0) if zone in "Zz" else (int(zone[1:3]), int(zone[4:]))
    if hours > 23 or minutes > 59:
        raise ValueError("its offset is none that a place on earth has")
    east = -1 if zone.startswith("-") else 1
    return whole.timestamp() + float(fraction or 0) - east * (hours * 3600 + minutes * 60)


def _checked(text: str) -> str:
    read_moment(text)
    return text


Moment = Annotated[str, AfterValidator(_checked), Field(json_schema_extra={"format": "date-time"})]


class ListBody(BaseModel):
    """Which tasks to list. All may be left out."""

    model_config = ConfigDict(extra="ignore", strict=True)

    page: Whole = Field(1, ge=1, le=_MAX_PAGES)
    page_size: Whole = Field(20, ge=1, le=MAX_PAGE)
    model: str | None = None
    status: str | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    include_inputs: bool = False


class DeleteBody(BaseModel):
    """Which tasks to delete; unknown ones are passed over."""

    model_config = ConfigDict(extra="ignore", strict=True)

    ids: list[str] = Field(max_length=MAX_IDS)


async def query(request: Request) -> Response:
    """Tell how a task stands."""
    parts, account = parts_of(request), account_of(request)
    task = await asyncio.to_thread(parts.records.get_task, request.path_params["id"], account)
    if task is None:
        raise HTTPException(404, "Prediction not found")
    return answer(await tell(task, address(request), parts.media))


async def list_all(request: Request) -> Response:
    """Tell an account's tasks of the last days, newest first."""
    parts, account = parts_of(request), account_of(request)
    wanted = read_fields(ListBody, await read_json(request, may_be_empty=True))
    tasks, total = await asyncio.to_thread(
        lambda: parts.records.list_tasks(
            account,
            page=wanted.page,
            page_size=wanted.page_size,
            model=wanted.model or None,
            status=wanted.status or None,
            created_after=_bound(wanted.created_after, -_GRAIN),
            created_before=_bound(wanted.created_before, _GRAIN),
        )
    )
    server = address(request)
    items = [prediction(task, server, parts.media) for task in tasks]
    if wanted.include_inputs:
        items = [{**item, "input": task.input} for item, task in zip(items, tasks, strict=True)]
    told = {"page": wanted.page, "page_size": wanted.page_size, "items": items}
    return answer(told if total is None else told | {"total": total})


async def delete(request: Request) -> Response:
    """Delete tasks and what they made."""
    parts, account = parts_of(request), account_of(request)
    wanted = read_fields(DeleteBody, await read_json(request))
    gone = await asyncio.to_thread(parts.records.delete_tasks, account, dict.fromkeys(wanted.ids))
    await asyncio.to_thread(parts.media.remove, *gone)
    return answer({"deleted_count": len(gone)})


async def tell(task: TaskRecord, server: str, media: Media) -> dict[str, Any]:
    """Return what the contract says of a task; its output within it, where that was asked for."""
    told = prediction(task, server, media)
    if told["outputs"] and task.input.get("enable_base64_output") is True:
        data = await asyncio.to_thread(_data_uri, task, media)
        told["outputs"] = [data] if data else told["outputs"]
    return told


def prediction(task: TaskRecord, server: str, media: Media) -> dict[str, Any]:
    """Return what the contract says of a task. `server` is this server's address, as its reader reaches it.

    A task's `model` is the preview's, so that no preview passes for a model's work; `requested_model`, an
    extension of ours as `progress`, `storyboard`, `thumbnail` and `last_frame` are, tells what was asked for.
    """
    done = task.status == "completed"
    told: dict[str, Any] = {
        "id": task.id,
        "model": models.PREVIEW_MODEL,
        "requested_model": task.model,
        "outputs": [server + result_path(task)] if done else [],
        "urls": {"get": f"{server}/api/v3/predictions/{task.id}/result"},
        "has_nsfw_contents": [False] if done else [True] if task.code == codes.MODERATION else [],
        "status": task.status,
        "created_at": moment(task.created_at),
        "error": task.error,
        "timings": {"inference": task.inference_ms or 0},
    }
    if task.storyboard:
        told["storyboard"] = task.storyboard
    if done:
        told["thumbnail"] = server + thumbnail_path(task)
        if last_frame := last_frame_path(task):
            told["last_frame"] = server + last_frame
    if task.code is not None:
        told["code"] = task.code
    if task.status == "processing":  # the share that is rendered, 0 to 1
        told["progress"] = media.share_rendered(task)
    return told


def _bound(text: str | None, more: float) -> float | None:
    """Return a bound of the list that includes a task whose time was told just so, rounded."""
    return None if text is None else read_moment(text) + more


def _data_uri(task: TaskRecord, media: Media) -> str:
    """Return a task's output as a data URI, or an empty text where its file is gone."""
    kind = "image/jpeg" if task.kind == "image" else "video/mp4"
    try:
        media.shelf.bring(media.result(task))
        return f"data:{kind};base64,{base64.b64encode(media.result(task).read_bytes()).decode()}"
    except OSError:
        return ""
