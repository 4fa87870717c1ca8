"""Exceptions: a rule's firings about some subjects that are known and answered for, for a while.

An exception tags; it drops nothing. What it covers is decided by the days of the firing's period,
never by the clock, so a run repeated later says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alerts import audit
from alerts.changing import require_actor, same_person
from alerts.connections import ReadConnection, WriteConnection
from alerts.lifecycle import LONGEST_NOTE, SEVERE
from alerts.model import Signal
from alerts.store import storable
from alerts.tables import rule_exception as table
from features.errors import WardenError

DEFAULT_DAYS = 90
LONGEST_DAYS = 366
"""After a year somebody must think about it again."""


@dataclass(frozen=True, slots=True)
class RuleException:
    """One exception.

    Attributes:
        subject_kind, subject_key: one subject, or with a kind alone every subject of it.
        first_day, last_day: periods that end on these days are meant; open where None.
        expires: the last day on which a period may end to be covered at all.
        owner: who answers for it.
        needs_second: a severe rule: nothing is covered before another person has approved.
        ended_on: the last day it covers, when a person ended it.
        version: counts changes; a change names the one it was made on.
    """

    id: int
    rule_id: str
    subject_kind: str | None
    subject_key: str | None
    first_day: date | None
    last_day: date | None
    expires: date
    owner: str
    reason: str
    added_by: str
    added_at: datetime
    needs_second: bool
    approved_by: str | None = None
    approved_at: datetime | None = None
    ended_on: date | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None
    version: int = 1

    @property
    def in_force(self) -> bool:
        """Whether it covers anything, its days aside."""
        return not self.needs_second or self.approved_by is not None

    @property
    def until(self) -> date:
        """The last day on which a covered period may end."""
        days = (self.last_day, self.expires, self.ended_on)
        return min(day for day in days if day is not None)

    def covers(self, rule_id: str, signal: Signal) -> bool:
        """Whether a rule's firing in the signal is meant."""
        return (
            self.in_force
            and self.rule_id == rule_id
            and self.subject_kind in (None, signal.subject_kind)
            and self.subject_key in (None, signal.subject_key)
            and (self.first_day or date.min) <= signal.period_end <= self.until
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for; `expires` None means `DEFAULT_DAYS` from now."""

    rule_id: str
    owner: str
    reason: str
    subject_kind: str | None = None
    subject_key: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    expires: date | None = None


def add(
    connection: WriteConnection, wanted: Wanted, severity: int, actor: str, now: datetime
) -> RuleException:
    """Adds an exception; for a severe rule it waits for a second person.

    Args:
        severity: of the rule.
        actor: who adds it.

    Raises:
        WardenError: `actor_required`, `owner_required`, `reason_required`, `scope_required`,
            `bad_period`, `bad_expiry`.
    """
    today = now.date()
    expires = wanted.expires or today + timedelta(days=DEFAULT_DAYS)
    _check(wanted, actor, expires, today)
    row = {
        "rule_id": wanted.rule_id,
        "subject_kind": wanted.subject_kind or None,
        "subject_key": wanted.subject_key or None,
        "first_day": wanted.first_day,
        "last_day": wanted.last_day,
        "expires": expires,
        "owner": wanted.owner.strip(),
        "reason": wanted.reason.strip(),
        "added_by": actor.strip(),
        "added_at": now,
        "needs_second": severity >= SEVERE,
        "version": 1,
    }
    done = connection.execute(sa.insert(table).values(row))
    key: Any = done.inserted_primary_key
    return _entered(connection, get(connection, int(key[0])), "added", actor, now)


def _check(wanted: Wanted, actor: str, expires: date, today: date) -> None:
    texts = (wanted.owner, wanted.reason, wanted.subject_key or "", actor)
    if not all(map(storable, texts)) or len(wanted.reason) > LONGEST_NOTE:
        raise WardenError("note_unreadable", "A text is too long or contains no characters.")
    require_actor(actor)
    if not wanted.owner.strip():
        raise WardenError("owner_required", "An exception needs somebody who answers for it.")
    if not wanted.reason.strip():
        raise WardenError("reason_required", "An exception needs a reason.", "Add --reason WHY.")
    if not wanted.subject_kind and not wanted.subject_key:
        raise WardenError(
            "scope_required",
            "An exception is about one subject or one kind of subject.",
            "Add --subject KEY or --kind KIND; to stop a rule, retire it.",
        )
    first, last = wanted.first_day, wanted.last_day
    if first and last and last < first:
        raise WardenError("bad_period", f"The period ends on {last}, before {first}.")
    if not today <= expires <= today + timedelta(days=LONGEST_DAYS):
        raise WardenError(
            "bad_expiry",
            f"An exception expires between today and {LONGEST_DAYS} days from now.",
            "Give an earlier --expires; it can be made anew then.",
        )


def approve(
    connection: WriteConnection,
    exception_id: int,
    actor: str,
    now: datetime,
    expected: int | None = None,
) -> RuleException:
    """The second person's word on an exception of a severe rule.

    Raises:
        WardenError: `actor_required`, `exception_not_found`, `nothing_to_approve`,
            `second_person`, `stale_version`.
    """
    require_actor(actor)
    found = _locked(connection, exception_id, expected)
    if found.in_force:
        raise WardenError(
            "nothing_to_approve", f"Exception {exception_id} holds already.", kind="conflict"
        )
    if same_person(actor, found.added_by) or same_person(actor, found.owner):
        raise WardenError(
            "second_person",
            f"{actor.strip()} added exception {exception_id} or answers for it.",
            "Another person approves it.",
            "conflict",
        )
    after = _changed(connection, found, approved_by=actor.strip(), approved_at=now)
    return _entered(connection, after, "approved", actor, now)


def end(
    connection: WriteConnection,
    exception_id: int,
    actor: str,
    now: datetime,
    on: date | None = None,
    expected: int | None = None,
) -> RuleException:
    """Ends an exception: periods that end after the day are covered no more.

    Args:
        on: last day covered; today when None. A day before all periods undoes it wholly.

    Raises:
        WardenError: `actor_required`, `exception_not_found`, `already_ended`, `stale_version`.
    """
    require_actor(actor)
    found = _locked(connection, exception_id, expected)
    if found.ended_on is not None and (on is None or on >= found.ended_on):
        raise WardenError(
            "already_ended",
            f"Exception {exception_id} ended on {found.ended_on}.",
            "Name an earlier day to end it before that.",
            "conflict",
        )
    after = _changed(
        connection, found, ended_on=on or now.date(), ended_by=actor.strip(), ended_at=now
    )
    return _entered(connection, after, "ended", actor, now)


def get(connection: ReadConnection, exception_id: int) -> RuleException:
    """One exception. Raises: WardenError `exception_not_found`."""
    row = connection.execute(sa.select(table).where(table.c.id == exception_id)).mappings()
    found = row.one_or_none()
    if found is None:
        raise WardenError(
            "exception_not_found", f"There is no exception {exception_id}.",
            "See `warden rules except list`.", "not_found",
        )  # fmt: skip
    return RuleException(**found)


def listed(connection: ReadConnection, rule_id: str | None = None) -> list[RuleException]:
    """Every exception, oldest first, ended and expired ones too."""
    query = sa.select(table).order_by(table.c.id)
    if rule_id is not None:
        query = query.where(table.c.rule_id == rule_id)
    return [RuleException(**row) for row in connection.execute(query).mappings()]


def exception_object(one: RuleException) -> dict[str, Any]:
    """An exception as plain data."""
    return {
        "id": one.id,
        "rule": one.rule_id,
        "subject": {"kind": one.subject_kind, "key": one.subject_key},
        "period": {"from": _iso(one.first_day), "to": _iso(one.last_day)},
        "expires": one.expires.isoformat(),
        "until": one.until.isoformat(),
        "owner": one.owner,
        "reason": one.reason,
        "in_force": one.in_force,
        "added_by": one.added_by,
        "added_at": one.added_at.isoformat(),
        "needs_second": one.needs_second,
        "approved_by": one.approved_by,
        "ended_on": _iso(one.ended_on),
        "ended_by": one.ended_by,
        "version": one.version,
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _locked(connection: WriteConnection, exception_id: int, expected: int | None) -> RuleException:
    query = sa.select(table.c.id).where(table.c.id == exception_id).with_for_update()
    connection.execute(query)
    found = get(connection, exception_id)
    if expected is not None and found.version != expected:
        raise WardenError(
            "stale_version",
            f"Exception {exception_id} is at version {found.version}, not {expected}.",
            "Read it again.",
            "conflict",
        )
    return found


def _changed(connection: WriteConnection, one: RuleException, **values: Any) -> RuleException:
    values["version"] = one.version + 1
    connection.execute(sa.update(table).where(table.c.id == one.id).values(values))
    return get(connection, one.id)


def _entered(
    connection: WriteConnection, one: RuleException, what: str, actor: str, now: datetime
) -> RuleException:
    """The exception, with what was done to it in the audit trail."""
    data = {
        "rule": one.rule_id,
        "subject": {"kind": one.subject_kind, "key": one.subject_key},
        "period": {"from": one.first_day, "to": one.last_day},
        "until": one.until,
        "owner": audit.Person(one.owner),
        "reason": audit.digest(one.reason),
        "needs_second": one.needs_second,
        "version": one.version,
    }
    audit.record(
        connection,
        actor=actor,
        action=f"exception.{what}",
        kind="exception",
        key=str(one.id),
        data=data,
        now=now,
    )
    return one
