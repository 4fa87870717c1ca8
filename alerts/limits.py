"""What somebody may see of the alerts: those of a unit's typologies, in their jurisdictions.

Both limits hold at once. An alert that concerns several jurisdictions is within reach of each of
them; one of which nothing filed says whom it concerns is within reach of nobody who is limited.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.store import alert_not_found, storable
from alerts.tables import alert as alert_table
from alerts.tables import alert_jurisdiction
from features.parameters.procurement_limits import EU_MEMBERS
from features.vocabulary import TYPOLOGIES, meant_by


@dataclass(frozen=True, slots=True)
class Limits:
    """Typologies and jurisdictions somebody is limited to; None: no limit, empty: nothing."""

    typologies: frozenset[str] | None = None
    jurisdictions: frozenset[str] | None = None

    def allow(self, typology: str) -> bool:
        """Whether anything of the typology may be seen."""
        return self.typologies is None or typology in self.typologies

    def reach(self, codes: Collection[str]) -> bool:
        """Whether anything within these codes (`alerts.jurisdictions.reach`) may be seen."""
        return self.jurisdictions is None or not self.jurisdictions.isdisjoint(codes)

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What a query of alerts must hold to."""
        found: list[sa.ColumnElement[bool]] = []
        if self.typologies is not None:
            found.append(one_of(alert_table.c.typology, sorted(self.typologies)))
        if self.jurisdictions is not None:
            found.append(concerns(self.jurisdictions))
        return found


NONE = Limits()


def one_of(column: sa.Column[Any], values: Collection[str]) -> sa.ColumnElement[bool]:
    """Alerts with any of some values in a column of text.

    One value is looked up in an index of it. For several, such an index gives the alerts of one
    after those of the other, all to be sorted for a single page; so they are looked for along the
    index in queue order instead.
    """
    return column == next(iter(values)) if len(values) == 1 else column.concat("").in_(values)


def concerns(codes: Collection[str]) -> sa.ColumnElement[bool]:
    """Alerts that concern any of the jurisdictions, or a place that lies in one."""
    columns = alert_jurisdiction.c
    # looked up alert by alert: a page of the queue needs fifty of a million
    return (
        sa.select(sa.literal(1))
        .where(columns.alert_id == alert_table.c.id, columns.jurisdiction.in_(sorted(codes)))
        .correlate(alert_table)
        .exists()
    )


def lies_in(
    column: sa.ColumnElement[Any], jurisdictions: Collection[str]
) -> sa.ColumnElement[bool]:
    """Rows whose code is one of the jurisdictions, or of a place that lies in one."""
    codes = {*jurisdictions, *(EU_MEMBERS if "EU" in jurisdictions else ())}
    below = [column.startswith(f"{code}-", autoescape=True) for code in sorted(codes)]
    return sa.or_(column.in_(sorted(codes)), *below)


def of_person(
    units: Collection[str],
    jurisdictions: Collection[str],
    known: Mapping[str, Collection[str]],
) -> Limits:
    """Limits of somebody who works for some units and some jurisdictions.

    Args:
        units, jurisdictions: none at all means no limit.
        known: patterns of typologies by unit, a ``*`` at the end standing for any rest. A unit
            that is not known has no typologies: whoever is limited to it sees nothing.
    """
    places = frozenset(jurisdictions) if jurisdictions else None
    if not units:
        return Limits(None, places)
    patterns = [p for unit in units for p in known.get(unit, ())]
    mine = frozenset(t for t in TYPOLOGIES for p in patterns if meant_by(p, t))
    return Limits(mine, places)


def require_visible(connection: ReadConnection, alert_id: str, limits: Limits) -> None:
    """Answers for an alert beyond the limits as for one that does not exist.

    Raises:
        WardenError: `alert_not_found`.
    """
    if limits == NONE:
        return
    query = sa.select(alert_table.c.id).where(alert_table.c.id == alert_id, *limits.conditions())
    if not storable(alert_id) or connection.scalar(query) is None:
        raise alert_not_found(alert_id)
