"""The command line. Scripts rely on its options, its output and its exit statuses."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import logging
import math
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from seedance import logs
from seedance.errors import InvalidRequest, NothingSent, StillRunning
from seedance.files import whole
from seedance.journal import LEASE
from seedance.models import (
    DEFAULT_DURATION,
    MAX_DURATION,
    MAX_IMAGES,
    MIN_DURATION,
    RANDOM_SEED,
    Event,
    State,
)
from seedance.policy import RUNNING_DEADLINE
from seedance.record import Record
from seedance.settings import Settings
from seedance.studio import Studio
from seedance.version import __version__

DONE: Final = 0
FAILED: Final = 1
NOTHING_SENT: Final = 2
UNSETTLED: Final = 3

_EXITS: Final = (
    "exit status: 0 done; 1 the task failed; 2 bad input, nothing sent; 3 outcome unknown or still running"
)
_GOODBYE: Final = 3  # seconds that a server's callers have for their answers when it is told to end
_LOOK: Final = 0.5  # seconds between looks for videos whose holder may be gone
_PREVIEW: Final = "preview engine: a storyboard in motion, not the AI model (set WAVESPEED_API_KEY for that)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status = asyncio.run(_until_told(options))
    except ValidationError as error:
        for fault in error.errors():
            _say(f"{fault['loc'][0]}: {fault['msg']}")
        return NOTHING_SENT
    except NothingSent as error:
        _say(str(error))
        return NOTHING_SENT
    except StillRunning as error:
        _say(str(error))
        return UNSETTLED
    except (KeyboardInterrupt, asyncio.CancelledError):
        if options.run is serve:
            return DONE
        _say(
            "Stopped watching. What was submitted goes on: 'python -m seedance tasks resume' brings it home."
        )
        return UNSETTLED
    return status


async def _until_told(options: argparse.Namespace) -> int:
    """Run a command; SIGTERM ends it as Ctrl-C does, also where a shell has it ignore Ctrl-C."""
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    if running is not None:
        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(running.cancel))
    settings = Settings()
    logs.configure(settings.log)
    status: int = await options.run(options, settings)
    return status


async def generate(options: argparse.Namespace, settings: Settings) -> int:
    """Make one video."""
    target: Path | None = options.output
    async with Studio(settings) as studio:
        id = await studio.start(
            options.prompt,
            options.images,
            duration=options.duration,
            camera_fixed=options.camera_fixed,
            seed=options.seed,
            engine=options.engine,
        )
        event = await _show(studio.watch(id, every=1.0, patience=RUNNING_DEADLINE))
    if event.video is not None and target is not None:
        with whole(target) as part:
            shutil.copyfile(event.video, part)
    summary = event.summary()
    if event.video is not None:
        summary["video"] = str(target or event.video)
    if options.json:
        print(json.dumps(summary, ensure_ascii=False))
    elif event.video is not None:
        print(summary["video"])
    return _status(event.state)


async def serve(options: argparse.Namespace, settings: Settings) -> int:
    """Serve the embedded engine until Ctrl-C or SIGTERM."""
    import uvicorn

    from seedance.engine import Engine, Rules

    local = _is_loopback(options.host)
    if not options.api_key and not local:
        raise InvalidRequest(
            "host",
            f"--host {options.host} can be reached by others: give at least one --api-key. Not started.",
        )
    engine = Engine(
        settings.data_dir / "engine",
        executor=options.executor or settings.executor,
        database_url=options.database or settings.database_url,
        bucket=settings.bucket,
        media=settings.engine_media,
        keys=options.api_key,
        rules=Rules(
            local=local,
            sync_wait=options.sync_wait,
            rate_limit=options.rate_limit,
            latency=options.latency,
            fail=options.fail,
            faults=options.faults,
            metrics_token=settings.metrics_token,
        ),
    )
    async with engine:
        config = uvicorn.Config(
            engine.app,
            host=options.host,
            port=options.port,
            log_level="warning",
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=_GOODBYE,
        )
        server = uvicorn.Server(config)
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]  # raises them again
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, server.handle_exit)
        listening = config.bind_socket()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # the engine logs its own faults
        host, port = listening.getsockname()[:2]
        print(f"Seedance preview engine on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
        await server.serve(sockets=[listening])
    return DONE


async def tasks(options: argparse.Namespace, settings: Settings) -> int:
    """List, show or resume videos."""
    async with Studio(settings) as studio:
        if options.action == "resume":
            return await _resume(studio, options.ids)
        if options.action == "show":
            return await _show_record(studio, options.ids)
        for record in await studio.recent():
            print(_line(record))
    return DONE


async def _resume(studio: Studio, ids: list[str]) -> int:
    """Finish what is unfinished. A process that is gone may hold a video for as long as its lease runs."""
    last_look = time.monotonic() + LEASE + 1
    while True:
        taken = await studio.resume(ids or None)
        for id in taken:
            _say(id)
            await _show(studio.watch(id, every=1.0))
            await _finished(studio, id)
        left = [record for record in await studio.unfinished() if not ids or record.id in ids]
        if not left or (not taken and time.monotonic() > last_look):
            break
        await asyncio.sleep(_LOOK)
    for record in left:
        _say(f"{record.id} is {record.state}; another process works on it, or its key is not set here")
    return UNSETTLED if left else DONE


async def _finished(studio: Studio, id: str) -> None:
    """Wait for a video that nobody waits for any more: a stopped one may still come."""
    while (record := await studio.get(id)) is not None and record.finished_at is None:
        await asyncio.sleep(_LOOK)


async def _show_record(studio: Studio, ids: list[str]) -> int:
    if len(ids) != 1:
        raise InvalidRequest("id", "tasks show: give one id, from 'tasks list'.")
    try:
        event = await anext(studio.watch(ids[0]))
    except KeyError:
        raise InvalidRequest("id", f"{ids[0]}: no such video in the journal.") from None
    print(json.dumps(event.summary(), ensure_ascii=False, indent=2))
    return DONE


async def _show(events: AsyncIterator[Event]) -> Event:
    """Draw progress on standard error until the end; return the last event."""
    told: set[str] = set()
    bar = sys.stderr.isatty()
    clear = "\r\x1b[K" if bar else ""
    last: Event | None = None
    async for event in events:
        if last is None and event.engine == "local":
            _say(_PREVIEW)
        last = event
        if event.task_id and event.task_id not in told:
            told.add(event.task_id)
            _say(f"{clear}task {event.task_id}")
        if bar:
            print(f"{clear}{_bar(event)}", end="", file=sys.stderr, flush=True)
        elif event.stage not in told:
            told.add(event.stage)
            _say(event.stage)
    if bar:
        print(file=sys.stderr)
    if last is None:
        raise RuntimeError("a video without a single event")
    if last.message:
        _say(last.message)
    return last


def _bar(event: Event) -> str:
    width = 24
    share = 1.0 if event.state is State.DONE else event.progress or 0.0
    done = round(share * width)
    return f"[{'█' * done}{'·' * (width - done)}] {share:4.0%} {event.stage} {event.elapsed:.0f} s"


def _line(record: Record) -> str:
    when = datetime.fromtimestamp(record.created_at).strftime("%Y-%m-%d %H:%M")
    prompt = record.prompt if len(record.prompt) <= 60 else record.prompt[:59] + "…"
    return f"{record.id}  {when}  {record.state:<11}  {record.engine:<9}  {prompt!r}"


def _status(state: State) -> int:
    if state is State.DONE:
        return DONE
    return FAILED if state is State.FAILED else UNSETTLED


def _writable(text: str) -> Path:
    """Read the name of a file to be written: its folder must be there before anything is sent."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: a file in an existing folder is needed; nothing was sent")
    return path


def _positive(text: str) -> float:
    """Read a number of seconds, 0 or more."""
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError(text)
    return seconds


def _count(text: str) -> int:
    """Read a whole number, 0 or more."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _share(text: str) -> float:
    """Read a number from 0 to 1."""
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(text)
    return share


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m seedance", description="1 to 4 reference images and a prompt become a video."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    make = commands.add_parser("generate", help="make a video", epilog=_EXITS)
    make.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help=f"1 to {MAX_IMAGES} image files")
    make.add_argument(
        "--prompt", required=True, metavar="TEXT", help="what happens; may say [Image 1] … [Image 4]"
    )
    make.add_argument(
        "--duration", type=int, default=DEFAULT_DURATION, help=f"seconds, {MIN_DURATION} to {MAX_DURATION}; 5"
    )
    make.add_argument("--camera-fixed", action="store_true", help="keep the camera still")
    make.add_argument(
        "--seed", type=int, default=RANDOM_SEED, help="the same seed repeats a video; -1: random"
    )
    make.add_argument("--engine", choices=("auto", "wavespeed", "local"), default="auto")
    make.add_argument("-o", "--output", type=_writable, metavar="FILE", help="where to put the MP4")
    make.add_argument("--json", action="store_true", help="print one JSON object instead of the path")
    make.set_defaults(run=generate)

    server = commands.add_parser("serve", help="serve the preview engine as a WaveSpeed-compatible API")
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--port", type=int, default=8765, help="0: any free one")
    server.add_argument(
        "--api-key", action="append", default=[], metavar="KEY", help="let this key in; repeatable"
    )
    server.add_argument(
        "--executor", metavar="URL", help="where renders run: process, process:N, dask://HOST:PORT"
    )
    server.add_argument(
        "--database",
        metavar="URL",
        help="SQLAlchemy URL; default: SEEDANCE_DATABASE_URL, else SQLite",
    )
    server.add_argument(
        "--sync-wait",
        type=_positive,
        default=90.0,
        metavar="SECONDS",
        help="longest wait of a submit in sync mode; 90",
    )
    server.add_argument(
        "--rate-limit",
        type=_count,
        default=0,
        metavar="N",
        help="submissions a minute for each key; 0: any number",
    )
    server.add_argument(
        "--latency",
        type=_positive,
        default=0.0,
        metavar="SECONDS",
        help="every answer of the API comes so late; 0",
    )
    server.add_argument(
        "--fail",
        type=_share,
        default=0.0,
        metavar="RATE",
        help="share of tasks that fail on purpose, 0 to 1; 0",
    )
    server.add_argument(
        "--faults", action="store_true", help="let callers ask for faults with the header X-Seedance-Fault"
    )
    server.set_defaults(run=serve)

    journal = commands.add_parser("tasks", help="look at the journal of videos, finish unfinished ones")
    journal.add_argument("action", nargs="?", choices=("list", "show", "resume"), default="list")
    journal.add_argument("ids", nargs="*", metavar="ID")
    journal.set_defaults(run=tasks)
    return parser
