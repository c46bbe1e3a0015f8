"""The words that a proof and its provider share: how a submit fares, how far a client has come."""

from __future__ import annotations

from typing import Literal

Submit = Literal["ok", "hang", "drop", "500", "504", "drop-after-accept"]
"""`ok` accepts; `hang`, `drop`, `500` and `504` read the request and charge nothing; the last one charges
and then drops the connection."""

Step = Literal["ticket", "put", "submit", "charge", "list", "poll", "output"]
"""What a client asks for on its way, in that order; `charge` is the moment after the line in the ledger."""
