"""What every screen says it knows: data as of, last run, what was judged and what was not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from detector import ledger
from detector.database import reading
from detector.planning import LIVE
from detector.results import Results
from detector.system import System
from features.vocabulary import Outcome

OUTCOMES: tuple[str, ...] = tuple(Outcome)


class KnownFacts(Protocol):
    """Asked once per page. Every key may be missing; what is missing is said to be missing.

    Keys: `data_as_of` (moment up to which filings were read), `run_id`, `run_finished_at` (of the
    last published run), `outcomes` (counts by outcome), `by_typology` (the same by typology id),
    `quarantined` (rows now in quarantine).
    """

    def __call__(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Known:
    """The facts of the grey line, ready to show; None where nothing is known."""

    data_as_of: datetime | None
    run_id: str | None
    run_finished_at: datetime | None
    outcomes: Mapping[str, int] | None
    by_typology: Mapping[str, Mapping[str, int]]
    quarantined: int

    @property
    def judged(self) -> int:
        """How many subjects and periods the last run judged, whatever the outcome."""
        return sum((self.outcomes or {}).values())


def nothing_known() -> Mapping[str, Any]:
    """The provider of an installation that has not run yet."""
    return {}


def known_facts(provider: KnownFacts) -> Known:
    """Asks the provider and fills in zeros for outcomes it does not name."""
    told = provider()
    counts = told.get("outcomes")
    return Known(
        data_as_of=told.get("data_as_of"),
        run_id=told.get("run_id"),
        run_finished_at=told.get("run_finished_at"),
        outcomes=_all_outcomes(counts) if counts else None,
        by_typology={k: _all_outcomes(v) for k, v in (told.get("by_typology") or {}).items()},
        quarantined=int(told.get("quarantined") or 0),
    )


def _all_outcomes(counts: Mapping[str, int]) -> dict[str, int]:
    return {outcome: int(counts.get(outcome, 0)) for outcome in OUTCOMES}


def facts_of(system: System) -> KnownFacts:
    """The provider of a running installation: the ledger and the results in force.

    Counts are of the results in force, not of the last run alone, which may have had nothing new
    to judge; they are read once per publication.
    """
    results = Results(system.home)

    @lru_cache(maxsize=2)
    def counts(key: str) -> tuple[datetime, dict[str, dict[str, int]]]:
        manifest = results.manifest(key)
        found: dict[str, dict[str, int]] = {}
        rows = results.judged(manifest).group_by("typology", "outcome").len().collect()
        for typology, outcome, n in rows.iter_rows():
            found.setdefault(typology, {})[outcome] = n
        return manifest.known_at, found

    def provider() -> Mapping[str, Any]:
        with reading(system.engine) as connection:
            done = ledger.ledger_rows(connection, job="detect", state="done", limit=1)
            published = ledger.published(connection, LIVE)
        if published is None:
            return {}
        data_as_of, by_typology = counts(published.key)
        totals = {o: sum(c.get(o, 0) for c in by_typology.values()) for o in OUTCOMES}
        return {
            "data_as_of": data_as_of,
            "run_id": done[0].run_id if done else published.run_id,
            "run_finished_at": done[0].finished_at if done else published.at,
            "outcomes": totals,
            "by_typology": by_typology,
        }

    return provider
