"""Collects what stands behind an alert, as plain data; nothing is left out here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alerts.inbox import get_alert
from alerts.model import alert_object, event_object, kept_back
from detector.bundle.proof import Proof, proof
from detector.bundle.sources import Sources, sources
from detector.database import reading
from detector.explanation import measured
from detector.replay import replay
from detector.replay_pins import read_pins
from detector.results import Results
from detector.rule_views import fired_texts
from detector.rulebook import rulebook
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.lake import Snapshot
    from detector.system import System

Row = dict[str, Any]
TALLY = "suspicious_tender_share"
"""The fact of a firm whose tenders keep turning up: a share of counted cases."""


@dataclass
class Evidence:
    """Everything about one alert.

    Attributes:
        features: one row a comparison, see `_feature`.
        weights: what the model weighed.
        series: earlier periods, by feature.
        rules: each that fired, with its `text` and whether its limits are `restricted`.
        law: provisions, each with `in_force` on the last day of the period.
        parameters: dated tables the rules read, as they were.
        replay: what judging it again gave.
        closed: rules named anywhere whose limits are restricted, or whose text cannot be read.
    """

    alert: Row
    history: list[Row]
    sources: Sources
    proof: Proof
    features: list[Row] = field(default_factory=list)
    weights: list[Row] = field(default_factory=list)
    series: Row = field(default_factory=dict)
    rules: list[Row] = field(default_factory=list)
    law: list[Row] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    replay: Row = field(default_factory=dict)
    closed: frozenset[str] = frozenset()


def gather(system: System, alert_id: str, created: datetime, *, proven: bool = True) -> Evidence:
    """The evidence behind an alert.

    Args:
        proven: with the entries of the audit trail about it; a case brings its own.

    Raises:
        WardenError: `alert_not_found`; `blind_review` (conflict) while reviewers judge it blind;
            `audit_broken`.
    """
    with reading(system.engine) as connection:
        alert, events = get_alert(connection, alert_id)
        texts = fired_texts(connection, alert.signal.rules)
    if kept_back(alert):
        raise WardenError(
            "blind_review",
            f"Alert {alert_id} is in blind review: what the machine thinks is not told yet.",
            "Hand it out once it is closed.",
            kind="conflict",
        )
    shown = alert_object(alert)
    known = measured(system, shown)
    rules = _rules(system, shown, texts)
    return Evidence(
        alert=shown,
        history=[event_object(event) for event in events],
        sources=_sources(system, shown),
        proof=proof(system, {"alert": [alert.id]}, created) if proven else Proof(),
        features=[_feature(fact, known) for fact in shown["facts"] if _compared(fact)],
        weights=[_weight(fact, known) for fact in shown["facts"] if not _compared(fact)],
        series={name: one for name, one in known.items() if len(one["points"]) > 1},
        rules=rules,
        law=[_law(one, shown["period"]["end"]) for one in shown["legal_basis"]],
        parameters=_parameters(system, shown, rules),
        replay=_replay(system, alert.id),
        closed=_closed(system, shown, rules),
    )


def _compared(fact: Mapping[str, Any]) -> bool:
    return "op" in fact or not ("share" in fact or "z" in fact)


def _feature(fact: Mapping[str, Any], known: Mapping[str, Row]) -> Row:
    """One comparison, with the interval where there is one and the peers' band."""
    name = str(fact.get("feature") or "")
    of = known.get(name, {})
    last = of["points"][-1] if of.get("points") else {}
    interval = [last.get("low"), last.get("high")]
    if name == TALLY and fact.get("n"):
        from features.intervals import wilson

        interval = list(wilson(float(fact["count"]), float(fact["n"])))
    return {
        **{key: value for key, value in fact.items() if key != "examples"},
        "title": of.get("title") or {},
        "unit": _unit(fact, name, of),
        "interval": interval if None not in interval else None,
        "band": of.get("band"),
    }


def _unit(fact: Mapping[str, Any], name: str, of: Row) -> object:
    """The unit of what was compared; a rank, a distance or a ratio of figures has none."""
    expression = str(fact.get("expression") or name)
    if expression != name and not expression.startswith(("prev(", "peer_median(")):
        return None
    return fact.get("unit") or of.get("unit")


def _weight(fact: Mapping[str, Any], known: Mapping[str, Row]) -> Row:
    of = known.get(str(fact.get("feature")), {})
    told = {"title": of.get("title") or {}, "unit": fact.get("unit") or of.get("unit")}
    return {**fact, **told, "band": of.get("band")}


def _rules(system: System, alert: Row, texts: list[Row]) -> list[Row]:
    """Rules that fired, with the texts they fired with."""
    book, written = rulebook(system), {(one["id"], one["version"]): one for one in texts}
    told = []
    for rule in alert["rules"]:
        key = (str(rule["id"]), str(rule["version"]))
        try:
            found = book.version(*key)
            # what cannot be read any more is treated as if it were not for everybody
            restricted = found.spec.disclosure == "restricted"
            own = {str(p.table) for p in found.spec.parameters.values() if p.table}
            text, content = found.text, found.content_hash
        except WardenError:
            restricted, own, text, content = True, set(), None, None
        kept = written.get(key, {})
        told.append(
            {
                "id": key[0], "version": key[1], "title": dict(rule.get("title") or {}),
                "severity": rule.get("severity"), "restricted": restricted,
                "text": kept.get("text") or text, "content_hash": content,
                "version_today": kept.get("today"), "tables": sorted(own),
            }
        )  # fmt: skip
    return told


def _closed(system: System, alert: Row, rules: list[Row]) -> frozenset[str]:
    """Also rules that did not fire are told of: what they were held against is a limit, too."""
    fired = {rule["id"]: rule["restricted"] for rule in rules}
    named = {str(fact["rule"]) for fact in alert["facts"] if fact.get("rule")}
    others = named - set(fired)
    known = rulebook(system).in_force().rules if others else ()
    shut = {rule.id for rule in known if rule.spec.disclosure != "public"}
    public = {rule.id for rule in known} - shut
    return frozenset({name for name, closed in fired.items() if closed} | (others - public))


def _law(one: Mapping[str, Any], day: str) -> Row:
    first, last = one.get("in_force_from"), one.get("in_force_to")
    in_force = (not first or str(first) <= day) and (not last or day <= str(last))
    return {**one, "in_force": in_force, "on": day}


def _parameters(system: System, alert: Row, rules: list[Row]) -> dict[str, str]:
    """Dated tables the rules read, as the run had them; as they are where it kept none."""
    wanted = {name for rule in rules for name in rule["tables"]}
    if not wanted:
        return {}
    results = Results(system.home)
    try:
        book = read_pins(results, results.manifest(str(alert["run_id"]))).book()
    except (OSError, ValueError, TypeError, WardenError):
        book = rulebook(system).in_force().parameters
    return {
        name: book.tables[name].model_dump_json(by_alias=True, indent=1)
        for name in sorted(wanted & set(book.tables))
    }


def _sources(system: System, alert: Row) -> Sources:
    if system.lake is None or alert["subject"]["kind"] == "rule":
        return Sources()
    return sources(system.lake, _snapshot(system, str(alert["run_id"])), alert)


def _snapshot(system: System, run_id: str) -> Snapshot:
    """The filings as the run knew them; as they are where it left no results."""
    try:
        manifest = Results(system.home).manifest(run_id)
    except (OSError, ValueError, TypeError):
        return system.lake.pin()
    return system.lake.pinned(manifest.versions, manifest.known_at)


def _replay(system: System, alert_id: str) -> Row:
    """What judging the alert again gives now; without an outcome where it cannot be."""
    try:
        found = replay(system, alert_id, as_known_now=False)
    except WardenError as error:
        return {"outcome": None, "reason": error.code, "message": error.message}
    return found.as_dict()
