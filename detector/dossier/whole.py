"""The parts of a dossier as they are shown: each says why where it is empty, and what it read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detector import publishing
from detector.comparison import grains_of
from detector.database import reading
from detector.dossier.alerts import alerts_about
from detector.dossier.coverage import PERIODS, coverage
from detector.dossier.events import events
from detector.dossier.filings import filed_rows, filings
from detector.dossier.identity import identity, markets
from detector.dossier.measures import measures
from detector.dossier.network import NODES, network
from detector.dossier.similar import similar_by, similar_firms
from detector.results import Results

if TYPE_CHECKING:
    from detector.dossier.subject import Subject
    from detector.results import Manifest
    from detector.system import System

Row = dict[str, Any]
NOTHING_JUDGED = "nothing_judged"


def dossier(system: System, subject: Subject) -> Row:
    """The first page: who, key figures, markets, filings, alerts, and how much was checked."""
    lake, manifest = system.lake, manifest_now(system)
    with reading(system.engine) as connection:
        alerts = alerts_about(connection, subject)
    told = {
        "firm": identity(lake, subject, system.clock().date()),
        "known": _known(subject, manifest),
        "markets": _listed(markets(lake, subject), "no_filings"),
        "filings": _listed(filings(lake, subject), "no_filings"),
        "alerts": alerts | {"reason": None if alerts["n"] else "no_alerts"},
        "coverage": _checked(system, subject, manifest),
    }
    return told | {"figures": _figures(told)}


def timeline(
    system: System, subject: Subject, periods: int = PERIODS, typology: str | None = None
) -> Row:
    """Measures over time beside the peers' band, and dated events.

    Raises:
        WardenError: `unknown_typology`.
    """
    if typology is not None:
        grains_of(typology)
    manifest, results, found = manifest_now(system), Results(system.home), []
    if manifest is not None:
        found = measures(system, results, manifest, subject, periods, typology)
    with reading(system.engine) as connection:
        alerts = alerts_about(connection, subject)["items"]
    empty = "no_features" if manifest else NOTHING_JUDGED
    return _part(subject, manifest, "grains", found, empty) | {
        "events": events(system.lake, subject, alerts)
    }


def coverage_map(system: System, subject: Subject, periods: int = PERIODS) -> Row:
    """Rule by period: fired, clear, not evaluable, out of scope, error, not run."""
    manifest = manifest_now(system)
    results = Results(system.home)
    found = coverage(system, results, manifest, subject, periods) if manifest else []
    empty = "no_rules" if manifest else NOTHING_JUDGED
    return _part(subject, manifest, "maps", found, empty)


def network_of(system: System, subject: Subject, nodes: int = NODES) -> Row:
    """Firms up to two links away, and the links."""
    found = network(system, subject, nodes)
    reason = None if found["edges"] else "no_links"
    return found | {"known": _known(subject, None), "reason": reason}


def peers_of(system: System, subject: Subject, typology: str | None = None) -> Row:
    """Similar firms, by what every firm shows or by the features of a typology.

    Raises:
        WardenError: `unknown_typology`.
    """
    manifest = manifest_now(system) if typology else None
    found: Row | None = None
    if typology is None:
        found = similar_firms(system, subject)
    elif manifest is not None:
        found = similar_by(system, Results(system.home), manifest, subject, typology)
    empty = NOTHING_JUDGED if typology and manifest is None else "no_features"
    return {
        "known": _known(subject, manifest),
        "similar": found,
        "reason": None if found else empty,
    }


def filings_of(system: System, subject: Subject) -> Row:
    """The tables that name the firm."""
    return _listed(filings(system.lake, subject), "no_filings") | {"known": _known(subject, None)}


def rows_of(
    system: System, subject: Subject, table: str, *, amended: bool, limit: int, offset: int
) -> Row:
    """Source rows of one table that name the firm, with all their versions.

    Raises:
        WardenError: `unknown_table`; `table_names_no_firm`.
    """
    items, more = filed_rows(
        system.lake, system.engine, subject, table, amended=amended, limit=limit, offset=offset
    )
    told = {"known": _known(subject, None), "table": table, "more": more}
    return told | _listed(items, "no_filings")


def manifest_now(system: System) -> Manifest | None:
    """The run whose results are in force; None before the first."""
    run_id = publishing.current(system)
    return Results(system.home).manifest(run_id) if run_id else None


def _part(
    subject: Subject, manifest: Manifest | None, name: str, found: list[Row], empty: str
) -> Row:
    known = _known(subject, manifest)
    return {"known": known, name: found, "reason": None if found else empty}


def _listed(items: list[Row], empty: str) -> Row:
    return {"items": items, "reason": None if items else empty}


def _known(subject: Subject, manifest: Manifest | None) -> Row:
    """What a part was read from: filings as they are now, results as a run left them."""
    return {
        "firm_id": subject.firm_id,
        "snapshot_id": subject.snapshot.id,
        "run_id": manifest.run_id if manifest else None,
        "judged_as_known": manifest.known_as_of if manifest else None,
    }


def _checked(system: System, subject: Subject, manifest: Manifest | None) -> Row:
    """How many of the rules that can be about the firm judged it, and how its cells ended."""
    if manifest is None:
        return {"rules": 0, "judged": 0, "totals": {}, "reason": NOTHING_JUDGED}
    maps = coverage(system, Results(system.home), manifest, subject)
    rules = {rule["rule_id"] for one in maps for rule in one["rules"]}
    judged = {
        rule["rule_id"]
        for one in maps
        for rule in one["rules"]
        if any(cell["outcome"] in ("fired", "clear") for cell in rule["cells"])
    }
    names = {name for one in maps for name in one["totals"]}
    totals = {name: sum(one["totals"][name] for one in maps) for name in sorted(names)}
    reason = None if rules else "no_rules"
    return {"rules": len(rules), "judged": len(judged), "totals": totals, "reason": reason}


def _figures(told: Row) -> list[Row]:
    """At most six, each with one comparison."""
    alerts, checked, filed = told["alerts"], told["coverage"], told["filings"]["items"]
    best = told["markets"]["items"][0] if told["markets"]["items"] else None
    closed = alerts["by_state"].get("closed", 0)
    rows = sum(table["rows"] for table in filed)
    return [
        _figure("open_alerts", alerts["n"] - closed, "alerts", alerts["n"], "of_all_alerts"),
        _figure("confirmed", alerts["by_reason"].get("confirmed", 0), "alerts", closed,
                "of_closed_alerts"),
        _figure("best_share", best and best["latest"]["share"], "0-1",
                best and best["latest"]["firms"], "firms_in_that_market"),
        _figure("rows_filed", rows, "rows", len(filed), "tables"),
        _figure("amended", sum(table["amended"] for table in filed), "rows", rows, "of_all_rows"),
        _figure("rules_judged", checked["judged"], "rules", checked["rules"], "that_can_apply"),
    ]  # fmt: skip


def _figure(name: str, value: Any, unit: str, beside: Any, of: str) -> Row:
    return {"figure": name, "value": value, "unit": unit, "beside": beside, "of": of}
