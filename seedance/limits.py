"""How many videos visitors of a page may ask for with the host's key: it is the host's money."""

from __future__ import annotations

from typing import Final

from seedance.errors import LimitReached, SignInNeeded
from seedance.journal import Journal
from seedance.settings import Settings

ADDRESS: Final = "address:"
"""How a visitor is called who has not signed in, before the fingerprint of the address."""
DAY = 86400.0  # seconds
_OTHERWISE = "Nothing was sent. You can use your own key, or make a free preview."


def admit(journal: Journal, settings: Settings, account: str, visitor: str, now: float) -> None:
    """Let a visitor ask for one more video with this account's key, or raise.

    The journal is what counts: a restart resets nothing. `now` is in seconds since the epoch.

    Raises:
        SignInNeeded: the host wants to know who asks, and this visitor has not signed in.
        LimitReached: the visitor, or all visitors together, have had as many as the host allows.
    """
    day = now - DAY
    if settings.sign_in == "required" and visitor.startswith(ADDRESS):
        raise SignInNeeded
    if (most := settings.limit_at_once) and journal.in_the_making(account, visitor) >= most:
        raise LimitReached(
            f"You have {most} videos in the making, as many as this page allows. Wait for one to end. "
            f"{_OTHERWISE}",
            limit=most,
        )
    if (most := settings.limit_visitor) and journal.count(account, most, visitor=visitor, since=day) >= most:
        raise LimitReached(
            f"You have had {most} videos in 24 hours, as many as this page's own key allows. {_OTHERWISE}",
            limit=most,
        )
    if (most := settings.limit_total) and journal.count(account, most, since=day) >= most:
        raise LimitReached(
            f"This page's own key makes {most} videos in 24 hours, and they are used up. {_OTHERWISE}",
            limit=most,
        )
