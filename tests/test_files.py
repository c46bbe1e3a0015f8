from __future__ import annotations

import threading
from pathlib import Path

import pytest

from seedance.files import whole, write_whole


def test_a_file_appears_whole_in_a_folder_that_was_missing(tmp_path: Path) -> None:
    """Until the block ends nothing is at the path; then all of it is, and nothing else."""
    path = tmp_path / "a" / "b" / "v.mp4"
    with whole(path) as part:
        part.write_bytes(b"new")
        assert part.parent == path.parent
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """An error within the block keeps the old file and leaves no part of the new one."""
    path = tmp_path / "v.mp4"
    path.write_bytes(b"old")

    def fail_half_way() -> None:
        with whole(path) as part:
            part.write_bytes(b"ne")
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_never_mix(tmp_path: Path) -> None:
    """Of writers at the same time the last one wins with all of its bytes."""
    path = tmp_path / "v.mp4"
    contents = [bytes([n]) * 100_000 for n in range(8)]
    writers = [threading.Thread(target=write_whole, args=(path, data)) for data in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]
