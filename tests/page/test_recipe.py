from __future__ import annotations

import ast
import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from seedance.cli import _parser
from seedance.models import State
from seedance.page import recipe
from seedance.record import Record

AWKWARD = 'it\'s [Image 1]; say "hi" $HOME `x` \\ 狐狸\n--two lines'
RECORD = Record(
    id="v1", owner="", engine="local", account="local", prompt=AWKWARD,
    images=[{"name": name, "sha256": "0" * 64} for name in ("my fox's.jpg", "b.png")],
    duration=7, camera_fixed=True, seed=42, state=State.DONE, urls=None, created_at=0.0, submitted_at=None,
    finished_at=None, task_id=None, made_by=None, video=None, inference_ms=None, error=None, fault=None,
    batch=None, storyboard=None, nsfw=None, visitor=None, stop_asked=False, fence=1,
)  # fmt: skip


def test_the_python_call_repeats_the_request() -> None:
    """Whatever the prompt holds, the code is code and says the same."""
    call = ast.parse(recipe.python(RECORD)).body[1].value  # type: ignore[attr-defined]
    assert [ast.literal_eval(it) for it in call.args] == [["my fox's.jpg", "b.png"], AWKWARD]
    named = {it.arg: ast.literal_eval(it.value) for it in call.keywords}
    assert named == {"duration": 7, "camera_fixed": True, "seed": 42, "engine": "local"}


def test_the_command_repeats_the_request() -> None:
    """A shell and our own parser read it back as it was."""
    words = shlex.split(recipe.shell(RECORD).replace("\\\n", ""))
    options = _parser().parse_args(words[3:])
    assert options.images == [Path("my fox's.jpg"), Path("b.png")]
    assert (options.prompt, options.duration, options.seed) == (AWKWARD, 7, 42)
    assert options.camera_fixed is True


@pytest.mark.parametrize("images", [1, 2])
def test_the_curl_call_repeats_the_request(tmp_path: Path, images: int) -> None:
    """Run in a real shell, with a curl that only writes down, it sends eight values in the right order."""
    note = tmp_path / "note"
    curl = tmp_path / "curl"
    curl.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" >> {note}\necho \'["/up/file.jpg"]\'\n')
    curl.chmod(0o755)
    record = replace(RECORD, images=RECORD.images[:images])
    script = recipe.curl(record, "http://127.0.0.1:7860/")
    subprocess.run(["sh", "-c", script], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    sent = note.read_text().split("\0")
    data = json.loads(sent[sent.index("-d") + 1])["data"]
    files = [{"path": "/up/file.jpg", "meta": {"_type": "gradio.FileData"}}] * images + [None] * (4 - images)
    assert data == [files[0], AWKWARD, 7, True, 42, *files[1:]]
    assert f"files=@{record.images[0]['name']}" in sent
