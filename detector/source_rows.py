"""The filed rows behind an alert, for whoever reads it: as its run knew them, and audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alerts import audit
from detector.bundle.sources import Sources, sources
from detector.database import writing
from detector.results import Results

if TYPE_CHECKING:
    from detector.lake import Snapshot
    from detector.system import System


def source_rows(system: System, alert: Mapping[str, Any], actor: str) -> Sources:
    """The rows behind one alert object; that they were read is in the trail.

    Raises:
        WardenError: `actor_required`, `audit_unavailable`; then nothing is read.
    """
    with writing(system.engine) as connection:
        audit.record(
            connection,
            actor=actor,
            action="rows.read",
            kind="alert",
            key=str(alert["id"]),
            data={"run": alert["run_id"]},
            now=system.clock(),
        )
    return rows_behind(system, alert)


def rows_behind(system: System, alert: Mapping[str, Any]) -> Sources:
    """The same for code that enters its own reading."""
    if alert["subject"]["kind"] == "rule":
        return Sources()
    return sources(system.lake, known_to(system, str(alert["run_id"])), alert)


def known_to(system: System, run_id: str) -> Snapshot:
    """The filings as a run knew them; as they are where it left no results."""
    try:
        manifest = Results(system.home).manifest(run_id)
    except (OSError, ValueError, TypeError):
        return system.lake.pin()
    return system.lake.pinned(manifest.versions, manifest.known_at)
