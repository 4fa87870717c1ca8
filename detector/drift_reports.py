"""The last report of drift: one file beside the models, replaced whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from detector.whole_files import replace_text

if TYPE_CHECKING:
    from detector.system import System

FILE = "DRIFT.json"


def keep_report(system: System, report: Mapping[str, Any]) -> None:
    """Stores a report as the last one."""
    folder = system.home / "models"
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / FILE, json.dumps(report, ensure_ascii=False))


def last_report(system: System) -> dict[str, Any] | None:
    """The last report kept; None before the first."""
    path = system.home / "models" / FILE
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def bunching_at(report: Mapping[str, Any] | None, rule_id: str) -> list[dict[str, Any]]:
    """What a report says of the limits of one rule."""
    return [one for one in (report or {}).get("bunching", ()) if one["rule"] == rule_id]
