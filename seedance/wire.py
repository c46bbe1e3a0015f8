"""The provider's JSON, as the client reads it and the embedded engine writes it.

Here, and only here, a task is called a prediction. Reading is tolerant: missing, null and unknown fields,
an object without its envelope. Source: the provider's v3 documentation and its official SDKs.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from seedance.models import Price, Status, Task


def _text(value: object) -> object:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _items(value: object) -> object:
    return value if isinstance(value, list) else []


def _number(value: object) -> object:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value if abs(value) <= sys.float_info.max else None  # no NaN, no infinity, no endless integer


def _mapping(value: object) -> object:
    return value if isinstance(value, dict) else {}


Text = Annotated[str, BeforeValidator(_text)]
Items = Annotated[list[Any], BeforeValidator(_items)]
Number = Annotated[float | None, BeforeValidator(_number)]
Mapping = Annotated[dict[str, Any], BeforeValidator(_mapping)]


class Prediction(BaseModel):
    """One task as submit and query tell it."""

    model_config = ConfigDict(extra="ignore")

    id: Text = ""
    model: Text = ""
    outputs: Items = Field(default_factory=list)
    urls: Mapping = Field(default_factory=dict)
    has_nsfw_contents: Items = Field(default_factory=list)
    status: Text = ""
    created_at: Text = ""
    error: Text = ""
    code: Number = None
    timings: Mapping = Field(default_factory=dict)
    execution_time: Number = Field(default=None, alias="executionTime")
    progress: Number = None
    storyboard: Text = ""

    def task(self) -> Task:
        """Return it in our own words."""
        inference = _number(self.timings.get("inference"))
        milliseconds = self.execution_time or (inference if isinstance(inference, (int, float)) else None)
        return Task(
            id=self.id,
            status=Status.parse(self.status),
            model=self.model,
            outputs=tuple(filter(None, map(_address, self.outputs))),
            error=self.error,
            code=int(self.code) if self.code else None,
            created_at=_moment(self.created_at),
            inference_ms=round(milliseconds) if milliseconds else None,
            nsfw=any(flag is True for flag in self.has_nsfw_contents),
            storyboard=self.storyboard,
            progress=None if self.progress is None else min(max(self.progress, 0.0), 1.0),
        )


class Answer(BaseModel):
    """What stands around every answer: `code` and `message`, then `data`."""

    model_config = ConfigDict(extra="ignore")

    code: Number = None
    message: Text = ""
    error: Any = None
    data: Any = None

    @property
    def reason(self) -> str:
        """The provider's own words for a refusal, in whichever field they came."""
        nested = self.error.get("message") if isinstance(self.error, dict) else self.error
        return self.message or (nested if isinstance(nested, str) else "")


class SubmitBody(BaseModel):
    """The request of a submit, as the client writes it; the limits are those of `seedance.models`."""

    prompt: str
    reference_images: list[str]
    duration: int
    camera_fixed: bool
    seed: int


class UploadRequest(BaseModel):
    """Ask for a place to put a file of this name, size in bytes and MIME type."""

    filename: str
    size: int
    content_type: str


class UploadTarget(BaseModel):
    """Where and how to put the bytes: exactly these headers, and never the key."""

    method: str = "PUT"
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    expires_at: Text = ""


class UploadTicket(BaseModel):
    """The answer to an `UploadRequest`; `download_url` is what a submit then names."""

    model_config = ConfigDict(extra="ignore")

    type: Text = ""
    download_url: str
    filename: Text = ""
    size: Number = None
    upload: UploadTarget


class Quote(BaseModel):
    """A price, as the current call (`price`, `discounted_price`) or the older one (`unit_price`) tells it."""

    model_config = ConfigDict(extra="ignore")

    price: Number = None
    discounted_price: Number = None
    unit_price: Number = None
    currency: Text = "USD"

    def price_of(self) -> Price:
        """Return what is really charged, in our own words.

        Raises:
            ValueError: it tells no amount.
        """
        amounts = (self.discounted_price, self.price, self.unit_price)
        amount = next((amount for amount in amounts if amount is not None), None)
        if amount is None:
            raise ValueError("no amount")
        return Price(amount, self.currency or "USD")


class Balance(BaseModel):
    """What is left in the account, in USD."""

    model_config = ConfigDict(extra="ignore")

    balance: float


def read_answer(payload: object) -> Answer:
    """Read a JSON answer. A bare object without the envelope is taken as its `data`."""
    if not isinstance(payload, dict):
        return Answer()
    if "data" not in payload and "id" in payload:
        return Answer(data=payload)
    return Answer.model_validate(payload)


def read_task(data: object) -> Task | None:
    """Read a task from an answer's `data`, or None where there is none or it has no id."""
    if not isinstance(data, dict):
        return None
    try:
        prediction = Prediction.model_validate(data)
    except ValidationError:  # every field tolerates every type: a guard for fields to come
        return None
    return prediction.task() if prediction.id else None


def read_list(data: object) -> list[tuple[Task, dict[str, Any]]]:
    """Read a page of the history: each task with its inputs, empty where they are not told."""
    items = data.get("items") if isinstance(data, dict) else data
    page = [(read_task(item), item) for item in items] if isinstance(items, list) else []
    return [(task, _inputs(item)) for task, item in page if task is not None]


def _inputs(item: dict[str, Any]) -> dict[str, Any]:
    inputs = item.get("input") or item.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


def _address(output: object) -> str | None:
    """Return an output's URL; other models answer with objects that hold one."""
    if isinstance(output, dict):
        output = output.get("url")
    return output if isinstance(output, str) and output else None


def _moment(text: str) -> datetime | None:
    """Read an RFC 3339 time, UTC where it names no zone; the standard library cuts off past microseconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
