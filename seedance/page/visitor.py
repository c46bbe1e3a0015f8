"""Who visits: a token that only this browser knows owns its videos; limits count by name or address."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from typing import Final

import gradio as gr

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32}")


def owner(token: object) -> str:
    """Return a browser's token, a new one where it brings none of ours."""
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else secrets.token_urlsafe(24)


def visitor(request: gr.Request) -> str:
    """Return whom the host's limits count: the name that signed in, else a fingerprint of the address."""
    if request.username:
        return f"name:{request.username}"[:64]
    address = request.client.host if request.client else ""
    if os.environ.get("SPACE_ID"):  # a proxy of its own stands before it; elsewhere anybody may write this
        address = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or address
    return "address:" + hashlib.sha256(address.encode()).hexdigest()[:32]
