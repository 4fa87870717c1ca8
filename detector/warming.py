"""What the first visitor would wait for is read while the server starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector import publishing
from detector.beside import beside
from detector.cockpit.whole import cockpit
from detector.results import Results
from detector.rule_figures import rule_figures
from detector.rulebook import rules_in_force
from features.catalogue import catalogue

if TYPE_CHECKING:
    from detector.system import System


def warm(system: System) -> None:
    """Reads the rules in force, the catalogue of features, the results and the filings in force,
    and computes the figures of rules and the director's view.

    Reading rule files alone takes a second; all of it is kept by whoever reads it.
    """
    rules_in_force(system)
    _ = catalogue().features
    snapshot = system.lake.pin()
    for table in sorted(snapshot.filled):
        system.lake.scan(snapshot, table).head(1).collect()
    run_id = publishing.current(system)
    if run_id is not None:
        results = Results(system.home)
        results.outcomes(results.manifest(run_id)).head(1).collect()
    rule_figures(system)
    cockpit(system)


def warm_beside(system: System) -> None:
    """The same beside a server that is starting; it answers meanwhile."""
    beside("warming", lambda: warm(system))
