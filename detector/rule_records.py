"""Texts of rules and what was decided about them, as rows that are only ever added."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import sqlalchemy as sa

from alerts import audit
from alerts.audit_chain import canonical
from detector.database import ReadConnection, WriteConnection
from detector.tables import rule_event, rule_version
from features.errors import WardenError

RELEASE = "release"
"""The actor of what came with this software and stands for its review."""
Source = Literal["shipped", "local", "overlay"]
LOCK = 7_202_311_041_500_003
"""Number of the PostgreSQL lock held while lives of rules change; SQLite has one writer anyway."""


class RuleAct(StrEnum):
    """Everything that can happen to a version of a rule."""

    PROPOSED = "proposed"
    SHADOWED = "shadowed"
    APPROVED = "approved"
    ACTIVATED = "activated"
    RETIRED = "retired"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One text of a rule, for good."""

    rule_id: str
    version: str
    content_hash: str
    text: str
    source: Source
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class RuleEvent:
    """One decision about a version of a rule.

    Attributes:
        id: 0 until it is kept.
        actor: a person, or ``release`` for what came with this software.
        data: for a proposal the report it rests on.
    """

    rule_id: str
    version: str
    content_hash: str
    kind: RuleAct
    actor: str
    at: datetime
    note: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


def lock(connection: WriteConnection) -> None:
    """Lets one decision at a time be made, until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def kept_versions(
    connection: ReadConnection, rule_id: str | None = None
) -> dict[tuple[str, str], RuleVersion]:
    """Versions by (rule id, version), oldest first."""
    query = sa.select(rule_version).order_by(rule_version.c.first_seen, rule_version.c.version)
    if rule_id is not None:
        query = query.where(rule_version.c.rule_id == rule_id)
    rows = connection.execute(query).mappings()
    return {(row["rule_id"], row["version"]): RuleVersion(**row) for row in rows}


def kept_events(connection: ReadConnection, rule_id: str | None = None) -> list[RuleEvent]:
    """Decisions, oldest first."""
    query = sa.select(rule_event).order_by(rule_event.c.id)
    if rule_id is not None:
        query = query.where(rule_event.c.rule_id == rule_id)
    rows = connection.execute(query).mappings()
    return [RuleEvent(**{**row, "kind": RuleAct(row["kind"])}) for row in rows]


def keep_versions(connection: WriteConnection, versions: Iterable[RuleVersion]) -> None:
    """Adds the versions not kept yet.

    Raises:
        WardenError: `version_taken` (conflict) for another text under a version kept already;
            then nothing of the transaction may be kept.
    """
    known = kept_versions(connection)
    new = []
    for one in versions:
        before = known.get((one.rule_id, one.version))
        if before is None:
            new.append({name: getattr(one, name) for name in RuleVersion.__slots__})
        elif before.content_hash != one.content_hash:
            raise version_taken(one.rule_id, one.version)
    if new:
        connection.execute(sa.insert(rule_version), new)


def version_taken(rule_id: str, version: str) -> WardenError:
    """The error for a second text under the same id and version."""
    return WardenError(
        "version_taken",
        f"{rule_id} {version} is kept with another text; a version is never changed.",
        f"Raise the version in the file; see `warden rules show {rule_id} --version {version}`.",
        kind="conflict",
    )


def keep_events(connection: WriteConnection, events: Collection[RuleEvent]) -> None:
    """Adds decisions; their versions must be kept."""
    rows = [
        {n: getattr(event, n) for n in RuleEvent.__slots__ if n != "id"}
        | {"kind": event.kind.value, "data": dict(event.data)}
        for event in events
    ]
    if rows:
        connection.execute(sa.insert(rule_event), rows)
    _enter(connection, events)


def _enter(connection: WriteConnection, events: Collection[RuleEvent]) -> None:
    """Each decision of a person in the audit trail, and in one entry all that a release brought."""
    for event in events:
        if event.actor == RELEASE:
            continue
        data = {
            "version": event.version,
            "text": event.content_hash,
            "note": audit.digest(event.note),
            "rests_on": audit.digest(canonical(event.data, str)),
        }
        audit.record(
            connection,
            actor=event.actor,
            action=f"rule.{event.kind}",
            kind="rule",
            key=event.rule_id,
            data=data,
            now=event.at,
        )
    brought = [
        [event.rule_id, event.version, event.content_hash, event.kind.value]
        for event in events
        if event.actor == RELEASE
    ]
    if brought:
        audit.record(
            connection,
            actor=RELEASE,
            action="rules.released",
            kind="release",
            key="shipped",
            data={"decisions": len(brought), "digest": audit.digest(canonical(brought))},
            now=max(event.at for event in events),
        )
