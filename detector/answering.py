"""Keeps answers of alerts that have none: those written before answers were kept, or otherwise."""

from __future__ import annotations

import time

from alerts.answers import keep_missing
from detector.beside import beside
from detector.database import writing
from detector.system import System

LOOKED_AT = 500
PAUSE = 0.02
"""Seconds between two parts, in which others may write."""


def keep_all(system: System) -> None:
    """Goes through all alerts once, part by part; until it is through, pages are made as read."""
    after: str | None = ""
    while after is not None:
        with writing(system.engine) as connection:
            after = keep_missing(connection, after, LOOKED_AT)
        time.sleep(PAUSE)


def keep_all_beside(system: System) -> None:
    """The same beside a server that is starting."""
    beside("answers", lambda: keep_all(system))
