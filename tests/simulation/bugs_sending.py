"""Planted bugs of sending and following: what an answer means, what is on record before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import httpx

from seedance import making, models
from seedance.client import WaveSpeed
from seedance.entry import Entry
from seedance.errors import NotDelivered, NotRecorded, OutcomeUnknown, Refused, TaskFailed, Unavailable
from seedance.journal import Journal
from seedance.making import Making
from seedance.models import Request, State, Status, Task
from seedance.record import Record
from tests.simulation.bugs import Plant, bug, instead

_POLLS: Final = 6
_SUBMIT: Final = WaveSpeed.submit
_GET: Final = WaveSpeed.get
_KEEP: Final = Entry.write
_WRITE: Final = Journal.write


def _answers_with(wrong: Callable[[OutcomeUnknown], Exception | None]) -> Plant:
    """Let a lost answer of a submit be taken for something else."""

    async def submit(self: WaveSpeed, request: Request, urls: Any) -> Task:
        try:
            return await _SUBMIT(self, request, urls)
        except OutcomeUnknown as error:
            raise wrong(error) or error from error

    return instead(WaveSpeed, submit=submit)


@bug("doubled")
def _a_read_timeout_of_the_submit_is_repeated() -> Plant:
    async def submit(self: WaveSpeed, request: Request, urls: Any) -> Task:
        try:
            return await _SUBMIT(self, request, urls)
        except OutcomeUnknown as error:
            if not isinstance(error.__cause__, httpx.ReadTimeout):
                raise
        return await _SUBMIT(self, request, urls)

    return instead(WaveSpeed, submit=submit)


@bug("doubled")
def _a_5xx_of_the_submit_counts_as_not_delivered() -> Plant:
    return _answers_with(lambda error: NotDelivered(str(error)) if "HTTP 5" in str(error) else None)


@bug("lost")
def _html_with_200_counts_as_refused() -> Plant:
    return _answers_with(lambda error: Refused(str(error)) if "HTTP 200" in str(error) else None)


@bug("lost")
def _an_answer_without_an_id_counts_as_refused() -> Plant:
    return _answers_with(lambda error: Refused(str(error)) if "without a task id" in str(error) else None)


@bug("unrecorded", "doubled")
def _the_journal_is_written_after_the_post() -> Plant:
    async def write(self: Entry, **changes: Any) -> None:
        if changes.get("state") is State.SUBMITTING:
            self.record = replace(self.record, **changes)
        else:
            record = self.record
            await _KEEP(self, **{"submitted_at": record.submitted_at, "urls": record.urls} | changes)

    return instead(Entry, write=write)


@bug("unrecorded")
def _a_refused_write_is_ignored() -> Plant:
    async def write(self: Entry, **changes: Any) -> None:
        try:
            await _KEEP(self, **changes)
        except NotRecorded:
            self.record = replace(self.record, **{k: v for k, v in changes.items() if k != "holder"})

    return instead(Entry, write=write)


@bug("lost")
def _the_id_is_not_committed() -> Plant:
    def write(self: Journal, record: Record, **changes: Any) -> Record | None:
        task_id = changes.pop("task_id", record.task_id)
        written = _WRITE(self, record, **changes)
        return written and replace(written, task_id=task_id)

    return instead(Journal, write=write)


@bug("doubled")
def _what_was_being_submitted_is_submitted_again() -> Plant:
    async def look_for(self: Making, lost: OutcomeUnknown) -> None:
        await self.entry.write(state=State.NEW)

    return instead(Making, _look_for=look_for)


@bug("lost")
def _six_failed_polls_give_the_task_up() -> Plant:
    failed: dict[str, int] = {}

    async def get(self: WaveSpeed, task_id: str) -> Task:
        try:
            task = await _GET(self, task_id)
        except Unavailable as error:
            failed[task_id] = failed.get(task_id, 0) + 1
            if failed[task_id] < _POLLS:
                raise
            raise TaskFailed(str(error), task_id=task_id) from error
        failed[task_id] = 0
        return task

    return instead(WaveSpeed, get=get)


@bug("lost")
def _one_404_gives_the_task_up() -> Plant:
    return instead(making, _MISSES=1)


@bug("lost")
def _a_refused_poll_gives_the_task_up() -> Plant:
    async def get(self: WaveSpeed, task_id: str) -> Task:
        try:
            return await _GET(self, task_id)
        except Refused as error:
            raise TaskFailed(str(error), task_id=task_id) from error

    return instead(WaveSpeed, get=get)


@bug("lost")
def _an_unknown_status_counts_as_failed() -> Plant:
    known = {**models._SPELLINGS, "processing": Status.RUNNING}
    parse = classmethod(lambda cls, text: known.get((text or "").lower(), Status.FAILED))
    return instead(Status, parse=parse)
