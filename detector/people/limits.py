"""What a person may see, where work is done for them while they are away."""

from __future__ import annotations

import sqlalchemy as sa

from alerts.limits import NONE, Limits, of_person
from detector.database import ReadConnection
from detector.people.tables import person
from detector.settings import Settings


def limits_of(connection: ReadConnection, name: str, settings: Settings) -> Limits:
    """Limits of a person by name; of a name without an account none, a closed one sees nothing."""
    columns = (person.c.units, person.c.jurisdictions, person.c.enabled)
    query = sa.select(*columns).where(person.c.name == name)
    row = connection.execute(query).first()
    if row is None:
        return NONE
    if not row.enabled:
        return Limits(frozenset(), frozenset())
    return of_person(row.units, row.jurisdictions, settings.units)
