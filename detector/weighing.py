"""What evidence is worth, measured on reviews: rates of rules, priors, and the fitted curve.

Read once when a run publishes, stored with it, and the same for every alert of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.store import STORM_KIND
from alerts.tables import review_draw as draw_table
from alerts.weights import BASE_RATE, Rate, Weights, populations
from detector.curves import in_force
from detector.feedback import SAMPLE, closings

if TYPE_CHECKING:
    from pathlib import Path

PRIOR_STRENGTH = 50.0
"""Blind reviews the default prior is worth, against those of a market."""
ALERT_STRENGTH = 10.0
"""Reviewed alerts the default prior is worth, for the share of a market's alerts that hold."""

Found = Sequence[Mapping[str, Any]]
"""Closings, see `detector.feedback.closings`."""


def measured(connection: ReadConnection, home: Path) -> Weights:
    """The weights that the reviews so far give."""
    found = closings(connection)
    return Weights(
        priors=priors(found, sizes(connection)), rules=rule_rates(found), curve=in_force(home)
    )


def rule_rates(found: Iterable[Mapping[str, Any]]) -> dict[str, Rate]:
    """By rule, how the closed alerts that named it ended, of those with an answer."""
    counts: dict[str, list[int]] = {}
    for one in found:
        if one["label"] is None or one["origin"] == SAMPLE or one["subject_kind"] == STORM_KIND:
            continue
        for rule in set(one["rules"]):
            pair = counts.setdefault(rule, [0, 0])
            pair[0] += one["label"]
            pair[1] += 1
    return {rule: Rate(*pair) for rule, pair in sorted(counts.items())}


def sizes(connection: ReadConnection) -> dict[tuple[str, str], tuple[int, int]]:
    """By (typology, grain), subjects without an alert and with one when it was last drawn from."""
    from alerts.tables import alert as alert_table

    drawn = draw_table.c
    query = (
        sa.select(alert_table.c.typology, drawn.grain, drawn.population, drawn.alerted)
        .join(alert_table, alert_table.c.id == drawn.alert_id)
        .where(drawn.role == SAMPLE)
        .order_by(drawn.drawn_at, drawn.alert_id)
    )
    return {(t, g): (without, with_) for t, g, without, with_ in connection.execute(query)}


def priors(found: Found, size: Mapping[tuple[str, str], tuple[int, int]]) -> dict[str, float]:
    """Share of real cases by market and typology, where a blind sample of it was reviewed.

    The share among subjects without an alert is the weighted mean of the sample, that among
    subjects with one the share of its reviewed alerts; both are shrunken towards the default, and
    put together by how many subjects there are of each.
    """
    blind: dict[str, list[tuple[float, int]]] = {}
    raised: dict[str, list[int]] = {}
    counted: dict[str, dict[tuple[str, str], tuple[int, int]]] = {}
    for one in found:
        if one["label"] is None or one["subject_kind"] == STORM_KIND:
            continue
        for name in populations(one["typology"], one["subject_kind"], one["subject_key"]):
            if one["origin"] == SAMPLE:
                blind.setdefault(name, []).append((one["weight"], one["label"]))
                stratum = (one["typology"], one["grain"])
                counted.setdefault(name, {})[stratum] = size.get(stratum, (0, 0))
            else:
                raised.setdefault(name, []).append(one["label"])
    return {
        name: _prior(rows, raised.get(name, ()), counted[name].values())
        for name, rows in sorted(blind.items())
    }


def _prior(
    blind: Sequence[tuple[float, int]],
    raised: Sequence[int],
    counted: Iterable[tuple[int, int]],
) -> float:
    total = sum(weight for weight, _ in blind)
    mean = sum(weight * label for weight, label in blind) / total
    below = shrunken(mean, len(blind), PRIOR_STRENGTH)
    above = shrunken(sum(raised) / len(raised) if raised else 0.0, len(raised), ALERT_STRENGTH)
    pairs = list(counted)
    without, with_ = sum(p[0] for p in pairs), sum(p[1] for p in pairs)
    share = with_ / (without + with_) if without + with_ else 0.0
    return min((1 - share) * below + share * above, 0.5)


def shrunken(mean: float, n: int, strength: float) -> float:
    """A mean of n reviews, drawn towards the default prior as if that rested on `strength`."""
    return (mean * n + strength * BASE_RATE) / (n + strength)
