"""What an intervention is to move: features that come again, of the subjects of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from alerts.case_corrections import correct
from alerts.case_model import Case, CaseHand, PartyRole
from alerts.case_remedies import Direction, Intervention, Target, intervene
from alerts.case_store import get_case
from alerts.cases import parties_of
from detector.database import WriteConnection, writing
from detector.dossier.parties import FIRM, key_kinds
from features.catalogue import catalogue
from features.errors import WardenError
from features.vocabulary import GRAINS

if TYPE_CHECKING:
    from detector.system import System


@dataclass(frozen=True, slots=True)
class Goal:
    """A target as a person names it; without a subject every subject of the case is meant."""

    feature: str
    direction: Direction
    by: date
    subject_key: str | None = None


def goals_of(wanted: Intervention) -> list[Goal]:
    """The targets of a decision as a person would name them."""
    return [Goal(t.feature, t.direction, t.by, t.subject_key) for t in wanted.targets]


def decide(
    system: System, number: str, wanted: Intervention, goals: Sequence[Goal], hand: CaseHand
) -> tuple[Case, int]:
    """Records an intervention with its targets; returns the case and its number.

    Raises:
        WardenError: `unknown_feature`, `bad_target`, and those of `case_remedies.intervene`.
    """
    with writing(system.engine) as connection:
        whole = _aimed(connection, number, wanted, goals, hand)
        return intervene(connection, number, whole, hand)


def correct_decision(
    system: System,
    number: str,
    intervention: int,
    wanted: Intervention,
    goals: Sequence[Goal],
    why: str,
    hand: CaseHand,
) -> Case:
    """Puts a decision as it should have been recorded in the place of what was.

    Raises:
        WardenError: `unknown_feature`, `bad_target`, and those of `case_corrections.correct`.
    """
    with writing(system.engine) as connection:
        whole = _aimed(connection, number, wanted, goals, hand)
        return correct(connection, number, intervention, whole, why, hand)


def _aimed(
    connection: WriteConnection,
    number: str,
    wanted: Intervention,
    goals: Sequence[Goal],
    hand: CaseHand,
) -> Intervention:
    """The decision with its targets, one for each subject that is meant."""
    get_case(connection, number, hand.reach)
    parties = parties_of(connection, number)
    subjects = [firm for firm, role in parties.items() if role is PartyRole.SUBJECT]
    targets = [target for goal in goals for target in _targets(goal, subjects)]
    return replace(wanted, targets=targets)


def _targets(goal: Goal, subjects: Sequence[str]) -> list[Target]:
    feature = catalogue().features.get(goal.feature)
    if feature is None:
        raise WardenError(
            "unknown_feature", f"There is no feature `{goal.feature}`.", "See `warden features`."
        )
    if not GRAINS[feature.grain].recurs or feature.kind == "class":
        raise WardenError(
            "bad_target",
            f"`{goal.feature}` has no line over time that could move.",
            "Name a number of something that is judged period after period.",
        )
    if goal.subject_key is not None:
        keys: Sequence[str] = [goal.subject_key]
    elif key_kinds(feature.grain) == (FIRM,):
        keys = subjects
    else:
        keys = ()
    if not keys:
        raise WardenError(
            "bad_target",
            f"Whose `{goal.feature}` is meant is not said.",
            f"Name a subject key of grain {feature.grain}; see `warden export features:"
            f"{feature.grain}`.",
        )
    return [Target(goal.feature, feature.grain, key, goal.direction, goal.by) for key in keys]
