"""What was decided in cases, and whether the features it was to move did."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from alerts.case_model import EVERYWHERE, CaseReach
from alerts.case_remedies import interventions_of
from alerts.case_tables import case_file, case_intervention
from alerts.connections import ReadConnection

Row = dict[str, Any]
MOST = 8


def remedies(connection: ReadConnection, reach: CaseReach = EVERYWHERE) -> list[Row]:
    """The newest decisions with something to follow up, each target with what was found last.

    Args:
        reach: cases whoever asks may see.

    Returns:
        Of each target its `case`, the `title` of the case, the `kind` and day of the decision
        (`decided_on`), the `target` and its `follow_up`, None where none was made yet.
    """
    made, case = case_intervention.c, case_file.c
    query = (
        sa.select(made.case_number, case.title, sa.func.max(made.decided_on).label("last"))
        .join(case_file, case.number == made.case_number)
        .where(*reach.conditions())
        .group_by(made.case_number, case.title)
        .order_by(sa.desc("last"), made.case_number)
        .limit(MOST)
    )
    found = []
    for number, title, _ in connection.execute(query).all():
        for one in interventions_of(connection, number):
            found += [
                {
                    "case": number,
                    "title": title,
                    "kind": one["kind"],
                    "decided_on": one["decided_on"],
                    "target": target,
                    "follow_up": target["follow_up"],
                }
                for target in one["targets"]
            ]
    return found[:MOST]
