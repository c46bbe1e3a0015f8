"""The README's examples, run as they stand there; only addresses and the key are the test's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str, word: str) -> list[str]:
    """Return the README's code blocks of that language that hold that word."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [block for block in found if word in block]


def run(command: list[str], page_url: str = "", engine_url: str = "") -> str:
    replaced = [
        part.replace("http://127.0.0.1:7860", page_url)
        .replace("http://127.0.0.1:8765", engine_url)
        .replace("anything", "sk-test")
        for part in command
    ]
    result = subprocess.run(replaced, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=180)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("word", ["seedance.generate(", "async with Studio()"])
def test_python_examples_make_a_video(word: str, tmp_path: Path) -> None:
    """The library's examples print the path of a video that is there."""
    (block,) = blocks("python", word)
    program = tmp_path / "example.py"
    program.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{block}")
    said = run([sys.executable, str(program)])
    path = re.search(r"/\S+\.mp4", said)
    assert path
    assert Path(path.group()).stat().st_size > 10_000


@pytest.mark.parametrize("word", ["gradio_client", "wavespeed import"])
def test_client_examples_make_a_video(word: str, page_url: str, engine_url: str) -> None:
    """The examples for Gradio's client and for the provider's SDK end with a video."""
    (block,) = blocks("python", word)
    assert ".mp4" in run([sys.executable, "-c", block], page_url, engine_url)


def test_curl_example_makes_a_video(page_url: str) -> None:
    """Three calls of curl, as they stand, stream the events and end with the video's address."""
    (block,) = blocks("bash", "curl")
    assert re.search(r"event: complete\ndata: .*\.mp4", run(["bash", "-ec", block], page_url))


def test_javascript_example_makes_a_video(page_url: str, tmp_path: Path) -> None:
    """Gradio's JavaScript client, from npm, streams the status and ends with the video's address."""
    if not (npm := shutil.which("npm")):
        pytest.skip("no npm on this machine: 'apt-get install nodejs npm' brings it")
    install = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(tmp_path)]
    subprocess.run([*install, "@gradio/client@2"], check=True, timeout=120)
    (block,) = blocks("js", "@gradio/client")
    program = tmp_path / "example.mjs"
    program.write_text(block.replace("http://127.0.0.1:7860", page_url))
    said = run(["node", str(program)])
    assert said.startswith("new ")
    assert re.search(r"^done http.*\.mp4$", said, re.MULTILINE)


def test_command_line_example_makes_a_video(tmp_path: Path) -> None:
    """The command line's example writes the file that it names and leaves nothing to resume."""
    (block,) = blocks("bash", "seedance generate")
    path = tmp_path / "fox.mp4"
    run(["bash", "-ec", block.replace("python -m", f"{sys.executable} -m").replace("fox.mp4", str(path))])
    assert path.stat().st_size > 10_000


def test_front_matter_is_a_space_card() -> None:
    """The front matter holds what a Space needs, within the hub's limits."""
    front = dict(re.findall(r"^(\w+): (.*)$", README.split("---")[1], re.MULTILINE))
    assert (front["sdk"], front["app_file"], front["python_version"]) == ("gradio", "app.py", '"3.12"')
    assert len(front["short_description"]) <= 60
