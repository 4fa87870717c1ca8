"""Texts of rules that somebody is writing at the desk: one draft a rule, faults and all.

A draft judges nothing. Once it is proposed its text is kept as a version, for good, and the draft
is no more than what one goes on writing from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alerts import audit
from alerts.store import storable
from detector.database import ReadConnection, reading, writing
from detector.tables import rule_draft as table
from features.errors import WardenError
from rules.load import Rule, load_rule
from rules.reader import MAX_BYTES

if TYPE_CHECKING:
    from detector.system import System

PLACE = "desk"
"""How the place of a draft is named where a file would be."""
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody has written so far; `revision` counts how often it was saved."""

    rule_id: str
    text: str
    content_hash: str
    saved_by: str
    saved_at: datetime
    revision: int

    @property
    def rule(self) -> Rule | None:
        """The rule it is; None while its text has faults or names another rule."""
        found = _read(self.text, f"{PLACE}/{self.rule_id}")
        return found if found is not None and found.id == self.rule_id else None


@lru_cache(maxsize=256)
def _read(text: str, name: str) -> Rule | None:
    return load_rule(text, name)[0]


def hash_of(text: str) -> str:
    """The hash a rule of this text has."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def kept_drafts(connection: ReadConnection) -> dict[str, Draft]:
    """Every draft by the id of its rule."""
    rows = connection.execute(sa.select(table).order_by(table.c.rule_id)).mappings()
    return {row["rule_id"]: Draft(**row) for row in rows}


def draft_of(system: System, rule_id: str) -> Draft | None:
    """The draft of a rule; None when nobody is writing one."""
    with reading(system.engine) as connection:
        return _one(connection, rule_id)


def _one(connection: ReadConnection, rule_id: str) -> Draft | None:
    row = connection.execute(sa.select(table).where(table.c.rule_id == rule_id)).mappings().first()
    return None if row is None else Draft(**row)


def save_draft(
    system: System, rule_id: str, text: str, actor: str, expected: int | None = None
) -> Draft:
    """Keeps what was written; faults are no hindrance.

    Args:
        expected: the revision it was written from, 0 for none; None asks nothing.

    Raises:
        WardenError: `bad_rule_id`, `bad_draft`, `actor_required`, `stale_version`.
    """
    from detector.promotion import named

    actor, text = named(actor), text.replace("\r\n", "\n")
    if not _ID.fullmatch(rule_id) or len(rule_id) > 80:
        raise WardenError(
            "bad_rule_id", f"`{rule_id[:80]}` cannot be the id of a rule.",
            "Words of a-z and 0-9 joined by `-`, at most 80 characters.",
        )  # fmt: skip
    if not text.strip() or len(text.encode()) > MAX_BYTES or not storable(text):
        raise WardenError(
            "bad_draft",
            f"The text is empty, larger than {MAX_BYTES // 1024} kB or no text.",
        )
    with writing(system.engine) as connection:
        before = _one(connection, rule_id)
        _as_seen(rule_id, before, expected)
        now = system.clock()
        after = Draft(
            rule_id, text, hash_of(text), actor, now, 1 + (before.revision if before else 0)
        )
        row = {name: getattr(after, name) for name in Draft.__slots__}
        _replaced(connection, before, row)
        data = {"text": after.content_hash, "revision": after.revision}
        audit.record(
            connection, actor=actor, action="rule.drafted", kind="rule", key=rule_id, data=data,
            now=now,
        )  # fmt: skip
    return after


def discard_draft(system: System, rule_id: str, actor: str, expected: int | None = None) -> None:
    """Throws a draft away; versions stay.

    Raises:
        WardenError: `unknown_draft`, `actor_required`, `stale_version`.
    """
    from detector.promotion import named

    actor = named(actor)
    with writing(system.engine) as connection:
        before = _one(connection, rule_id)
        if before is None:
            raise WardenError("unknown_draft", f"Nobody is writing on {rule_id}.", kind="not_found")
        _as_seen(rule_id, before, expected)
        connection.execute(sa.delete(table).where(table.c.rule_id == rule_id))
        audit.record(
            connection, actor=actor, action="rule.draft_discarded", kind="rule", key=rule_id,
            data={"text": before.content_hash, "revision": before.revision}, now=system.clock(),
        )  # fmt: skip


def _replaced(connection: sa.Connection, before: Draft | None, row: Mapping[str, object]) -> None:
    if before is None:
        connection.execute(sa.insert(table), dict(row))
        return
    mine = (table.c.rule_id == before.rule_id) & (table.c.revision == before.revision)
    if connection.execute(sa.update(table).where(mine).values(dict(row))).rowcount != 1:
        raise _stale(before.rule_id)


def _as_seen(rule_id: str, before: Draft | None, expected: int | None) -> None:
    if expected is not None and expected != (before.revision if before else 0):
        raise _stale(rule_id)


def _stale(rule_id: str) -> WardenError:
    return WardenError(
        "stale_version",
        f"Somebody saved the draft of {rule_id} meanwhile.",
        "Read it, then save again.",
        "conflict",
    )
