"""The page for a person who opens the server's address: what this is, its queue, its last tasks.

What others asked for is shown only where nobody else can be: on a server without keys that this machine
alone can reach, asked for by that machine's name. Everywhere else the page holds numbers.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from seedance.engine.contract import Parts, address, parts_of
from seedance.engine.downloads import last_frame_path, result_path, thumbnail_path
from seedance.engine.records import TaskRecord
from seedance.version import __version__

_SHOWN: Final = 24  # tasks
_PAGE: Final = Template(files(__package__).joinpath("about.html").read_text("utf-8"))
_POLICY: Final = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_WORDS: Final = {"created": "waiting", "processing": "rendering", "completed": "done", "failed": "failed"}


async def about(request: Request) -> Response:
    """Show the page."""
    parts = parts_of(request)
    counts = await asyncio.to_thread(parts.records.counts)
    tasks = (
        await asyncio.to_thread(parts.records.recent_tasks, _SHOWN) if _is_private(request, parts) else None
    )
    busy = counts["created"] + counts["processing"] > 0
    page = _PAGE.substitute(
        refresh='<meta http-equiv="refresh" content="3">' if busy else "",
        version=escape(__version__),
        address=escape(address(request)),
        counts="".join(
            f'<li class="{status}"><strong>{counts[status]}</strong> {word}</li>'
            for status, word in _WORDS.items()
        ),
        tasks=_tasks(tasks, parts),
    )
    return HTMLResponse(page, headers=_HEADERS)


def _is_private(request: Request, parts: Parts) -> bool:
    """Tell whether only this machine's user can be asking; another name may be a foreign page's trick."""
    host = request.url.hostname or ""
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return parts.rules.local and not parts.keys and here


def _tasks(tasks: list[TaskRecord] | None, parts: Parts) -> str:
    if tasks is None:
        return '<p class="empty">Tasks are shown to nobody here: ask for yours with your key.</p>'
    if not tasks:
        return '<p class="empty">No task yet. The first one you submit appears here.</p>'
    return f'<ul class="tasks">{"".join(_card(task, parts) for task in tasks)}</ul>'


def _card(task: TaskRecord, parts: Parts) -> str:
    prompt = str(task.input.get("prompt", "")) or "(no prompt)"
    done = task.status == "completed"
    share = parts.media.share_rendered(task) if task.status == "processing" else 0.0
    word = _WORDS.get(task.status, task.status)
    picture = f'<img src="{thumbnail_path(task)}" alt="Open the result" loading="lazy">'
    shown = f'<a href="{result_path(task)}">{picture}</a>' if done else f"<span>{escape(word)}</span>"
    bar = (
        f'<progress max="1" value="{share:.3f}">{share:.0%}</progress>' if task.status == "processing" else ""
    )
    last = last_frame_path(task) if done else None
    more = f'<p class="facts"><a href="{last}" download>Last frame</a></p>' if last else ""
    error = f'<p class="error">{escape(task.error)}</p>' if task.error else ""
    made = f" in {task.inference_ms / 1000:.1f} s" if task.inference_ms else ""
    when = _ago(time.time() - task.created_at)
    return (
        f'<li class="{escape(task.status)}"><div class="picture">{shown}</div><div class="text">'
        f'<p class="prompt">{escape(prompt)}</p>{bar}{error}'
        f'<p class="facts"><b>{escape(word)}</b>{made} · {when}</p>'
        f'<p class="facts">{escape(task.model)}</p><p class="facts"><code>{escape(task.id)}</code></p>{more}'
        "</div></li>"
    )


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"
