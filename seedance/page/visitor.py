"""Who visits: a token that only this browser knows owns its videos; limits count accounts and addresses."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from typing import Final

import gradio as gr

from seedance.limits import ADDRESS
from seedance.page.account import account

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32}")
TOKEN: Final = """async token => {
  await new Promise(done => requestIdleCallback(done, {timeout: 500}));
  if (/^[A-Za-z0-9_-]{32}$/.test(token ?? '')) return token;
  const bytes = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_');
}"""
"""Gives a new browser its token before its first click: 192 random bits."""


def owner(token: object) -> str:
    """Return a browser's token, a new one where it brings none of ours."""
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else secrets.token_urlsafe(24)


def is_host(request: gr.Request) -> bool:
    """Tell whether the visitor sits at the machine that serves the page, with no proxy between them."""
    address = request.client.host if request.client else ""
    remote = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via"))
    return address in ("127.0.0.1", "::1") and not remote and not os.environ.get("SPACE_ID")


def visitor(request: gr.Request) -> str:
    """Return whom the host's limits count: who signed in, else a fingerprint of the address."""
    if request.username:
        return f"name:{request.username}"[:64]
    if person := account(request):
        return "account:" + _fingerprint(str(person["sub"]))
    address = request.client.host if request.client else ""
    if os.environ.get("SPACE_ID"):  # a proxy of its own stands before it; elsewhere anybody may write this
        address = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or address
    return ADDRESS + _fingerprint(address)


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
