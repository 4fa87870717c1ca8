"""What was done with models, in the audit trail: before the file that puts it into effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from alerts import audit
from alerts.audit_chain import canonical
from detector.database import writing

if TYPE_CHECKING:
    from detector.models.versions import Act
    from detector.system import System


@contextmanager
def entered(system: System, act: Act) -> Iterator[None]:
    """Writes the entry, then lets the body change the list of models; neither without the other.

    Raises:
        WardenError: `audit_unavailable`; then the body has not run.
    """
    data = {
        "models": act.digest,
        "note": audit.digest(act.note),
        "rests_on": audit.digest(canonical(act.data, str)),
    }
    moment = datetime.fromisoformat(act.at)
    with _entry(system, act.actor, f"models.{act.kind}", act.digest[:16], data, moment):
        yield


@contextmanager
def curve_entered(system: System, mark: str | None, actor: str) -> Iterator[None]:
    """The same for the curve alerts are ranked by; None is the additive form."""
    action = "curve.used" if mark else "curve.dropped"
    with _entry(system, actor, action, mark or "additive", {}, system.clock()):
        yield


@contextmanager
def _entry(
    system: System,
    actor: str,
    action: str,
    key: str,
    data: Mapping[str, object],
    now: datetime,
) -> Iterator[None]:
    with writing(system.engine) as connection:
        audit.record(
            connection, actor=actor, action=action, kind="models", key=key, data=data, now=now
        )
        # a file cannot be rolled back, so the entry comes first
        audit.append(connection)
        yield
