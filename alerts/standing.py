"""What still stands of what happened: an undoing deletes nothing, so readers leave it out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from alerts.model import EventKind


class Happened(Protocol):
    """An event's row, as far as it takes to see whether it still stands."""

    @property
    def alert_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def reason(self) -> str | None: ...


Row = TypeVar("Row", bound=Happened)


def standing(rows: Iterable[Row]) -> list[Row]:
    """Events, oldest first, without those that were undone and without the undoing itself.

    Rows of some kinds alone will do, as long as `undone` is one of them: it names what it undid.
    """
    kept: list[Row | None] = []
    last: dict[tuple[str, str | None], list[int]] = {}
    for row in rows:
        if row.kind == EventKind.UNDONE.value:
            places = last.get((row.alert_id, row.reason))
            if places:
                kept[places.pop()] = None
            continue
        last.setdefault((row.alert_id, row.kind), []).append(len(kept))
        kept.append(row)
    return [row for row in kept if row is not None]
