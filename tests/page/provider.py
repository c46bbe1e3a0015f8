"""A provider on this machine whose answers a test chooses, by the prompt that it will be asked with."""

from __future__ import annotations

import io
import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av
import numpy as np

KEY = "sk-own"


@dataclass
class Part:
    """What happens to the requests with one prompt."""

    submits: list[tuple[int, dict[str, Any], dict[str, str]] | None] = field(default_factory=list)
    """Answers to the first submits: status, body, headers; None closes the connection without one."""
    results: list[dict[str, Any]] = field(default_factory=list)
    """What looks at its task tell, one after the other, the last one until `go` is set; without any, and
    after that, `end`."""
    go: threading.Event = field(default_factory=threading.Event)
    end: dict[str, Any] = field(default_factory=dict)
    """How its task ends, where that is not simply completed."""
    told: dict[int, float] = field(default_factory=dict)
    """When each percentage was first told, by the monotonic clock."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    """What was submitted."""
    listed: bool = False
    """Whether the history shows the tasks of submits that were not answered."""


def refusal(status: int, message: str, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    return status, {"code": status, "message": message, "data": None}, headers


class Provider(ThreadingHTTPServer):
    """Prices, balance, uploads, tasks, a history and a video that plays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.parts: defaultdict[str, Part] = defaultdict(Part)
        self.tasks: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()
        self.video = _video()

    def part(self, prompt: str, **fields: Any) -> Part:
        """Say what happens to a prompt."""
        self.parts[prompt] = Part(**fields)
        return self.parts[prompt]

    def handle_error(self, *_: object) -> None:
        """Browsers and pages that close their connections are nothing to tell of."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_GET(self) -> None:
        if self.path.endswith(".mp4"):
            return self._answer(200, self.server.video)
        if self.path.endswith("/balance"):
            return self._data({"balance": 12.34})
        return self._data(self._result(self.path.split("/")[-2]))

    def do_PUT(self) -> None:
        self._body()
        self._answer(200, b"")

    def do_POST(self) -> None:
        body = json.loads(self._body() or b"{}")
        url = self.server.url
        if self.path.endswith("/media/uploads"):
            self._data({"download_url": f"{url}/{body['filename']}", "upload": {"url": f"{url}/slot"}})
        elif self.path.endswith("/price"):
            self._data({"price": 0.036 * body["inputs"]["duration"], "currency": "USD"})
        elif self.path.endswith("/predictions"):
            self._data({"page": 1, "items": self._history()})
        else:
            self._submit(body)

    def _submit(self, inputs: dict[str, Any]) -> None:
        part = self.server.parts[inputs["prompt"]]
        with self.server.lock:
            part.bodies.append(inputs)
            answer = part.submits.pop(0) if part.submits else ()
            task = {"id": f"task-{len(self.server.tasks) + 1}", "model": "m", "status": "created"}
            if answer is None or answer == ():
                self.server.tasks[task["id"]] = task | {"input": inputs, "lost": answer is None}
        if answer is None:
            self.close_connection = True
        elif answer == ():
            self._data(task)
        else:
            status, said, headers = answer
            self._answer(status, json.dumps(said).encode(), headers)

    def _result(self, id: str) -> dict[str, Any]:
        task = self.server.tasks[id]
        part = self.server.parts[task["input"]["prompt"]]
        told = {"id": id, "model": "m", "input": task["input"]}
        with self.server.lock:
            if part.results and not part.go.is_set():
                now = part.results.pop(0) if len(part.results) > 1 else part.results[0]
                part.told.setdefault(round(100 * now.get("progress", 0)), time.monotonic())
                return told | now
        end = {"status": "completed", "outputs": [f"{self.server.url}/{id}.mp4"], "executionTime": 41_500}
        return told | end | part.end

    def _history(self) -> list[dict[str, Any]]:
        return [
            self._result(id)
            for id, task in list(self.server.tasks.items())
            if not task["lost"] or self.server.parts[task["input"]["prompt"]].listed
        ]

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _data(self, value: object) -> None:
        self._answer(200, json.dumps({"code": 200, "message": "success", "data": value}).encode())

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def _video() -> bytes:
    """Two seconds of a soft colour that wanders."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 352, "yuv420p"
        across = np.linspace(0, 1, 640)[None, :, None]
        for n in range(48):
            low, high = np.array([40, 60 + n, 90]), np.array([230, 180 - n, 120])
            picture = np.broadcast_to(low + (high - low) * across, (352, 640, 3)).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        file.mux(stream.encode(None))
    return buffer.getvalue()
