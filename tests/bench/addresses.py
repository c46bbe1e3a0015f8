"""What schemathesis cannot know: addresses that this engine accepts. None of them is ever looked up."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies

_HOSTS = ("images.example.com", "a.example.org:8443", "xn--bcher-kva.example", "93.184.216.34")
_PATHS = ("", "/", "/a.jpg", "/a%20b.png?width=4&x=%C3%A4", "/media/uploads/other/a.jpg#top")

schemathesis.openapi.format(
    "uri",
    strategies.builds(
        "{}://{}{}".format,
        strategies.sampled_from(("http", "https")),
        strategies.sampled_from(_HOSTS),
        strategies.sampled_from(_PATHS),
    ),
)
