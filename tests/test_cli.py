"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest

ROOT = Path(__file__).parents[1]


def seedance(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "seedance", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_generate_makes_the_video_and_prints_its_path(photos: list[Path], tmp_path: Path) -> None:
    """With no key, `generate` puts a whole MP4 where it was asked to and says that it is a preview."""
    target = tmp_path / "out.mp4"
    run = seedance("generate", *photos[:2], "--prompt", "push in", "--duration", 2, "-o", target)
    assert run.returncode == 0, run.stderr
    assert run.stdout == f"{target}\n"
    assert "not the AI model" in run.stderr
    with av.open(str(target)) as video:
        assert sum(1 for _ in video.decode(video=0)) == 48


def test_same_request_and_seed_give_the_same_bytes(photo: Path, tmp_path: Path) -> None:
    """A video can be repeated by its seed, also by another process."""
    files = [tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "c.mp4"]
    for file, seed in zip(files, (5, 5, 6), strict=True):
        assert seedance("generate", photo, "--prompt", "sea", "--duration", 2, "--seed", seed, "-o", file)
    first, again, other = (file.read_bytes() for file in files)
    assert first == again
    assert first != other


def test_json_has_the_promised_names(photo: Path) -> None:
    """`--json` prints one object with the names that scripts rely on."""
    run = seedance("generate", photo, "--prompt", "sea", "--duration", 2, "--seed", 9, "--json")
    told = json.loads(run.stdout)
    assert list(told) == ["id", "task_id", "status", "seed", "video", "engine", "inference_ms", "error"]
    assert (told["status"], told["seed"], told["engine"], told["error"]) == ("done", 9, "local", None)
    assert Path(told["video"]).stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["missing.jpg", "--prompt", "x"], "missing.jpg"),
        (["{photo}", "--prompt", " "], "prompt"),
        (["{photo}", "--prompt", "x", "--duration", "13"], "2 to 12"),
        (["{photo}", "--prompt", "x", "--seed", "-2"], "seed"),
        (["{photo}"] * 5 + ["--prompt", "x"], "1 to 4"),
        (["{photo}", "--prompt", "x --seed 3"], "--seed"),
        (["{photo}", "--prompt", "x [Image 2]"], "[Image 2]"),
        (["{photo}", "--prompt", "x", "-o", "/no/such/folder/a.mp4"], "/no/such/folder"),
        (["{photo}", "--prompt", "x", "--engine", "wavespeed"], "WAVESPEED_API_KEY"),
    ],
)
def test_bad_input_sends_nothing_and_names_the_field(arguments: list[str], names: str, photo: Path) -> None:
    """Bad input ends with status 2 and a message that names what is wrong, in words."""
    run = seedance("generate", *(argument.format(photo=photo) for argument in arguments))
    assert run.returncode == 2
    assert names in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_tasks_shows_what_was_made(photo: Path) -> None:
    """The journal lists each video, shows one by its id, and has nothing left to resume."""
    made = json.loads(seedance("generate", photo, "--prompt", "sea", "--duration", 2, "--json").stdout)
    assert made["id"] in seedance("tasks").stdout
    assert json.loads(seedance("tasks", "show", made["id"]).stdout) == made
    assert seedance("tasks", "show", "nothing").returncode == 2
    assert seedance("tasks", "resume").returncode == 0


def test_with_a_key_it_speaks_to_a_wavespeed_server(photo: Path, engine_url: str, tmp_path: Path) -> None:
    """With a key the command talks to the server at WAVESPEED_BASE_URL, and notices no difference."""
    request = ("generate", photo, "--prompt", "sea", "--duration", 2, "--seed", 5, "--json", "-o")
    remote = {"WAVESPEED_API_KEY": "sk-test", "WAVESPEED_BASE_URL": engine_url}
    here = seedance(*request, tmp_path / "here.mp4")
    there = seedance(*request, tmp_path / "there.mp4", **remote)
    assert (here.returncode, there.returncode) == (0, 0), there.stderr
    assert (tmp_path / "here.mp4").read_bytes() == (tmp_path / "there.mp4").read_bytes()
    assert json.loads(there.stdout)["engine"] == "local", "a preview by a remote engine is still a preview"


def test_a_refused_key_is_said_and_nothing_is_made(photo: Path, engine_url: str) -> None:
    """A wrong key ends with status 1 and the advice to check it."""
    remote = {"WAVESPEED_API_KEY": "sk-wrong", "WAVESPEED_BASE_URL": engine_url}
    run = seedance("generate", photo, "--prompt", "sea", "--duration", 2, **remote)
    assert run.returncode == 1
    assert "key was refused" in run.stderr
    assert "sk-wrong" not in run.stdout + run.stderr


def test_serve_refuses_to_be_open_to_all() -> None:
    """On an address that others can reach, the engine starts only with keys of its own."""
    run = seedance("serve", "--host", "0.0.0.0", "--port", "0")
    assert run.returncode == 2
    assert "--api-key" in run.stderr
