"""One protocol for every way to send, and the two ways in which sending fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from alerts.notify.kinds import Notice

BACKOFF = (1, 5, 15, 60, 240, 480, 960)
"""Minutes between attempts that did not arrive; after the last there is no further one."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message whose turn has come.

    Attributes:
        id: the same each time it is sent.
        attempt: from 1; whoever confirms shows it.
        doubts: earlier attempts that may have arrived.
        recipient: id of a person or an endpoint.
    """

    id: str
    channel: str
    recipient: str
    attempt: int
    doubts: int
    notices: Sequence[Notice]


class Channel(Protocol):
    """A way to send."""

    def send(self, outgoing: Outgoing, now: datetime) -> None:
        """Sends a message; returning means that the other side has confirmed it.

        Raises:
            UndeliverableError: nobody is there to be told any more.
            NotSentError: it certainly did not arrive.
            UnsureError: it may have arrived.
        """
        ...


class UndeliverableError(Exception):
    """Whoever was to be told is gone: nothing is tried again, and nothing is wrong."""


class NotSentError(Exception):
    """A message that certainly did not arrive.

    Attributes:
        final: trying again will not help.
    """

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class UnsureError(Exception):
    """A message that may have arrived: the confirmation did not."""


def wait_after(attempt: int) -> timedelta | None:
    """How long to wait after an attempt, counted from 1; None when it was the last."""
    return timedelta(minutes=BACKOFF[attempt - 1]) if attempt <= len(BACKOFF) else None
