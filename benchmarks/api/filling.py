"""A queue of a million alerts, made by the database itself from the alerts of the test market."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa

from alerts.tables import alert, alert_answer
from detector.database import WriteConnection, writing
from detector.system import System

# identifiers are in base 32, which has no zero: none begins as a copy does
CHANGED = {
    "id": "'A-0' || n.n",
    "fingerprint": "'F-' || n.n",
    # firms of its own: no copy names a firm another alert names
    "subject_key": "replace(a.subject_key, 'F-', 'F' || n.n || '-') || '-' || n.n",
    "search_text": "replace(a.search_text, 'f-', 'f' || n.n || '-') || ' ' || n.n",
    # copies of one alert lie all over the queue, as alerts of one kind do
    "queue_rank": "a.queue_rank + ((n.n % 10007) * 7919 % 10007) * 1e-4",
}
NUMBERS = {
    "sqlite": "n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {wanted})",
    "postgresql": "n(n) AS (SELECT generate_series(1, {wanted}))",
}
BODY = {
    "sqlite": "CAST(replace(CAST(w.body AS TEXT), a.id, 'A-0' || n.n) AS BLOB)",
    "postgresql": "convert_to(replace(convert_from(w.body, 'UTF8'), a.id, 'A-0' || n.n), 'UTF8')",
}


@contextmanager
def _index_of_texts_later(connection: WriteConnection) -> Iterator[None]:
    """PostgreSQL builds it at once in a tenth of the time it takes text by text."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP INDEX ix_alert_words_grams")
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '1GB'")
    yield
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE INDEX ix_alert_words_grams ON alert_words USING gin (firm_grams(search_text))"
        )


def fill(system: System, wanted: int, changed: Mapping[str, str] = CHANGED) -> int:
    """Copies the alerts that are there until there are about `wanted`; how many there are.

    Args:
        changed: what a copy has of its own, as SQL over the copied alert `a` and its number `n.n`.
    """
    with writing(system.engine) as connection:
        store = connection.dialect.name
        there = connection.scalar(sa.select(sa.func.count()).select_from(alert)) or 1
        names = [c.name for c in alert.c]
        values = ", ".join(changed.get(name, f"a.{name}") for name in names)
        # each old alert by its place, so that a copy takes the next one in turn
        begin = (
            f"WITH RECURSIVE {NUMBERS[store].format(wanted=wanted - there)},"
            " a AS (SELECT *, row_number() OVER (ORDER BY id) AS place FROM alert"
            f" WHERE id NOT LIKE 'A-0%') SELECT "
        )
        of = f" FROM n JOIN a ON a.place = n.n % {there} + 1"
        insert = f"INSERT INTO alert ({', '.join(names)}) {begin}{values}{of}"
        with _index_of_texts_later(connection):
            connection.execute(sa.text(insert))
        # kept answers are copied beside, each with its own id: rendering them takes minutes
        columns = [c.name for c in alert_answer.c]
        own = {"alert_id": "'A-0' || n.n", "body": BODY[store]}
        kept = ", ".join(own.get(name, f"w.{name}") for name in columns)
        answers = f"INSERT INTO alert_answer ({', '.join(columns)}) {begin}{kept}{of}"
        connection.execute(sa.text(f"{answers} JOIN alert_answer w ON w.alert_id = a.id"))
    with writing(system.engine) as connection:
        connection.exec_driver_sql("ANALYZE")
        return int(connection.scalar(sa.select(sa.func.count()).select_from(alert)) or 0)
