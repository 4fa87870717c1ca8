"""Cases opened on alerts: the firms the alerts are about become parties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alerts.case_model import Case, CaseHand, NewCase, PartyRole
from alerts.cases import Parties, add_alerts, open_case, require_alerts
from alerts.limits import NONE, Limits
from alerts.tables import alert as alert_table
from detector.database import ReadConnection, writing
from detector.dossier.parties import FIRM, JOINED, key_kinds
from features.vocabulary import GRAINS

if TYPE_CHECKING:
    from detector.system import System


def open_on_alerts(
    system: System,
    wanted: NewCase,
    alert_ids: Sequence[str],
    hand: CaseHand,
    parties: Parties | None = None,
    limits: Limits = NONE,
) -> Case:
    """Opens a case on a selection of alerts.

    Args:
        parties: the firms of the alerts, as subjects, when None.
        limits: what of the alerts the actor may see.

    Raises:
        WardenError: as `alerts.cases.open_case`.
    """
    with writing(system.engine) as connection:
        require_alerts(connection, alert_ids, limits)
        firms = subjects_of(connection, alert_ids) if parties is None else parties
        return open_case(connection, wanted, alert_ids, firms, hand)


def add_to_case(
    system: System,
    number: str,
    alert_ids: Sequence[str],
    hand: CaseHand,
    limits: Limits = NONE,
) -> Case:
    """Adds alerts to a case, with the firms they are about.

    Raises:
        WardenError: as `alerts.cases.add_alerts`.
    """
    with writing(system.engine) as connection:
        require_alerts(connection, alert_ids, limits)
        firms = subjects_of(connection, alert_ids)
        return add_alerts(connection, number, alert_ids, firms, hand)


def subjects_of(connection: ReadConnection, alert_ids: Sequence[str]) -> dict[str, PartyRole]:
    """The firms that the keys of alerts name, as subjects."""
    columns = alert_table.c
    query = sa.select(columns.subject_kind, columns.subject_key).where(columns.id.in_(alert_ids))
    named = (firm for kind, key in connection.execute(query) for firm in firms_in(kind, key))
    return dict.fromkeys(sorted(set(named)), PartyRole.SUBJECT)


def firms_in(kind: str, key: str) -> Iterable[str]:
    """The firms that the key of a subject names; none where it names only other things."""
    parts = key.split("/")
    if kind in JOINED:
        return parts[0].split("|")
    for code, grain in GRAINS.items():
        kinds = key_kinds(code)
        if grain.subject_kind == kind and len(kinds) == len(parts):
            return [part for part, one in zip(parts, kinds, strict=True) if one == FIRM]
    return ()
