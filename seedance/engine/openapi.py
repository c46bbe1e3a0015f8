"""The document that describes all calls: /openapi.json. Programs check requests and answers against it."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seedance import models
from seedance.engine import catalog
from seedance.engine.faults import FAULTS, HEADER
from seedance.engine.inputs import MODERATED
from seedance.engine.predictions import DeleteBody, ListBody
from seedance.engine.uploads import MAX_BYTES, TicketBody
from seedance.version import __version__

Json = dict[str, Any]

_ABOUT: Final = (
    "An emulator of WaveSpeedAI's v3 API that renders previews: storyboards in motion, not a model's work. "
    f"A prompt that holds `{MODERATED}` makes its task fail with code 1200. Started with `--faults`, the "
    f"server heeds the header `{HEADER}` on calls under /api/v3; `x-seedance-faults` lists its values."
)
_STRING: Final[Json] = {"type": "string"}
_NUMBER: Final[Json] = {"type": "number"}
_INTEGER: Final[Json] = {"type": "integer"}
_TOKEN: Final[Json] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
_SEGMENT: Final[Json] = {"type": "string", "pattern": f"^{catalog.SEGMENT}$"}
_WEBHOOK: Final[Json] = {
    "name": "webhook",
    "in": "query",
    "schema": {"type": "string", "format": "uri"},
    "description": "Where the ended task is told, signed",
}


def _object(required: Json, optional: Json | None = None) -> Json:
    """Return the schema of an object from those of its fields."""
    return {"type": "object", "required": list(required), "properties": required | (optional or {})}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _fields(model: type[BaseModel]) -> Json:
    return model.model_json_schema()


_ERROR: Final = _object({"code": _INTEGER, "message": _STRING})
_PREDICTION: Final = _object(
    {
        "id": _STRING,
        "model": {"type": "string", "description": f"`{models.PREVIEW_MODEL}`: no model's own work"},
        "requested_model": _STRING,
        "outputs": _list(_STRING),
        "urls": _object({"get": _STRING}),
        "has_nsfw_contents": _list({"type": "boolean"}),
        "status": {"enum": ["created", "processing", "completed", "failed"]},
        "created_at": {"type": "string", "format": "date-time"},
        "error": _STRING,
        "timings": _object({"inference": {"type": "integer", "description": "Milliseconds"}}),
    },
    {
        "code": {"type": "integer", "description": "Why it failed; 5004: the wait of sync mode is over"},
        "progress": {"type": "number", "minimum": 0, "maximum": 1},
        "storyboard": {"type": "string", "description": "The video in words"},
        "thumbnail": {"type": "string", "description": "Address of a small picture of the result, a WebP"},
        "last_frame": {"type": "string", "description": "Address of the video's last frame, a PNG"},
        "input": {"type": "object"},
    },
)
_FILE: Final = {"type": _STRING, "download_url": _STRING, "filename": _STRING, "size": _INTEGER}
_TARGET: Final = _object(
    {
        "method": {"const": "PUT"},
        "url": _STRING,
        "headers": {"type": "object", "additionalProperties": _STRING},
        "expires_at": {"type": "string", "format": "date-time"},
    }
)
_OFFER: Final = _object(
    {
        "model_id": _STRING,
        "name": _STRING,
        "type": _STRING,
        "base_price": _NUMBER,
        "formula": _STRING,
        "api_schema": {"type": "object", "description": "JSON Schema of the submit's body"},
    }
)
_PRICE: Final = {"model_id": _STRING, "currency": _STRING}
_MODEL_ID: Final = {"type": "string", "pattern": f"^{catalog.MODEL_ID}$"}
_TEXTS: Final = {
    "400": "A field is bad or missing, or the model id is none",
    "401": "The key is missing or wrong",
    "403": "The address is not signed, is too old, or its headers are not those of the ticket",
    "404": "There is no such thing, or it is not yours",
    "411": "The request does not say how long it is",
    "412": "The file is there already",
    "413": "The body is too large",
    "416": "The range lies outside the file",
    "429": "Too many submissions; no task was created",
}


def _call(
    summary: str,
    data: Json | None = None,
    *,
    refusals: tuple[int, ...] = (),
    body: Json | None = None,
    form: Json | None = None,
    parameters: list[Json] | None = None,
    optional: bool = False,
) -> Json:
    """Describe one call of the API: with a key, its answer in the envelope."""
    told = _object({"code": {"const": 200}, "message": _STRING, "data": data or {}})
    call: Json = {
        "summary": summary,
        "security": [{"key": []}],
        "responses": {"200": _answer("Success", told)} | _refusals(401, *refusals),
    }
    if body is not None:
        call["requestBody"] = {"required": not optional, "content": {"application/json": {"schema": body}}}
        call["responses"] |= _refusals(400, 413)
    if form is not None:
        call["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    if parameters:
        call["parameters"] = parameters
    return call


def _answer(description: str, schema: Json, kind: str = "application/json") -> Json:
    return {"description": description, "content": {kind: {"schema": schema}}}


def _refusals(*statuses: int) -> Json:
    return {str(status): _answer(_TEXTS[str(status)], _ref("Error")) for status in statuses}


def _parameter(name: str, schema: Json, place: str = "path", *, required: bool = True) -> Json:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _submit(schema: str, *segments: str) -> Json:
    call = _call(
        "Submit a task",
        _ref("Prediction"),
        body=_ref(schema),
        refusals=(429,),
        parameters=[*(_parameter(name, _SEGMENT) for name in segments), _WEBHOOK],
    )
    return {"post": call}


def _file(summary: str, kind: str, *parameters: str) -> Json:
    """Describe a download: its address is the permission."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}}}
    given = {"description": "The file", "content": content}
    part = {"description": "The part of it that `Range` names", "content": content}
    responses = {"200": given, "206": part, "416": {"description": _TEXTS["416"]}} | _refusals(404)
    names = [_parameter(name, _TOKEN) for name in parameters]
    return {"get": {"summary": summary, "security": [], "responses": responses, "parameters": names}}


def _open(summary: str, response: Json) -> Json:
    return {"get": {"summary": summary, "security": [], "responses": {"200": response}}}


def _put() -> Json:
    """Describe the second half of an upload by ticket: no key, exactly the ticket's address and headers."""
    parameters = [
        _parameter("token", _TOKEN),
        _parameter("expires", {"type": "integer"}, "query"),
        _parameter("signature", {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "query"),
        _parameter("If-None-Match", {"const": "*"}, "header"),
    ]
    put = {
        "summary": "Upload the bytes of a ticket",
        "security": [],
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        "responses": {"200": {"description": "The file is stored"}} | _refusals(400, 403, 404, 412),
    }
    return {"put": put}


def _paths() -> dict[str, Json]:
    id = [_parameter("id", {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"})]
    query = {"get": _call("Query a task", _ref("Prediction"), refusals=(404,), parameters=id)}
    items = _object(
        {"page": _INTEGER, "page_size": _INTEGER, "items": _list(_ref("Prediction"))},
        {"total": _INTEGER},  # beyond 10,000 nobody counts
    )
    priced = _object({"model_id": _MODEL_ID}, {"inputs": {"type": "object"}})
    file = _object({"file": {"type": "string", "format": "binary", "maxLength": MAX_BYTES}})
    new = _object({"price": _NUMBER, "discounted_price": _NUMBER, "discount_rate": _NUMBER, **_PRICE})
    old = _object({"unit_price": _NUMBER, **_PRICE})
    return {
        f"/api/v3/{models.DEFAULT_MODEL}": _submit("ReferenceToVideo"),
        "/api/v3/{vendor}/{model}": _submit("AnyModel", "vendor", "model"),
        "/api/v3/{vendor}/{family}/{model}": _submit("AnyModel", "vendor", "family", "model"),
        "/api/v3/predictions/{id}": query,
        "/api/v3/predictions/{id}/result": query,
        "/api/v3/predictions": {"post": _call("List tasks", items, body=_fields(ListBody), optional=True)},
        "/api/v3/predictions/delete": {
            "post": _call("Delete tasks", _object({"deleted_count": _INTEGER}), body=_fields(DeleteBody))
        },
        "/api/v3/balance": {"get": _call("Tell the balance", _object({"balance": _NUMBER}))},
        "/api/v3/model/price": {"post": _call("Tell a price", new, body=priced)},
        "/api/v3/model/pricing": {"post": _call("Tell a price: the older call", old, body=priced)},
        "/api/v3/models": {"get": _call("List models", _list(_OFFER))},
        "/api/v3/webhook/secret": {
            "get": _call("Tell the secret of webhooks' signatures", _object({"secret": _STRING}))
        },
        "/api/v3/media/uploads": {
            "post": _call(
                "Ask for an upload", _object({**_FILE, "upload": _TARGET}), body=_fields(TicketBody)
            )
        },
        "/api/v3/media/upload/binary": {
            "post": _call("Upload by form: the older call", _object(_FILE), form=file, refusals=(400, 411))
        },
        "/media/uploads/{token}": _put(),
        "/media/uploads/{token}/{name}": _file("Download an upload", "*/*", "token", "name"),
        "/media/videos/{token}.mp4": _file("Download a video", "video/mp4", "token"),
        "/media/videos/{token}.jpg": _file("Download an image", "image/jpeg", "token"),
        "/media/videos/{token}.thumb.webp": _file("Download a small picture", "image/webp", "token"),
        "/media/videos/{token}.last.png": _file("Download a video's last frame", "image/png", "token"),
        "/": _open("The page for people", _answer("A page", _STRING, "text/html")),
        "/openapi.json": _open("This document", _answer("OpenAPI 3.1", {"type": "object"})),
        "/healthz": _open("Health", _answer("It works", _object({"status": _STRING, "version": _STRING}))),
        "/metrics": _open("Numbers for Prometheus", _answer("Prometheus text", _STRING, "text/plain")),
    }


@cache
def document() -> Json:
    """Return the OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Seedance preview engine", "version": __version__, "description": _ABOUT},
        "paths": _paths(),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": _ERROR,
                "Prediction": _PREDICTION,
                "ReferenceToVideo": catalog.REFERENCE_SCHEMA,
                "AnyModel": catalog.ANY_SCHEMA,
            },
        },
        "x-seedance-faults": {name: fault.text for name, fault in FAULTS.items()},
    }


async def openapi(request: Request) -> Response:
    """Tell the document."""
    return JSONResponse(document())
