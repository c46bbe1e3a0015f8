from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from seedance.entry import LeaseLost
from seedance.journal import LEASE, Journal
from seedance.models import State
from seedance.policy import GRACE
from tests.providers import NOW, SHA, VIDEO, Fault, Workshop, data

pytestmark = pytest.mark.anyio


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / f"{SHA}.jpg").write_bytes(b"pixels")
    journal = Journal(f"sqlite:///{tmp_path / 'journal.sqlite'}", clock=lambda: NOW)
    yield Workshop(tmp_path, journal)
    journal.close()


def claim_elsewhere(workshop: Workshop) -> None:
    """Let another process take the video over, as after a long sleep of this one."""
    url = f"sqlite:///{workshop.tmp_path / 'journal.sqlite'}"
    other = Journal(url, clock=lambda: NOW + LEASE + 1)
    assert len(other.claim(["acc"])) == 1
    other.close()


def refuse_writes(workshop: Workshop, state: State | None) -> None:
    """Make the database refuse rows of that state, as a full disk does; None: let all pass again."""
    with sqlite3.connect(workshop.tmp_path / "journal.sqlite") as db:
        db.execute("DROP TRIGGER IF EXISTS full")
        if state:
            db.execute(
                f"CREATE TRIGGER full BEFORE UPDATE ON videos WHEN new.state = '{state}' "
                "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
    db.close()


async def test_every_step_is_on_record_before_it_begins(workshop: Workshop) -> None:
    """At each call that the provider sees, the journal already says what may have been sent."""
    end = await workshop.run(workshop.add())
    assert workshop.calls == [
        ("ticket", State.NEW),
        ("put", State.NEW),
        ("submit", State.SUBMITTING),
        ("look", State.RUNNING),
        ("video", State.DOWNLOADING),
    ]
    assert (end.state, end.task_id, end.made_by, end.inference_ms, end.error) == (
        State.DONE,
        "t1",
        "m",
        9,
        None,
    )
    assert (end.submitted_at, end.finished_at, end.video) == (NOW, NOW, f"{end.id}.mp4")
    assert (workshop.tmp_path / "videos" / f"{end.id}.mp4").read_bytes() == VIDEO


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadTimeout("lost"),
        httpx.RemoteProtocolError("disconnected"),
        httpx.Response(502, html="<html>"),
        httpx.Response(200, json={"code": 200, "data": None}),
    ],
)
async def test_a_submit_without_an_answer_is_never_repeated(workshop: Workshop, fault: Fault) -> None:
    """It is looked for until the grace is over, and ends as unknown, with a word on the charge."""
    workshop.faults["submit"] = [fault]
    end = await workshop.run(workshop.add())
    assert end.state is State.UNKNOWN
    assert end.finished_at is not None
    assert end.finished_at >= NOW + GRACE
    assert "may have been started and charged" in str(end.error)
    assert workshop.count("submit") == 1
    assert workshop.count("look") == 0


async def test_a_lost_task_is_found_and_followed(workshop: Workshop) -> None:
    """What the history shows with the same seed, prompt and images is adopted and saved; nothing is sent."""
    workshop.faults["submit"] = [httpx.ReadTimeout("lost")]
    inputs = {"seed": 7, "prompt": "a fox", "reference_images": ["https://u/1.jpg"]}
    alike = [{"seed": 8}, {"prompt": "a box"}, {"reference_images": ["https://u/2.jpg"]}]
    others = [{"id": f"other-{n}", "input": inputs | change} for n, change in enumerate(alike)]
    workshop.history = [*others, {"id": "no-inputs"}, {"id": "t9", "input": inputs}]
    end = await workshop.run(workshop.add())
    assert (end.state, end.task_id) == (State.DONE, "t9")
    assert workshop.count("submit") == 1


async def test_a_video_that_is_too_large_is_a_final_failure(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not fetched for seven days; the words say that it was charged and where it still is."""
    monkeypatch.setattr("seedance.download.MAX_VIDEO_BYTES", len(VIDEO) - 1)
    end = await workshop.run(workshop.add())
    assert (end.state, end.task_id) == (State.FAILED, "t1")
    assert "made and charged" in str(end.error)
    assert "7 days" in str(end.error)
    assert workshop.count("video") == 1


async def test_a_search_in_vain_does_not_change_why_the_outcome_is_unknown(workshop: Workshop) -> None:
    """Asked to look once more, the program looks; the words still tell what happened at the submit."""
    workshop.faults["submit"] = [httpx.Response(502, html="<html>")]
    first = await workshop.run(workshop.add())
    (again,) = workshop.journal.claim(["acc"], [first.id])
    second = await workshop.run(again)
    assert (second.state, second.error) == (State.UNKNOWN, first.error)
    assert workshop.count("submit") == 1


async def test_a_task_belongs_to_one_video(workshop: Workshop) -> None:
    """Of two lost submits alike, only one can have become the one task of the history."""
    workshop.faults["submit"] = [httpx.ReadTimeout("lost"), httpx.ReadTimeout("lost")]
    inputs = {"seed": 7, "prompt": "a fox", "reference_images": ["https://u/1.jpg"]}
    workshop.history = [{"id": "t9", "input": inputs}]
    ends = [await workshop.run(workshop.add()) for _ in range(2)]
    assert [end.state for end in ends] == [State.DONE, State.UNKNOWN]


async def test_a_row_found_in_submitting_is_looked_for_and_not_sent(workshop: Workshop) -> None:
    """After a crash during the submit nobody knows whether it arrived, so the history is asked."""
    end = await workshop.run(workshop.add(state=State.SUBMITTING, submitted_at=NOW))
    assert end.state is State.UNKNOWN
    assert "while the request was being sent" in str(end.error)
    assert {call for call, _ in workshop.calls} == {"list"}


async def test_a_history_that_cannot_be_read_is_not_an_answer(workshop: Workshop) -> None:
    """While the list fails nothing is given up, not even after the grace."""
    workshop.faults["submit"] = [httpx.ReadTimeout("lost")]
    workshop.faults["list"] = [httpx.Response(500)] * 20
    inputs = {"seed": 7, "prompt": "a fox", "reference_images": ["https://u/1.jpg"]}
    workshop.history = [{"id": "t9", "input": inputs}]
    end = await workshop.run(workshop.add())
    assert end.state is State.DONE
    assert workshop.now() > NOW + GRACE


async def test_a_rate_limited_submit_waits_as_told_and_is_sent_again(workshop: Workshop) -> None:
    """A 429 created no task: the submit is repeated after the window, and a crash meanwhile is harmless."""
    limited = {"message": "Too many: 2 predictions per 1 minute"}
    workshop.faults["submit"] = [
        httpx.Response(429, json=limited),
        httpx.Response(429, json=limited, headers={"Retry-After": "7"}),
    ]
    states: list[State] = []
    workshop.on_wait = lambda: states.append(workshop.now_recorded.state)
    end = await workshop.run(workshop.add())
    assert end.state is State.DONE
    assert 60 <= workshop.waits[0] <= 72
    assert 7 <= workshop.waits[1] <= 8.4
    assert states[:2] == [State.NEW, State.NEW]


async def test_what_surely_did_not_arrive_is_sent_again(workshop: Workshop) -> None:
    """A connection that was never made costs nothing: the submit is tried again, a few times."""
    workshop.faults["submit"] = [httpx.ConnectError("no"), httpx.ConnectTimeout("no")]
    assert (await workshop.run(workshop.add())).state is State.DONE
    assert workshop.count("submit") == 3


async def test_a_provider_out_of_reach_fails_the_video(workshop: Workshop) -> None:
    """In the end the user learns that nothing was sent or charged."""
    workshop.faults["submit"] = [httpx.ConnectError("no")] * 99
    end = await workshop.run(workshop.add())
    assert end.state is State.FAILED
    assert "Nothing was sent or charged" in str(end.error)
    assert workshop.count("submit") == 5


@pytest.mark.parametrize("state", [State.RUNNING, State.DOWNLOADING])
async def test_a_submitted_video_goes_on_by_its_id(workshop: Workshop, state: State) -> None:
    """After a restart the task is looked for and saved; nothing is uploaded or submitted."""
    end = await workshop.run(workshop.add(state=state, task_id="t1"))
    assert end.state is State.DONE
    assert [call for call, _ in workshop.calls] == ["look", "video"]


async def test_a_failed_download_is_repeated(workshop: Workshop) -> None:
    """A paid video is fetched until it is here, and the user is told meanwhile."""
    workshop.faults["video"] = [httpx.Response(503)] * 12
    end = await workshop.run(workshop.add())
    assert (end.state, end.error) == (State.DONE, None)
    assert workshop.count("video") == 13
    assert any("saving it failed" in remark for _, remark in workshop.told)
    assert [path.name for path in (workshop.tmp_path / "videos").iterdir()] == [end.video]


async def test_an_image_uploaded_before_is_not_uploaded_again(workshop: Workshop) -> None:
    """The second video of the same image names the same address."""
    await workshop.run(workshop.add())
    await workshop.run(workshop.add())
    assert workshop.count("put") == 1
    assert workshop.count("submit") == 2


async def test_a_failed_upload_says_that_nothing_was_charged(workshop: Workshop) -> None:
    """Without its images no video is asked for."""
    workshop.faults["put"] = [httpx.Response(403)] * 99
    end = await workshop.run(workshop.add())
    assert end.state is State.FAILED
    assert "nothing was charged" in str(end.error)
    assert workshop.count("submit") == 0


async def test_a_lost_copy_of_an_image_is_named(workshop: Workshop) -> None:
    """When the kept image has been deleted since, the video fails instead of hanging."""
    (workshop.tmp_path / "images" / f"{SHA}.jpg").unlink()
    end = await workshop.run(workshop.add())
    assert end.state is State.FAILED
    assert str(end.error).startswith("a.jpg: ")
    assert workshop.calls == []


async def test_a_refused_submit_fails_with_the_providers_reason(workshop: Workshop) -> None:
    """The reason is kept on record, for the history."""
    workshop.faults["submit"] = [httpx.Response(400, json={"message": "Insufficient credits. Top up."})]
    end = await workshop.run(workshop.add())
    assert end.state is State.FAILED
    assert "Insufficient credits" in str(end.error)
    assert workshop.told[-1] == (State.FAILED, end.error)


async def test_a_failed_task_fails_with_the_providers_reason(workshop: Workshop) -> None:
    """Nothing is downloaded; the message says what becomes of the money."""
    workshop.faults["look"] = [data({"id": "t1", "status": "failed", "error": "out of memory"})]
    end = await workshop.run(workshop.add())
    assert (end.state, end.video) == (State.FAILED, None)
    assert "out of memory" in str(end.error)
    assert "refunded" in str(end.error)
    assert workshop.count("video") == 0


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refused_look_does_not_give_up_a_paid_task(workshop: Workshop, status: int) -> None:
    """A gateway's hiccup or a replica that lags behind must not cost a video."""
    workshop.faults["look"] = [httpx.Response(status, html="<html>")] * 2
    end = await workshop.run(workshop.add())
    assert (end.state, end.error) == (State.DONE, None)
    assert any("Asking again" in remark for _, remark in workshop.told)


async def test_a_task_that_stays_unknown_ends_unknown(workshop: Workshop) -> None:
    """A task that the provider does not know for minutes is given up, with a word on the charge."""
    workshop.faults["look"] = [httpx.Response(404, json={"message": "Prediction not found"})] * 99
    end = await workshop.run(workshop.add(state=State.RUNNING, task_id="t1", submitted_at=NOW))
    assert end.state is State.UNKNOWN
    assert "may have been charged" in str(end.error)
    assert "does not know this task" in str(end.error)


@pytest.mark.parametrize(("call", "last"), [("put", "put"), ("submit", "submit"), ("look", "look")])
async def test_a_video_taken_over_is_left_alone(workshop: Workshop, call: str, last: str) -> None:
    """Once another process has claimed it, this one sends no further call and changes no row."""
    workshop.before[call] = lambda: claim_elsewhere(workshop)
    with pytest.raises(LeaseLost):
        await workshop.run(workshop.add())
    assert workshop.calls[-1][0] == last
    assert workshop.now_recorded.state is workshop.calls[-1][1]


async def test_without_a_record_nothing_is_submitted(workshop: Workshop) -> None:
    """A journal that refuses the step before the submit ends it there."""
    refuse_writes(workshop, State.SUBMITTING)
    end = await workshop.run(workshop.add())
    assert end.state is State.FAILED
    assert "nothing is sent" in str(end.error)
    assert workshop.count("submit") == 0


async def test_a_task_id_is_recorded_however_long_the_disk_refuses(workshop: Workshop) -> None:
    """A paid task's id is kept until it can be written, the user is told, and it is not paid for twice."""
    refuse_writes(workshop, State.RUNNING)
    workshop.on_wait = lambda: len(workshop.waits) == 20 and refuse_writes(workshop, None)
    end = await workshop.run(workshop.add())
    assert (end.state, end.task_id) == (State.DONE, "t1")
    assert workshop.count("submit") == 1
    assert any("journal cannot be written" in remark for _, remark in workshop.told)
