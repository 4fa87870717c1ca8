"""What people found about the subjects a rule fires for: alerts, closed and open."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import select

from alerts.model import CloseReason, State
from alerts.tables import alert
from detector.database import reading
from features.vocabulary import GRAINS
from rules.backtest import Share, fired_keys

if TYPE_CHECKING:
    from detector.system import System
    from rules.load import Rule

CONFIRMED = frozenset({CloseReason.CONFIRMED})
DISMISSED = frozenset({CloseReason.EXPLAINED, CloseReason.DATA_ERROR})
UNDECIDED = frozenset({CloseReason.INSUFFICIENT, CloseReason.REFERRED})
"""Closed without an answer: nobody knows yet, so they count neither for nor against a rule."""

_SCHEMA = {
    "id": pl.String(),
    "subject_kind": pl.String(),
    "subject_key": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "state": pl.String(),
    "close_reason": pl.String(),
    "cites": pl.Boolean(),
}


def reviewed(
    system: System, rule: Rule, rows: pl.DataFrame, start: date | None, end: date | None
) -> dict[str, Any]:
    """How alerts about what the rule fires for ended.

    An alert belongs to the rule when it is about a fired subject and period of the same typology,
    or when it names the rule (a tender's rule may be cited by the alert about a firm) and its
    period meets the window.

    Args:
        rows: what the rule says inside the window.

    Returns:
        ``alerts`` (how many), ``open``, ``confirmed``, ``dismissed``, ``undecided``, ``reasons``
        (of the closed ones), ``firings_with_alert``, ``firings_reviewed``, ``precision`` (share
        confirmed of confirmed and dismissed, with its interval) or null, and then ``reason``.
    """
    fired = fired_keys(rows)
    mine, firings = _alerts_of(_alerts(system, rule), rule, fired, start, end)
    reasons = dict(mine.drop_nulls("close_reason").group_by("close_reason").len().iter_rows())
    groups = {"confirmed": CONFIRMED, "dismissed": DISMISSED, "undecided": UNDECIDED}
    counts = {n: sum(reasons.get(r.value, 0) for r in group) for n, group in groups.items()}
    decided = Share(counts["confirmed"], counts["confirmed"] + counts["dismissed"])
    closed = firings.filter(pl.col("state") == State.CLOSED.value)
    return {
        "alerts": mine.height,
        "open": mine.filter(pl.col("state") != State.CLOSED.value).height,
        **counts,
        "reasons": dict(sorted(reasons.items())),
        "firings_with_alert": firings.height,
        "firings_reviewed": closed.height,
        "precision": decided.as_dict() if decided.n else None,
        "reason": None if decided.n else _why_not(mine.height, sum(reasons.values())),
    }


def _why_not(alerts: int, closed: int) -> str:
    """Why there is no precision."""
    if not alerts:
        return "no alert is about anything this rule fires for"
    if not closed:
        return "none of its alerts is closed"
    return "none of its closed alerts was confirmed or dismissed"


def _alerts(system: System, rule: Rule) -> pl.DataFrame:
    """Every alert of the typology, with whether it names the rule."""
    columns = [alert.c[name] for name in _SCHEMA if name != "cites"]
    query = select(*columns, alert.c.rules).where(alert.c.typology == rule.spec.typology)
    with reading(system.engine) as connection:
        found = [
            (*row[:-1], any(one.get("id") == rule.id for one in row[-1] or ()))
            for row in connection.execute(query)
        ]
    return pl.DataFrame(found, schema=_SCHEMA, orient="row")


def _alerts_of(
    alerts: pl.DataFrame,
    rule: Rule,
    fired: pl.DataFrame,
    start: date | None,
    end: date | None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Alerts that belong to the rule, and its firings that have one of their own."""
    kind = pl.col("subject_kind") == GRAINS[rule.spec.grain].subject_kind
    own = alerts.filter(kind).join(fired, on=["subject_key", "period_start"], how="semi")
    firings = fired.join(own, on=["subject_key", "period_start"])
    meets = pl.lit(value=True)
    if start is not None:
        meets = meets & (pl.col("period_end") >= start)
    if end is not None:
        meets = meets & (pl.col("period_start") <= end)
    cited = alerts.filter(pl.col("cites") & meets) if fired.height else alerts.clear()
    return pl.concat([own, cited]).unique("id", maintain_order=True), firings
