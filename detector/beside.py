"""Work beside a server: in a thread of its own that nobody waits for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread

from features.errors import WardenError

log = logging.getLogger("marketwarden.beside")


def beside(name: str, act: Callable[[], object]) -> None:
    """Does something in a thread named so.

    What fails for want of something that is away is logged; whoever needs it will be told.
    """

    def quietly() -> None:
        try:
            act()
        except WardenError:
            log.warning("%s was not done beside", name, exc_info=True)

    Thread(target=quietly, name=name, daemon=True).start()
