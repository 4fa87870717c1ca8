"""What was decided in a case, what it is to move, and what came of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

import sqlalchemy as sa

from alerts.case_model import Case, CaseEventKind, CaseHand, CaseState, iso
from alerts.case_store import a_text, happened, lock_case, stamped
from alerts.case_tables import case_file, case_follow_up, case_intervention, case_target
from alerts.connections import ReadConnection, WriteConnection
from features.errors import WardenError

LONGEST_KEY = 400
MOST_TARGETS = 40
Direction = Literal["up", "down"]


class InterventionKind(StrEnum):
    """What an authority does."""

    ORDER = "order"
    COMMITMENT = "commitment"
    FINE = "fine"
    GUIDANCE = "guidance"


class Verdict(StrEnum):
    """What became of a target; none says why it did."""

    MOVED = "moved"
    NO_CHANGE = "no_change"
    AGAINST = "against"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Target:
    """One feature an intervention is to move.

    Attributes:
        by: the day from which on it is to have moved.
    """

    feature: str
    grain: str
    subject_key: str
    direction: Direction
    by: date


@dataclass(frozen=True, slots=True)
class Intervention:
    """One decision; an amount comes with its currency (three letters)."""

    kind: InterventionKind
    decided_on: date
    text: str
    legal_basis: str
    amount: float | None = None
    currency: str | None = None
    targets: Sequence[Target] = ()


@dataclass(frozen=True, slots=True)
class Followed:
    """What was found about a target; `reason` where it cannot be told."""

    target_id: int
    run_id: str | None
    verdict: Verdict
    reason: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pursued:
    """A target with the case and the day of the decision it belongs to."""

    id: int
    case_number: str
    decided_on: date
    target: Target


def intervene(
    connection: WriteConnection, number: str, wanted: Intervention, hand: CaseHand
) -> tuple[Case, int]:
    """Records what was decided; returns the case and the number of the intervention.

    Raises:
        WardenError: `case_not_found`, `stale_version`, `not_decided`, `text_required`,
            `bad_amount`, `bad_target`.
    """
    case = lock_case(connection, number, hand)
    if case.state not in (CaseState.DECIDED, CaseState.CLOSED):
        raise WardenError(
            "not_decided",
            f"Case {number} is not decided yet.",
            "Move it to `decided` first.",
            "conflict",
        )
    checked(wanted, hand.now)
    row = intervention_row(number, wanted)
    row |= {"added_by": hand.actor.strip(), "added_at": hand.now}
    insert = sa.insert(case_intervention).values(row).returning(case_intervention.c.id)
    made = int(connection.execute(insert).scalar_one())
    told = [target_object(target) for target in wanted.targets]
    for target in wanted.targets:
        connection.execute(sa.insert(case_target).values(target_row(made, target)))
    names = ("kind", "text", "amount", "currency", "legal_basis")
    data = {name: row[name] for name in names} | {
        "intervention": made,
        "decided_on": wanted.decided_on.isoformat(),
        "targets": told,
    }
    return stamped(connection, case, hand, CaseEventKind.INTERVENED, data), made


def checked(wanted: Intervention, now: datetime) -> None:
    """Raises WardenError `bad_amount` or `bad_target` for a decision that cannot be one."""
    if wanted.decided_on > now.date():
        raise WardenError("bad_target", f"{wanted.decided_on} is still to come.")
    fine = (wanted.amount is None) == (wanted.currency is None)
    coin = wanted.currency or "EUR"
    if not fine or not (len(coin) == 3 and coin.isascii() and coin.isupper()):
        raise WardenError(
            "bad_amount", "An amount has a currency of three letters.", "For example 50000 and CNY."
        )
    if wanted.amount is not None and not 0 <= wanted.amount < 1e15:
        raise WardenError("bad_amount", "An amount is a number from 0 on.")
    if len(wanted.targets) > MOST_TARGETS:
        raise WardenError("bad_target", f"One intervention has at most {MOST_TARGETS} targets.")
    for target in wanted.targets:
        a_text(target.subject_key, "subject", LONGEST_KEY)
        if target.by < wanted.decided_on:
            raise WardenError(
                "bad_target", f"{target.feature} is to have moved before the decision.",
                "Name a day from the decision on.",
            )  # fmt: skip


def intervention_row(number: str, wanted: Intervention) -> dict[str, Any]:
    """A decision as its table holds it, without who entered it.

    Raises:
        WardenError: `text_required`, `text_unreadable`.
    """
    return {
        "case_number": number,
        "kind": wanted.kind.value,
        "decided_on": wanted.decided_on,
        "text": a_text(wanted.text, "text"),
        "amount": wanted.amount,
        "currency": wanted.currency,
        "legal_basis": a_text(wanted.legal_basis, "legal basis"),
    }


def intervention_from(told: Mapping[str, Any]) -> Intervention:
    """A decision from its plain data."""
    targets = [
        Target(
            one["feature"],
            one["grain"],
            one["subject_key"],
            one["direction"],
            date.fromisoformat(one["by"]),
        )
        for one in told["targets"]
    ]
    return Intervention(
        InterventionKind(told["kind"]),
        date.fromisoformat(told["decided_on"]),
        told["text"],
        told["legal_basis"],
        told["amount"],
        told["currency"],
        targets,
    )


def target_row(made: int, target: Target) -> dict[str, Any]:
    """A target as its table holds it."""
    return {
        "intervention_id": made,
        "feature": target.feature,
        "grain": target.grain,
        "subject_key": target.subject_key,
        "direction": target.direction,
        "by_day": target.by,
    }


def target_object(target: Target) -> dict[str, Any]:
    """A target as plain data."""
    return {
        "feature": target.feature,
        "grain": target.grain,
        "subject_key": target.subject_key,
        "direction": target.direction,
        "by": target.by.isoformat(),
    }


def pursued(connection: ReadConnection, number: str | None = None) -> list[Pursued]:
    """Every target, or those of one case, oldest first."""
    made, goal = case_intervention.c, case_target.c
    query = (
        sa.select(case_target, made.case_number, made.decided_on)
        .join(case_intervention, made.id == goal.intervention_id)
        .order_by(goal.id)
    )
    if number is not None:
        query = query.where(made.case_number == number)
    return [
        Pursued(
            row.id,
            row.case_number,
            row.decided_on,
            Target(row.feature, row.grain, row.subject_key, row.direction, row.by_day),
        )
        for row in connection.execute(query)
    ]


def keep_follow_up(
    connection: WriteConnection, number: str, found: Followed, hand: CaseHand
) -> bool:
    """Keeps what became of a target where it is not what was found before; whether it was kept.

    Raises:
        WardenError: `case_not_found`, `actor_required`, `audit_unavailable`.
    """
    case = lock_case(connection, number, replace(hand, version=None))
    columns = case_follow_up.c
    query = (
        sa.select(columns.verdict, columns.reason, columns.data)
        .where(columns.target_id == found.target_id)
        .order_by(columns.id.desc())
        .limit(1)
    )
    before = connection.execute(query).one_or_none()
    after = (found.verdict.value, found.reason, found.data)
    if before is not None and tuple(before) == after:
        return False
    row = {"target_id": found.target_id, "at": hand.now, "run_id": found.run_id,
           "verdict": found.verdict.value, "reason": found.reason, "data": found.data}  # fmt: skip
    connection.execute(sa.insert(case_follow_up).values(row))
    data = {"target": found.target_id, "run_id": found.run_id, "verdict": found.verdict.value,
            "why": found.reason}  # fmt: skip
    happened(connection, case, hand, CaseEventKind.FOLLOWED_UP, data)
    return True


def interventions_of(connection: ReadConnection, number: str) -> list[dict[str, Any]]:
    """What was decided in a case, oldest first, each target with what was found last."""
    made = case_intervention.c
    chosen = sa.select(case_intervention).where(made.case_number == number).order_by(made.id)
    rows = connection.execute(chosen).mappings().all()
    goals = pursued(connection, number)
    last = _last_found(connection, [goal.id for goal in goals])
    own = sa.select(case_target.c.id, case_target.c.intervention_id)
    whose = {row.id: row.intervention_id for row in connection.execute(own.where(
        case_target.c.id.in_([goal.id for goal in goals])))}  # fmt: skip
    return [
        {
            "id": row["id"],
            "kind": row["kind"],
            "decided_on": row["decided_on"].isoformat(),
            "text": row["text"],
            "amount": row["amount"],
            "currency": row["currency"],
            "legal_basis": row["legal_basis"],
            "added_by": row["added_by"],
            "added_at": row["added_at"].isoformat(),
            "targets": [
                {"id": goal.id, **target_object(goal.target), "follow_up": last.get(goal.id)}
                for goal in goals
                if whose[goal.id] == row["id"]
            ],
        }
        for row in rows
    ]


def _last_found(connection: ReadConnection, targets: Sequence[int]) -> dict[int, dict[str, Any]]:
    columns = case_follow_up.c
    query = sa.select(case_follow_up).where(columns.target_id.in_(targets)).order_by(columns.id)
    return {
        row["target_id"]: {
            "at": iso(row["at"]),
            "run_id": row["run_id"],
            "verdict": row["verdict"],
            "reason": row["reason"],
            **row["data"],
        }
        for row in connection.execute(query).mappings()
    }


def numbers_with_targets(connection: ReadConnection) -> list[str]:
    """Numbers of the cases with something to follow up, oldest first."""
    query = (
        sa.select(case_file.c.number)
        .where(case_file.c.number.in_(sa.select(case_intervention.c.case_number).join(
            case_target, case_target.c.intervention_id == case_intervention.c.id)))
        .order_by(case_file.c.year, case_file.c.serial)
    )  # fmt: skip
    return list(connection.scalars(query))
