from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.engine.calls import IMAGE, KEY

_SOON = 60.0  # seconds
SERVE = [sys.executable, "-m", "seedance", "serve", "--port", "0", "--executor", "process:1"]


def started(tmp_path: Path, *options: str) -> tuple[subprocess.Popen[bytes], str]:
    log = tmp_path / "out"
    with log.open("wb") as out, (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen([*SERVE, *options], cwd=ROOT, stdout=out, stderr=err)
    deadline = time.monotonic() + _SOON
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"http://\S+", log.read_text()):
            return process, found.group()
        time.sleep(0.02)
    process.kill()
    raise AssertionError((tmp_path / "err").read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_quietly(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end it with exit status 0 and no word, also while a caller in sync mode waits."""
    process, url = started(tmp_path)
    with httpx.Client(base_url=url, headers=KEY, timeout=_SOON) as http:
        assert http.get("/healthz").is_success
        body = {"prompt": "a fox", "duration": 12}
        tasks = [http.post("/api/v3/vendor/some-video", json=body).json()["data"] for _ in range(5)]
        with pytest.raises(httpx.ReadTimeout):
            http.post(IMAGE, json={"prompt": "x", "enable_sync_mode": True}, timeout=0.2)
    process.send_signal(number)
    assert process.wait(_SOON) == 0
    assert (tmp_path / "err").read_text() == ""
    again, url = started(tmp_path)
    state = httpx.get(f"{url}/api/v3/predictions/{tasks[-1]['id']}", headers=KEY).json()["data"]["status"]
    again.send_signal(number)
    assert again.wait(_SOON) == 0
    assert state in ("created", "processing", "completed")


def test_a_server_tells_its_work_to_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked to, it logs JSON with the task's id, and keeps its numbers for whoever has the token."""
    monkeypatch.setenv("SEEDANCE_LOG", "json")
    monkeypatch.setenv("SEEDANCE_METRICS_TOKEN", "numbers")
    process, url = started(tmp_path, "--api-key", "anna")
    with httpx.Client(base_url=url, headers=KEY, timeout=_SOON) as http:
        task = http.post(IMAGE, json={"prompt": "x", "enable_sync_mode": True}).json()["data"]
        assert http.get("/metrics").status_code == 401
        numbers = http.get("/metrics", headers={"Authorization": "Bearer numbers"}).text
    process.send_signal(signal.SIGTERM)
    assert process.wait(_SOON) == 0
    assert 'seedance_tasks{status="completed"} 1.0' in numbers
    log = (tmp_path / "err").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    told = [(line["logger"], line["task"], line["message"].split()[-1]) for line in lines]
    assert told == [("seedance.engine.queue", task["id"], word) for word in ("begun", "completed")]
    assert not any(secret in log for secret in ("anna", "numbers"))


@pytest.mark.parametrize(
    "option", [["--fail", "2"], ["--latency", "-1"], ["--rate-limit", "x"], ["--sync-wait", "nan"]]
)
def test_a_flag_out_of_range_is_refused(option: list[str]) -> None:
    """Nothing is served with a rule that makes no sense."""
    program = subprocess.run([*SERVE, *option], cwd=ROOT, capture_output=True, text=True, timeout=_SOON)
    assert program.returncode == 2
    assert option[0] in program.stderr


def test_every_flag_reaches_the_server(tmp_path: Path) -> None:
    """The rules given on the command line are those that callers meet."""
    process, url = started(tmp_path, "--rate-limit", "1", "--fail", "1", "--latency", "0.2", "--faults")
    with httpx.Client(base_url=url, headers=KEY, timeout=_SOON) as http:
        task = http.post(IMAGE, json={"prompt": "x"})
        assert task.elapsed.total_seconds() >= 0.2
        assert http.post(IMAGE, json={"prompt": "x"}).status_code == 429
        assert http.get(task.json()["data"]["urls"]["get"]).json()["data"]["code"] == 1403
        assert http.get("/api/v3/balance", headers={"X-Seedance-Fault": "status-503"}).status_code == 503
        assert 'class="tasks"' in http.get("/").text
    process.send_signal(signal.SIGTERM)
    assert process.wait(_SOON) == 0
