"""What was missed: recall and direction, from the blind sample and never from alerts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts.case_tables import lead as lead_table
from alerts.connections import ReadConnection
from alerts.store import STORM_KIND
from alerts.tables import alert as alert_table
from alerts.tables import review_draw as draw_table
from detector.database import reading
from detector.feedback import ALERT, SAMPLE, closings
from features.intervals import wilson
from rules.backtest import Share

if TYPE_CHECKING:
    from detector.system import System

LEAST_SAMPLED = 20
"""Reviews of the blind sample from which recall is estimated."""
LEAST_COMPARED = 5
"""Reviews of each side from which a direction is judged."""
LOW = 0.5
"""Suspicion up to which a sampled subject counts as one the machine thought harmless."""
LEVEL = 0.05

Found = Sequence[Mapping[str, Any]]


def recall(system: System) -> dict[str, Any]:
    """Share of all real cases that an alert was raised for, with an interval.

    Cases without an alert are estimated from the blind sample, each review weighted by its inverse
    probability over all draws (Horvitz and Thompson 1952); their share's interval is Wilson's at
    the effective number of reviews (Kish 1965). Cases with an alert are the screen alerts raised
    times the share confirmed of those reviewed. The bounds combine the worse ends of both, so the
    interval is wider than 95 %.

    Returns:
        ``recall`` (``value``, ``low``, ``high``) or null and then ``reason``, ``sampled``
        (reviews), ``missed`` and ``raised`` (cases estimated, with bounds), ``direction``.
    """
    with reading(system.engine) as connection:
        found = [c for c in closings(connection) if c["lane"] == "screen"]
        slots, alerts = drawn_slots(connection), _raised(connection)
        suspicions = _suspicions(connection)
    answered = [c for c in found if c["label"] is not None and c["subject_kind"] != STORM_KIND]
    sampled = [c for c in answered if c["origin"] == SAMPLE]
    raised = [c for c in answered if c["origin"] == ALERT]
    told = {
        "sampled": len(sampled),
        "reviewed_alerts": len(raised),
        "direction": directions(sampled, raised, suspicions),
    }
    if len(sampled) < LEAST_SAMPLED:
        return told | _none(f"{len(sampled)} of {LEAST_SAMPLED} reviews of the blind sample")
    if not raised:
        return told | _none("no alert of a run was confirmed or dismissed")
    missed = missed_cases([(c["weight"] / max(slots, 1), c["label"]) for c in sampled])
    share = Share(sum(c["label"] for c in raised), len(raised)).as_dict()
    caught = {end: alerts * float(share[end] or 0.0) for end in ("value", "low", "high")}
    if caught["high"] + missed["high"] == 0:
        return told | _none("no case is known at all")
    return told | {
        "recall": {
            "value": _part(caught["value"], missed["value"]),
            "low": _part(caught["low"], missed["high"]),
            "high": _part(caught["high"], missed["low"]),
        },
        "missed": missed,
        "raised": caught,
        "reason": None,
    }


def missed_cases(reviews: Sequence[tuple[float, int]]) -> dict[str, float]:
    """Cases among subjects without an alert, from (weight, label) of the sample, with bounds."""
    total = sum(weight for weight, _ in reviews)
    share = sum(weight * label for weight, label in reviews) / total
    effective = total**2 / sum(weight**2 for weight, _ in reviews)
    low, high = wilson(share * effective, effective)
    return {"value": share * total, "low": low * total, "high": high * total}


def _part(caught: float, missed: float) -> float:
    return caught / (caught + missed) if caught + missed else 0.0


def _none(reason: str) -> dict[str, Any]:
    return {"recall": None, "missed": None, "raised": None, "reason": reason}


def directions(
    sampled: Found, raised: Found, suspicions: Mapping[str, float | None]
) -> list[dict[str, Any]]:
    """By typology, whether what the machine thought harmless holds more often than its alerts.

    Each row: ``typology``, ``low`` (reviews of subjects with a suspicion of at most one half),
    ``alerts``, ``wrong`` (Fisher's exact test, one-sided, 5 %) or null and then ``reason``.
    """
    rows = []
    for typology in sorted({str(c["typology"]) for c in sampled}):
        mine = [c for c in sampled if c["typology"] == typology]
        low = [c for c in mine if (suspicions.get(c["alert_id"]) or 0.0) <= LOW]
        top = [c for c in raised if c["typology"] == typology]
        a = Share(sum(c["label"] for c in low), len(low))
        b = Share(sum(c["label"] for c in top), len(top))
        wrong, p, why = _wrong(a, b)
        rows.append(
            {
                "typology": typology, "low": a.as_dict(), "alerts": b.as_dict(),
                "wrong": wrong, "p": p, "reason": why,
            }
        )  # fmt: skip
    return rows


def _wrong(low: Share, top: Share) -> tuple[bool | None, float | None, str | None]:
    if min(low.n, top.n) < LEAST_COMPARED:
        return None, None, f"{low.n} and {top.n} reviews; {LEAST_COMPARED} of each are needed"
    from scipy.stats import fisher_exact

    table = [[low.k, low.n - low.k], [top.k, top.n - top.k]]
    p = float(fisher_exact(table, alternative="greater").pvalue)
    return p <= LEVEL, p, None


def drawn_slots(connection: ReadConnection) -> int:
    """Draws made; each stands for the whole, so together they are averaged."""
    query = sa.select(sa.func.count(sa.distinct(draw_table.c.slot)))
    return connection.scalar(query.where(draw_table.c.role == SAMPLE)) or 0


def _raised(connection: ReadConnection) -> int:
    """Screen alerts that a run raised; leads were raised by somebody else."""
    seen, drawn = alert_table.c, draw_table.c
    samples = sa.select(drawn.alert_id).where(drawn.role == SAMPLE)
    others = samples.union(sa.select(lead_table.c.alert_id))
    query = (
        sa.select(sa.func.count())
        .select_from(alert_table)
        .where(seen.lane == "screen", seen.subject_kind != STORM_KIND, seen.id.not_in(others))
    )
    return connection.scalar(query) or 0


def _suspicions(connection: ReadConnection) -> dict[str, float | None]:
    """What the machine thought of each drawn subject."""
    query = sa.select(draw_table.c.alert_id, draw_table.c.suspicion)
    return {str(alert_id): suspicion for alert_id, suspicion in connection.execute(query)}
