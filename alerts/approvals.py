"""What takes a second person and is no decision about an alert: large exports, re-identification.

Somebody asks, for a purpose and a case; another person approves exactly what was asked, or rejects
it; whoever asked uses it, once, before it expires. The approval speaks of a hash of what was asked:
if the content of an export has changed meanwhile, it does not fit any more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from alerts import audit
from alerts.approval_tables import approval as table
from alerts.changing import check_note, require_actor, same_person
from alerts.connections import ReadConnection, WriteConnection
from alerts.store import storable
from features.errors import WardenError

LONGEST_PURPOSE = 200
LONGEST_CASE = 64
MOST = 200
"""Listed at one time, the newest."""
_C = table.c


class Kind(StrEnum):
    """What may be asked for."""

    EXPORT = "export"
    REIDENTIFICATION = "reidentification"


class Stage(StrEnum):
    """How far a request is; `expired` is never kept, it is told by the clock."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Attributes:
        about: plain data whoever approves reads; it holds no natural person in clear.
        purpose: in a few words; case: number of the case, alert or request it belongs to.
    """

    kind: Kind
    about: Mapping[str, Any]
    purpose: str
    case: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A request as it stands."""

    id: int
    kind: str
    about: Mapping[str, Any]
    content: str
    purpose: str
    case: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    stage: Stage
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    used_at: datetime | None
    version: int


def ask(
    connection: WriteConnection, asked: Asked, actor: str, now: datetime, valid: timedelta
) -> Approval:
    """Asks for it; nothing is handed out before another person has approved.

    Args:
        valid: how long it may wait, and be used, from now.

    Raises:
        WardenError: `actor_required`, `purpose_required`, `audit_unavailable`.
    """
    require_actor(actor)
    why, number = asked.purpose.strip(), asked.case.strip()
    fine = 0 < len(why) <= LONGEST_PURPOSE and 0 < len(number) <= LONGEST_CASE
    if not fine or not storable(why + number):
        raise WardenError(
            "purpose_required",
            "What a second person approves has a purpose and a case; one is missing or too long.",
            "Say both: the purpose in a few words (up to 200 characters, no names of persons) and "
            "the number of the case or alert (up to 64).",
        )
    row = {
        "kind": asked.kind.value, "about": dict(asked.about), "purpose": why,
        "case_number": number, "asked_by": actor.strip(), "asked_at": now,
        "expires_at": now + valid, "state": Stage.WAITING.value, "version": 1,
        "content": bound(asked, actor),
    }  # fmt: skip
    made = connection.execute(sa.insert(table).values(row).returning(_C.id)).scalar_one()
    found = get(connection, int(made), now)
    _enter(connection, found, "asked", actor, now)
    return found


def approve(
    connection: WriteConnection,
    number: int,
    actor: str,
    now: datetime,
    expected: int,
    content: str,
) -> Approval:
    """The second person's word on exactly what was read.

    Args:
        expected: the version, and `content` the hash, of what the person has read.

    Raises:
        WardenError: `actor_required`, `approval_not_found`, and as conflicts `stale_version`,
            `not_waiting`, `approval_expired`, `same_person`, `content_changed`.
    """
    found = _held(connection, number, actor, now, expected)
    _other(found, actor)
    if content != found.content:
        raise WardenError(
            "content_changed",
            f"Request {number} asks for something else than what was read.",
            "Read it again.",
            "conflict",
        )
    return _decided(connection, found, Stage.APPROVED, actor, now)


def reject(
    connection: WriteConnection, number: int, actor: str, now: datetime, expected: int, note: str
) -> Approval:
    """Refuses it, and says why.

    Raises:
        WardenError: as `approve`; `note_required`, `note_too_long`.
    """
    check_note(note, needed=True)
    found = _held(connection, number, actor, now, expected)
    _other(found, actor)
    return _decided(connection, found, Stage.REJECTED, actor, now, note)


def withdraw(
    connection: WriteConnection, number: int, actor: str, now: datetime, expected: int
) -> Approval:
    """Takes back one's own request.

    Raises:
        WardenError: as `approve`; `other_person` (conflict).
    """
    found = _held(connection, number, actor, now, expected)
    if not same_person(found.asked_by, actor):
        raise WardenError(
            "other_person", "Only whoever asked can withdraw it.", "Reject it, with a note.",
            "conflict",
        )  # fmt: skip
    _move(connection, found, Stage.WITHDRAWN, {})
    _enter(connection, found, "withdrawn", actor, now)
    return get(connection, number, now)


def use(
    connection: WriteConnection,
    number: int,
    kind: Kind,
    about: Mapping[str, Any],
    actor: str,
    now: datetime,
) -> Approval:
    """Uses an approval, once and for exactly what it speaks of, in the transaction of the act.

    Args:
        about: what would be handed out now.

    Raises:
        WardenError: `actor_required`, `approval_not_found`, and as conflicts `other_person`
            (whoever asked uses it), `not_approved`, `approval_expired`, `content_changed`.
    """
    require_actor(actor)
    found = _locked(connection, number, now)
    if found.kind != kind.value or not same_person(found.asked_by, actor):
        raise WardenError(
            "other_person", f"Request {number} was not asked for by {actor.strip()}.",
            "Ask for one of your own.", "conflict",
        )  # fmt: skip
    if found.stage is Stage.EXPIRED:
        raise _expired(found)
    if found.stage is not Stage.APPROVED:
        raise WardenError(
            "not_approved",
            f"Request {number} is {found.stage.value}; it was not approved, or was used already.",
            "Ask again; another person approves it.",
            "conflict",
        )
    if bound(Asked(kind, about, found.purpose, found.case), found.asked_by) != found.content:
        raise WardenError(
            "content_changed",
            f"What would be handed out is not what request {number} was approved for.",
            "Ask again: the data, or what is asked of it, has changed since.",
            "conflict",
        )
    _move(connection, found, Stage.USED, {"used_at": now})
    _enter(connection, found, "used", actor, now)
    return get(connection, number, now)


def get(connection: ReadConnection | WriteConnection, number: int, now: datetime) -> Approval:
    """One request.

    Raises:
        WardenError: `approval_not_found`.
    """
    row = connection.execute(sa.select(table).where(_C.id == number)).mappings().one_or_none()
    if row is None:
        raise not_found(number)
    return _from(row, now)


def listed(
    connection: ReadConnection, now: datetime, stages: Collection[Stage] = ()
) -> list[Approval]:
    """Requests, the newest first, `MOST` of them; those of some stages, or all."""
    query = sa.select(table).order_by(_C.id.desc()).limit(MOST)
    if stages:
        kept = {Stage.WAITING, Stage.APPROVED} if Stage.EXPIRED in stages else set()
        query = query.where(_C.state.in_([s.value for s in {*stages, *kept} - {Stage.EXPIRED}]))
        if Stage.EXPIRED not in stages:
            live = _C.state.not_in([Stage.WAITING.value, Stage.APPROVED.value])
            query = query.where(sa.or_(live, _C.expires_at > now))
    found = [_from(row, now) for row in connection.execute(query).mappings()]
    return [one for one in found if not stages or one.stage in stages]


def bound(asked: Asked, actor: str) -> str:
    """SHA-256 of everything an approval speaks of: what is asked, why, for which case, by whom."""
    said = {
        "kind": asked.kind.value, "about": dict(asked.about), "purpose": asked.purpose.strip(),
        "case": asked.case.strip(), "by": actor.strip(),
    }  # fmt: skip
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def not_found(number: int) -> WardenError:
    """The error for a request nobody made, or that is not for whoever asks."""
    return WardenError(
        "approval_not_found", f"There is no request {number}.", "See what waits.", "not_found"
    )


def approval_object(one: Approval) -> dict[str, Any]:
    """A request as plain data."""
    named = ("id", "kind", "content", "purpose", "case", "asked_by", "decided_by", "note",
             "version")  # fmt: skip
    moments = ("asked_at", "expires_at", "decided_at", "used_at")
    times = {n: (at.isoformat() if (at := getattr(one, n)) else None) for n in moments}
    told = {n: getattr(one, n) for n in named} | times
    return told | {"about": dict(one.about), "stage": one.stage.value}


def _held(
    connection: WriteConnection, number: int, actor: str, now: datetime, expected: int
) -> Approval:
    require_actor(actor)
    found = _locked(connection, number, now)
    if found.version != expected:
        raise WardenError(
            "stale_version", f"Request {number} was answered or changed meanwhile.",
            "Read it again.", "conflict",
        )  # fmt: skip
    if found.stage is Stage.EXPIRED:
        raise _expired(found)
    if found.stage is not Stage.WAITING:
        raise WardenError(
            "not_waiting", f"Request {number} is {found.stage.value}; nobody waits for an answer.",
            "See what waits.", "conflict",
        )  # fmt: skip
    return found


def _locked(connection: WriteConnection, number: int, now: datetime) -> Approval:
    query = sa.select(table).where(_C.id == number).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise not_found(number)
    return _from(row, now)


def _other(found: Approval, actor: str) -> None:
    if same_person(found.asked_by, actor):
        raise WardenError(
            "same_person",
            f"{actor.strip()} asked for request {found.id} and cannot answer it.",
            "Another person answers it; whoever asked can withdraw it.",
            "conflict",
        )


def _decided(
    connection: WriteConnection,
    found: Approval,
    stage: Stage,
    actor: str,
    now: datetime,
    note: str | None = None,
) -> Approval:
    values = {"decided_by": actor.strip(), "decided_at": now, "note": note}
    _move(connection, found, stage, values)
    _enter(connection, found, stage.value, actor, now, note)
    return get(connection, found.id, now)


def _move(
    connection: WriteConnection, found: Approval, stage: Stage, values: Mapping[str, Any]
) -> None:
    statement = (
        sa.update(table)
        # the version says again what the lock promises: nobody came between
        .where(_C.id == found.id, _C.version == found.version)
        .values(state=stage.value, version=found.version + 1, **values)
    )
    if connection.execute(statement).rowcount != 1:
        raise WardenError(
            "stale_version", f"Request {found.id} was answered meanwhile.", "", "conflict"
        )


def _enter(
    connection: WriteConnection,
    found: Approval,
    what: str,
    actor: str,
    now: datetime,
    note: str | None = None,
) -> None:
    data: dict[str, object] = {
        "kind": found.kind, "content": found.content, "purpose": found.purpose,
        "case": found.case,
    }  # fmt: skip
    if what != "asked":
        data["asked_by"] = audit.Person(found.asked_by)
    if note:
        data["note"] = audit.digest(note)
    audit.record(
        connection, actor=actor, action=f"approval.{what}", kind="approval", key=str(found.id),
        data=data, now=now,
    )  # fmt: skip


def _expired(found: Approval) -> WardenError:
    return WardenError(
        "approval_expired",
        f"Request {found.id} was over on {found.expires_at:%Y-%m-%d %H:%M} UTC.",
        "Ask again.",
        "conflict",
    )


def _from(row: sa.RowMapping, now: datetime) -> Approval:
    same = ("id", "kind", "about", "content", "purpose", "asked_by", "asked_at", "expires_at",
            "decided_by", "decided_at", "note", "used_at", "version")  # fmt: skip
    stage = Stage(row["state"])
    if stage in (Stage.WAITING, Stage.APPROVED) and row["expires_at"] <= now:
        stage = Stage.EXPIRED
    return Approval(case=row["case_number"], stage=stage, **{name: row[name] for name in same})
