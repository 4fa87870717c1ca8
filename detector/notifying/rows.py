"""Notices as the database gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.notify.kinds import Kind, Notice


def notice_of(row: Mapping[Any, Any]) -> Notice:
    """The notice of a row joined to the alert it is about, if it is about one."""
    return Notice(
        id=row["id"],
        kind=Kind(row["kind"]),
        about=row["about"],
        key=row["key"],
        actor=row["actor"],
        person=row["person"],
        at=row["at"],
        typology=row["typology"],
        severity=row["severity"],
        blind=bool(row["blind"]),
    )
