"""Two renderings of an alert beside each other, figure by figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DIGITS = 1e-9
"""Numbers nearer than this, in parts of them, are the same: an alert is restated for no less."""
SHOWN = (
    "typology", "subject", "period", "title", "message", "lane", "severity", "suspicion",
    "p_value", "q_value", "budget", "priority", "facts", "rules", "models", "legal_basis",
    "innocent_explanations", "not_checked", "snapshot_id",
)  # fmt: skip
"""What of an alert comes from its filings and judges; the rest was decided by people."""
NAMED_BY = ("rule", "feature", "part", "id", "alert", "kind")
"""Fields that name an entry of a list, so that one more does not move all that follow."""


class Difference(NamedTuple):
    """One figure that is not the same; `field` is its path."""

    field: str
    recorded: Any
    replayed: Any

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"field": self.field, "recorded": self.recorded, "replayed": self.replayed}


def shown(alert: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of an alert object.

    How reviews moved its place, and at what place, is no figure of its judgement.
    """
    found = {name: alert[name] for name in SHOWN}
    found["priority"] = {k: v for k, v in alert["priority"].items() if k != "learned"}
    return found


def differences(recorded: Any, replayed: Any, path: str = "") -> list[Difference]:
    """Every leaf in which two pieces of plain data differ."""
    if isinstance(recorded, Mapping) and isinstance(replayed, Mapping):
        return [
            one
            for name in dict.fromkeys([*recorded, *replayed])
            for one in differences(
                recorded.get(name), replayed.get(name), f"{path}.{name}" if path else str(name)
            )
        ]
    if _listed(recorded) and _listed(replayed):
        old, new = _named(recorded), _named(replayed)
        return [
            one
            for name in dict.fromkeys([*old, *new])
            for one in differences(old.get(name), new.get(name), f"{path}[{name}]")
        ]
    return [] if same(recorded, replayed) else [Difference(path, recorded, replayed)]


def same(a: Any, b: Any) -> bool:
    """Whether two leaves say the same."""
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    if numbers and not isinstance(a, bool) and not isinstance(b, bool):
        return math.isclose(a, b, rel_tol=DIGITS, abs_tol=1e-300)
    return type(a) is type(b) and bool(a == b)


def counted(data: Any) -> int:
    """Leaves of plain data: how many figures and texts were compared."""
    if isinstance(data, Mapping):
        return sum(counted(value) for value in data.values())
    if _listed(data):
        return sum(counted(value) for value in data)
    return 1


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _named(items: Sequence[Any]) -> dict[str, Any]:
    """Entries by what names them; by their number where nothing does."""
    found: dict[str, Any] = {}
    for place, item in enumerate(items):
        parts = [str(item[n]) for n in NAMED_BY if item.get(n)] if isinstance(item, Mapping) else []
        name = " ".join(parts) or str(place)
        found[name if name not in found else f"{name} {place}"] = item
    return found
