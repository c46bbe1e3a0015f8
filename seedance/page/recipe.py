"""A request as code that repeats it: Python, curl, command line."""

from __future__ import annotations

import json
import shlex

from seedance.record import Record


def python(record: Record) -> str:
    """Return a call of this package."""
    images = ", ".join(repr(image["name"]) for image in record.images)
    fixed = "\n    camera_fixed=True," if record.camera_fixed else ""
    return (
        "import seedance\n\n"
        "video = seedance.generate(\n"
        f"    [{images}],\n    {record.prompt!r},\n"
        f"    duration={record.duration},{fixed}\n    seed={record.seed},\n    engine={record.engine!r},\n)\n"
        "print(video.path)\n"
    )


def shell(record: Record) -> str:
    """Return a call of the command line."""
    images = " ".join(shlex.quote(image["name"]) for image in record.images)
    fixed = " --camera-fixed" if record.camera_fixed else ""
    return (
        f"python -m seedance generate {images} \\\n"
        f"    --prompt {shlex.quote(record.prompt)} \\\n"
        f"    --duration {record.duration}{fixed} --seed {record.seed} --engine {record.engine}\n"
    )


def curl(record: Record, page: str) -> str:
    """Return three calls of the running page's endpoint; `page` is its address."""
    uploads = "".join(
        f"image_{n}=$(curl -s -F files=@{shlex.quote(image['name'])} $page/upload | sed 's/[][\"]//g')\n"
        for n, image in enumerate(record.images, start=1)
    )
    files = [
        f'{{"path": "\'$image_{n}\'", "meta": {{"_type": "gradio.FileData"}}}}'
        for n in range(1, len(record.images) + 1)
    ]
    files += ["null"] * (4 - len(files))
    prompt = json.dumps(record.prompt, ensure_ascii=False).replace("'", "'\\''")
    fixed = json.dumps(record.camera_fixed)
    values = [files[0], prompt, str(record.duration), fixed, str(record.seed), *files[1:]]
    return (
        f"page={shlex.quote(page.rstrip('/') + '/gradio_api')}\n{uploads}"
        "event=$(curl -s $page/call/generate_video -H 'Content-Type: application/json' \\\n"
        f"    -d '{{\"data\": [{', '.join(values)}]}}' | cut -d'\"' -f4)\n"
        "curl -sN $page/call/generate_video/$event\n"
    )
