"""Signing in with Hugging Face, on a Space whose card says `hf_oauth: true`. Nowhere else is it offered."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final

import gradio as gr
from gradio.utils import get_space

from seedance.page.language import LANGUAGES, language, say

_NEEDED: Final = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")


def is_offered() -> bool:
    """Tell whether this is a Space that lets visitors sign in.

    Elsewhere Gradio takes everybody for whoever is logged in on the machine. Without a client's secret
    anybody could sign the cookie that tells who they are.
    """
    return get_space() is not None and all(os.environ.get(name) for name in _NEEDED)


def account(request: gr.Request) -> dict[str, Any] | None:
    """Return what Hugging Face tells of who signed in (`sub` never changes), or None."""
    scope = request.request.scope if is_offered() and request.request else {}
    told = scope.get("session", {}).get("oauth_info")
    if not told or (told.get("expires_at") or 0) < time.time():
        return None
    person: dict[str, Any] = told["userinfo"]
    return person


def button(i18n: gr.I18n) -> gr.LoginButton | None:
    """Return the button, not rendered yet; made outside of `Blocks`, or it would speak English alone."""
    if not is_offered():
        return None
    return gr.LoginButton(
        i18n("sign_in"),  # type: ignore[arg-type]
        variant="secondary",
        size="sm",
        elem_id="sign-in",
        render=False,
    )


def words(request: gr.Request) -> Any:
    """Let the button tell who signed in, and offer to sign out."""
    person = account(request)
    if person is None:
        return gr.skip()
    return gr.update(value=say(language(request), "sign_out", name=person["preferred_username"]))


_SIGNED_IN: Final = [say(name, "sign_out").partition("{")[0] for name in LANGUAGES]
CLICK: Final = f"""words => {{
  const there = {json.dumps(_SIGNED_IN)}.some(it => words.startsWith(it)) ? 'logout' : 'login/huggingface';
  window.parent?.postMessage({{type: 'SET_SCROLLING', enabled: true}}, '*');
  location.assign(there + '?_target_url=' + encodeURIComponent(location.pathname + location.search));
}}"""
"""Goes to Hugging Face's page, or signs out; on the same tab, as `LoginButton` does."""
