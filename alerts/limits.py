"""What somebody may see of the alerts: only those of a unit's typologies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.store import alert_not_found, storable
from alerts.tables import alert as alert_table
from features.vocabulary import TYPOLOGIES


@dataclass(frozen=True, slots=True)
class Limits:
    """Typologies somebody is limited to; None: no limit, empty: nothing at all."""

    typologies: frozenset[str] | None = None

    def allow(self, typology: str) -> bool:
        """Whether anything of the typology may be seen."""
        return self.typologies is None or typology in self.typologies

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What a query of alerts must hold to."""
        if self.typologies is None:
            return []
        return [alert_table.c.typology.in_(sorted(self.typologies))]


NONE = Limits()


def of_units(units: Collection[str], known: Mapping[str, Collection[str]]) -> Limits:
    """Limits of somebody who works for some units.

    Args:
        units: none at all means no limit.
        known: patterns of typologies by unit, a ``*`` at the end standing for any rest. A unit
            that is not known has no typologies: whoever is limited to it sees nothing.
    """
    if not units:
        return NONE
    patterns = [p for unit in units for p in known.get(unit, ())]
    mine = {t for t in TYPOLOGIES for p in patterns if _meant(p, t)}
    return Limits(frozenset(mine))


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


def _meant(pattern: str, typology: str) -> bool:
    return typology.startswith(pattern[:-1]) if pattern.endswith("*") else typology == pattern
