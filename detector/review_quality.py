"""How good what was raised is, by what reviewers found: precision, agreement, recall, direction."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.model import CloseReason, EventKind
from alerts.standing import standing
from alerts.store import STORM_KIND
from alerts.tables import alert as alert_table
from alerts.tables import alert_event as event_table
from detector.database import reading
from detector.feedback import ALERT, closings, last_closings
from rules.backtest import Share

if TYPE_CHECKING:
    from detector.system import System

SECOND_SHARE = 0.10
"""Share of closed alerts that a second person reviews, chosen by a hash of the id."""
LEAST_PAIRS = 10
"""Pairs of reviews from which Cohen's kappa is given."""
REASONS = tuple(reason.value for reason in CloseReason)

Found = Sequence[Mapping[str, Any]]


def precision(system: System) -> dict[str, list[dict[str, Any]]]:
    """Share confirmed of the reviewed alerts that named each rule, each model and each typology.

    Confirmed against explained and data errors; what was drawn for blind review is left out. Each
    row: ``id``, ``alerts`` (closed), ``undecided``, ``precision`` (``value``, ``low``, ``high``,
    ``k``, ``n``; Wilson, 95 %) or null, and then ``reason``.
    """
    with reading(system.engine) as connection:
        found = [c for c in closings(connection) if c["origin"] == ALERT]
    found = [c for c in found if c["subject_kind"] != STORM_KIND]
    return {
        "rules": by_name(found, lambda c: c["rules"]),
        "models": by_name(found, lambda c: c["models"]),
        "typologies": by_name(found, lambda c: [c["typology"]]),
    }


def by_name(found: Found, names: Any) -> list[dict[str, Any]]:
    """One row of precision for each name a closing bears."""
    rows: dict[str, Counter[int | None]] = {}
    for one in found:
        for name in set(names(one)):
            rows.setdefault(name, Counter())[one["label"]] += 1
    return [precision_row(name, rows[name]) for name in sorted(rows)]


def precision_row(name: str, counts: Mapping[int | None, int]) -> dict[str, Any]:
    """Precision of one name from its counts by label."""
    confirmed, dismissed = counts.get(1, 0), counts.get(0, 0)
    share = Share(confirmed, confirmed + dismissed)
    return {
        "id": name,
        "alerts": sum(counts.values()),
        "undecided": counts.get(None, 0),
        "precision": share.as_dict() if share.n else None,
        "reason": None if share.n else "none of its closed alerts was confirmed or dismissed",
    }


# --- two reviewers ------------------------------------------------------------------------------


def wants_second(alert_id: str) -> bool:
    """Whether an alert is one of the tenth that a second person reviews; always the same answer."""
    digest = hashlib.sha256(f"second review:{alert_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < SECOND_SHARE * 2**64


def waiting_for_second(system: System) -> list[dict[str, Any]]:
    """Closed alerts chosen for a second review that have none yet, without the first one's answer.

    Each row: ``alert``, ``typology``, ``title`` (by language), ``closed_by`` who may not do it.
    """
    with reading(system.engine) as connection:
        last = last_closings(connection)
        done = _second_reviews(connection)
        columns = alert_table.c
        query = sa.select(columns.id, columns.typology, columns.title).where(
            columns.state == "closed"
        )
        rows = connection.execute(query).all()
    return [
        {"alert": i, "typology": typology, "title": title, "closed_by": last[i][0]}
        for i, typology, title in sorted(rows)
        if wants_second(i) and i in last and i not in done
    ]


def agreement(system: System) -> dict[str, Any]:
    """How far two persons who reviewed the same alert found the same.

    Returns:
        ``pairs``, ``agreed`` (a share with its interval) or null, ``kappa`` (Cohen 1960, over the
        five dispositions) or null with ``reason``, ``waiting`` and ``table`` (first by second).
    """
    with reading(system.engine) as connection:
        pairs = _pairs(connection)
    same = Share(sum(a == b for a, b in pairs), len(pairs))
    kappa, why = cohen_kappa(pairs)
    return {
        "pairs": len(pairs),
        "agreed": same.as_dict() if pairs else None,
        "kappa": kappa,
        "reason": why,
        "waiting": len(waiting_for_second(system)),
        "table": [
            {"first": a, "second": b, "alerts": n} for (a, b), n in sorted(Counter(pairs).items())
        ],
    }


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> tuple[float | None, str | None]:
    """Agreement beyond chance (Cohen 1960), or null and why."""
    n = len(pairs)
    if n < LEAST_PAIRS:
        return None, f"{n} of {LEAST_PAIRS} alerts reviewed by two persons"
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    seen = sum(a == b for a, b in pairs) / n
    chance = sum(first[name] * second[name] for name in REASONS) / n**2
    if chance == 1:
        return None, "both persons gave one and the same answer throughout"
    return (seen - chance) / (1 - chance), None


def _pairs(connection: ReadConnection) -> list[tuple[str, str]]:
    """First and second answer of each closed alert that has both, by alert."""
    second = _second_reviews(connection)
    query = sa.select(alert_table.c.id, alert_table.c.close_reason).where(
        alert_table.c.state == "closed"
    )
    rows: Iterable[Any] = connection.execute(query)
    return [(reason, second[i]) for i, reason in sorted(map(tuple, rows)) if i in second]


def _second_reviews(connection: ReadConnection) -> dict[str, str]:
    """The first second answer of each alert since it was last opened."""
    happened = event_table.c
    kinds = (EventKind.SECOND_REVIEW.value, EventKind.REOPENED.value, EventKind.UNDONE.value)
    query = (
        sa.select(happened.alert_id, happened.kind, happened.reason)
        .where(happened.kind.in_(kinds))
        .order_by(happened.id)
    )
    found: dict[str, str] = {}
    for event in standing(connection.execute(query)):
        if event.kind == EventKind.REOPENED.value:
            found.pop(event.alert_id, None)
        else:
            found.setdefault(event.alert_id, event.reason)
    return found
