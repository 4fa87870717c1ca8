"""Rules that are not in force, judged as if two persons had put them there.

What a rule in shadow or a draft would name is worth knowing before it is live. Its figures are
marked: nobody is alerted by it today, mostly because a figure in it has not been verified.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from benchmarks.detection.injectable import live
from detector.database import writing
from detector.rule_records import RuleAct, keep_events, keep_versions
from detector.rule_texts import event_of, version_of
from rules.ruleset import load_library
from rules.spec import Status

if TYPE_CHECKING:
    from detector.system import System

STUDY = "injection study"


def standing(typology: str) -> str:
    """How a typology is judged in the release: `live`, else the nearest to it of its rules."""
    if typology in live():
        return "live"
    statuses = {r.spec.status for r in load_library().rules if r.spec.typology == typology}
    return Status.SHADOW.value if Status.SHADOW in statuses else Status.DRAFT.value


def put_in_force(system: System, typologies: Collection[str]) -> None:
    """Activates the rules of those typologies that nothing judges live, in this installation."""
    judged = live()
    idle = [
        rule
        for rule in load_library().rules
        if rule.spec.typology in typologies
        and rule.spec.typology not in judged
        and rule.spec.status is not Status.RETIRED
    ]
    now = system.clock()
    with writing(system.engine) as connection:
        keep_versions(connection, [version_of(rule, now) for rule in idle])
        keep_events(connection, [event_of(r, RuleAct.ACTIVATED, STUDY, now) for r in idle])
