"""What the posterior is learnt from: the evidence of reviewed alerts, and whose they were."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.likelihood import MODEL, OTHER, bounded, in_one_family, model_piece, rule_pieces
from alerts.model import SYSTEM, Alert
from alerts.ranking import OF_FIRMS, left_of
from alerts.rows import alert_from
from alerts.store import STORM_KIND
from alerts.tables import alert as alert_table
from alerts.weights import Rate, Weights, logit
from detector import curves
from detector.database import reading
from detector.feedback import SAMPLE, closings
from detector.model_audit import curve_entered
from detector.models import posterior
from detector.models.posterior import Reviews
from detector.recall import drawn_slots
from detector.weighing import priors, sizes
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

CHUNK = 500
Row = tuple[float, float, float, float]


def lesson(connection: ReadConnection) -> Reviews:
    """Every screen alert that was confirmed or dismissed.

    The rates of its rules are those of the reviews about other subjects: a review must not be
    evidence for itself.
    """
    found = [c for c in closings(connection) if c["label"] is not None and c["lane"] == "screen"]
    found = [c for c in found if c["subject_kind"] != STORM_KIND]
    found.sort(key=lambda c: str(c["alert_id"]))
    alerts = _alerts(connection, [str(c["alert_id"]) for c in found])
    subjects = joined_subjects(alerts)
    named = [c for c in found if c["origin"] != SAMPLE]
    everyone, own = Counter[tuple[str, int]](), Counter[tuple[str, str, int]]()
    for one in named:
        for rule in set(one["rules"]):
            everyone[rule, one["label"]] += 1
            own[subjects[one["alert_id"]], rule, one["label"]] += 1
    measured, draws = priors(found, sizes(connection)), drawn_slots(connection)
    rows = []
    for one in found:
        alert, who = alerts[one["alert_id"]], subjects[one["alert_id"]]
        rates = {rule: _rate(rule, who, everyone, own) for rule in one["rules"]}
        rows.append(evidence_row(alert, Weights(priors=measured, rules=rates)))
    return Reviews(
        evidence=rows,
        labels=[int(c["label"]) for c in found],
        subjects=[subjects[c["alert_id"]] for c in found],
        typologies=[str(c["typology"]) for c in found],
        weights=[_weight(c, draws) for c in found],
    )


def _weight(one: Mapping[str, Any], draws: int) -> float:
    """Each draw stands for all subjects, so that several share their number."""
    return float(one["weight"]) / max(draws, 1) if one["origin"] == SAMPLE else 1.0


def _rate(
    rule: str,
    who: str,
    everyone: Mapping[tuple[str, int], int],
    own: Mapping[tuple[str, str, int], int],
) -> Rate:
    counts = [everyone.get((rule, y), 0) - own.get((who, rule, y), 0) for y in (0, 1)]
    return Rate(counts[1], sum(counts))


def evidence_row(alert: Alert, weights: Weights) -> Row:
    """Evidence of one alert: rules by these weights, the rest as it stood when it was decided."""
    signal, stored = left_of(alert), alert.priority.evidence
    prior, _ = weights.prior_of(signal)
    pieces: Sequence[Mapping[str, Any]] = stored.get("pieces", ())
    model = [float(p["log"]) for p in pieces if p["kind"] == MODEL]
    if not model and (piece := model_piece(signal, ())) is not None:
        model = [float(piece["log"])]
    rules = [float(p["log"]) for p in rule_pieces(signal, weights, prior)]
    others = sum(float(p["log"]) * float(p["share"]) for p in pieces if p["kind"] == OTHER)
    return logit(prior), in_one_family(model), in_one_family(rules), bounded(others)


def joined_subjects(alerts: Mapping[str, Alert]) -> dict[str, str]:
    """By alert a name of its subject; those that share a firm, however remotely, share the name."""
    head: dict[str, str] = {}

    def find(name: str) -> str:
        while head.setdefault(name, name) != name:
            head[name] = head[head[name]]
            name = head[name]
        return name

    first: dict[str, str] = {}
    for alert_id in sorted(alerts):
        names = names_of(alerts[alert_id])
        first[alert_id] = names[0]
        for other in names[1:]:
            one, two = sorted((find(names[0]), find(other)))
            head[two] = one
    return {alert_id: find(name) for alert_id, name in first.items()}


def names_of(alert: Alert) -> list[str]:
    """The firms an alert names, or its subject."""
    kind, key = alert.signal.subject_kind, alert.signal.subject_key
    if kind in OF_FIRMS:
        return [f"firm:{name}" for name in re.split(r"[|/]", key)]
    return [f"{kind}:{key}"]


def _alerts(connection: ReadConnection, ids: Sequence[str]) -> dict[str, Alert]:
    found = {}
    for at in range(0, len(ids), CHUNK):
        query = sa.select(alert_table).where(alert_table.c.id.in_(ids[at : at + CHUNK]))
        for row in connection.execute(query).mappings():
            found[row["id"]] = alert_from(row)
    return found


def learn(system: System, *, put_to_use: bool = False, actor: str = SYSTEM) -> dict[str, Any]:
    """Fits the curve on the reviews so far and keeps it; puts it in force only when asked.

    Raises:
        WardenError: `too_few_reviews`; `not_better` when it is to be put in force and does not
            beat the additive form on subjects it has not seen.
    """
    with reading(system.engine) as connection:
        mine = lesson(connection)
    learnt = posterior.fit(mine)
    mark = curves.save(system.home, learnt.as_dict())
    if put_to_use:
        if not learnt.better():
            raise WardenError(
                "not_better",
                "The fitted curve does no better than the additive form on subjects it has not "
                f"seen: loss {learnt.fitted_loss:.4f} against {learnt.additive_loss:.4f}.",
                "Review more alerts, then fit again.",
                kind="conflict",
            )
        with curve_entered(system, mark, actor):
            curves.put_in_force(system.home, mark)
    return {"posterior": mark, "in_force": put_to_use, **learnt.as_dict()}
