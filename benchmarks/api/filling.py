"""A queue of a million alerts, made by the database itself from the alerts of the test market."""

from __future__ import annotations

import sqlalchemy as sa

from alerts.tables import alert
from detector.database import writing
from detector.system import System

CHANGED = {
    "id": "'A-' || n.n",
    "fingerprint": "'F-' || n.n",
    "subject_key": "a.subject_key || '-' || n.n",
    "queue_rank": "a.queue_rank + n.n * 1e-9",
    "search_text": "a.search_text || ' ' || n.n",
}


def fill(system: System, wanted: int) -> int:
    """Copies the alerts that are there until there are about `wanted`; how many there are."""
    with writing(system.engine) as connection:
        there = connection.scalar(sa.select(sa.func.count()).select_from(alert)) or 1
        names = [c.name for c in alert.c]
        values = ", ".join(CHANGED.get(name, f"a.{name}") for name in names)
        # each old alert by its place, so that a copy takes the next one in turn
        connection.exec_driver_sql(
            f"INSERT INTO alert ({', '.join(names)})"
            " WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n"
            f" WHERE n < {wanted - there}),"
            " a AS (SELECT *, row_number() OVER (ORDER BY id) AS place FROM alert)"
            f" SELECT {values} FROM n JOIN a ON a.place = n.n % {there} + 1"
        )
        return int(connection.scalar(sa.select(sa.func.count()).select_from(alert)) or 0)
