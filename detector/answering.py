"""Keeps answers of alerts that have none: those written before answers were kept, or otherwise."""

from __future__ import annotations

import logging
import time
from threading import Thread

from alerts.answers import keep_missing
from detector.database import writing
from detector.system import System
from features.errors import WardenError

LOOKED_AT = 500
PAUSE = 0.02
"""Seconds between two parts, in which others may write."""

log = logging.getLogger("marketwarden.answers")


def keep_all(system: System) -> None:
    """Goes through all alerts once, part by part; until it is through, pages are made as read."""
    after: str | None = ""
    while after is not None:
        with writing(system.engine) as connection:
            after = keep_missing(connection, after, LOOKED_AT)
        time.sleep(PAUSE)


def keep_all_beside(system: System) -> None:
    """The same beside a server that is starting."""

    def quietly() -> None:
        try:
            keep_all(system)
        except WardenError:  # whatever is away will be told of by who needs it
            log.warning("answers of alerts were not all kept", exc_info=True)

    Thread(target=quietly, name="answers", daemon=True).start()
