"""Exports above a limit leave only once a second person has approved exactly what leaves.

What would leave is measured: how many alerts and rows it holds, and a hash of its content. Whoever
asks gets a number; with the number, and the same content, the export is made once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from alerts import approvals
from alerts.approvals import Approval, Asked, Kind
from alerts.model import SYSTEM
from detector.database import writing
from features.errors import WardenError

if TYPE_CHECKING:
    import polars as pl

    from detector.database import WriteConnection
    from detector.system import System


@dataclass(frozen=True)
class Outgoing:
    """What would leave.

    Attributes:
        what: `alert_bundle`, `case_bundle`, `hand_over` or `table`; `key` is what it is about.
        alerts, rows: how many of them it holds; of filings or of results.
        digest: SHA-256 of the content, whatever it is packed in.
        options: what else was chosen, as plain data.
    """

    what: str
    key: str
    alerts: int
    rows: int
    digest: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def about(self) -> dict[str, Any]:
        """What whoever approves reads."""
        return {
            "what": self.what, "key": self.key, "alerts": self.alerts, "rows": self.rows,
            "digest": self.digest, "options": dict(self.options),
        }  # fmt: skip


def ask(system: System, out: Outgoing, purpose: str, case: str, actor: str) -> Approval:
    """Asks a second person for an export.

    Raises:
        WardenError: `not_needed` below the limits; `actor_required`, `purpose_required`,
            `audit_unavailable`.
    """
    if not needed(system, out, actor):
        raise WardenError(
            "not_needed", f"{_told(out)} may leave without a second person.", "Export it.",
            "conflict",
        )  # fmt: skip
    asked = Asked(Kind.EXPORT, out.about(), purpose, case)
    with writing(system.engine) as connection:
        return approvals.ask(connection, asked, actor, system.clock(), valid(system))


def needed(system: System, out: Outgoing, actor: str) -> bool:
    """Whether it takes a second person; what the machine exports by itself takes none."""
    limits = system.settings.second_person
    large = out.alerts > limits.export_alerts or out.rows > limits.export_rows
    return large and actor.strip() != SYSTEM


def admit(
    connection: WriteConnection,
    system: System,
    out: Outgoing,
    actor: str,
    approval: int | None = None,
) -> dict[str, Any]:
    """Lets an export leave, or says why not; in the transaction of its entry.

    Args:
        approval: number of the request; used by this, and by nothing again.

    Returns:
        What the entry of the export says of it.

    Raises:
        WardenError: `second_person_needed` (conflict), and those of `alerts.approvals.use`.
    """
    if not needed(system, out, actor):
        return {}
    if approval is None:
        raise _unapproved(system, out)
    now = system.clock()
    found = approvals.use(connection, approval, Kind.EXPORT, out.about(), actor, now)
    return {"approval": found.id}


def require(system: System, out: Outgoing, actor: str, approval: int | None) -> None:
    """Says early, before anything costly is made, that nobody has been asked.

    Raises:
        WardenError: `second_person_needed` (conflict).
    """
    if approval is None and needed(system, out, actor):
        raise _unapproved(system, out)


def of_table(
    kind: str, frame: pl.DataFrame, typologies: object = None, as_of: date | None = None
) -> Outgoing:
    """A table of `detector.extracts`; the order of its rows is part of it."""
    marks = frame.hash_rows().to_numpy().tobytes()
    content = json.dumps(frame.columns).encode() + marks
    options = {
        "typologies": sorted(typologies or ()),  # type: ignore[call-overload]
        "as_of": as_of.isoformat() if as_of else None,
    }
    alerts = frame.height if kind == "alerts" else 0
    rows = 0 if kind == "alerts" else frame.height
    return Outgoing("table", kind, alerts, rows, sha256(content), options)


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


def valid(system: System) -> timedelta:
    """How long a request holds."""
    return timedelta(hours=system.settings.second_person.valid_hours)


def _unapproved(system: System, out: Outgoing) -> WardenError:
    limits = system.settings.second_person
    return WardenError(
        "second_person_needed",
        f"{_told(out)} leave only once a second person has approved; the limits are "
        f"{limits.export_alerts:,} alerts and {limits.export_rows:,} rows.",
        "Ask for it with a purpose and a case (POST /api/v1/approvals, or `warden approvals ask`), "
        "and name the number of the approved request.",
        "conflict",
    )


def _told(out: Outgoing) -> str:
    return f"{out.alerts:,} alerts and {out.rows:,} rows"
