"""What an alert says as known when it was judged, and as known now that filings were corrected.

Nothing is judged anew for anybody: the judges of the run (rules, parameters, models, peers) look
once more at the filings as they are today, and only at the alert's own family of typologies and
period. What they say today stands beside what the alert says; the alert stays as it is.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from alerts.inbox import get_alert
from alerts.model import kept_back
from alerts.store import STORM_KIND
from detector.database import reading
from detector.replay import Replayer
from detector.replay_case import Case, said_last
from detector.replay_causes import filed_since
from detector.replay_compare import same
from detector.replay_ranking import drawn_grain
from features.errors import WardenError

if TYPE_CHECKING:
    from alerts.model import Alert
    from detector.replay_judgement import Again, Asked
    from detector.system import System

FIGURES = ("value", "n", "threshold", "peer_median", "z", "pct")
"""What of a fact may be another figure by later filings."""
NAMED = ("feature", "op", "unit", "class", "parameter")
KEPT = 128
"""Comparisons kept in memory; one takes about a second to compute."""
Row = dict[str, Any]
_kept: OrderedDict[tuple[str, ...], Row] = OrderedDict()
_lock = threading.Lock()


def knowledge(system: System, alert_id: str) -> Row:
    """The facts of an alert as known then and as known now; writes nothing.

    Returns:
        ``alert_id``, ``version``; ``reason``, a code that says why there is nothing to compare
        (`blind`, `rule_in_storm`, `not_pinned`, `unreadable`), or null; ``same_filings``, whether
        nothing was filed since; ``filings``, rows filed or corrected since by table it looks at;
        ``then`` and ``now``, each with ``snapshot_id``, ``known_at`` (ISO 8601), ``outcome``,
        ``reason`` and ``suspicion``; ``facts``, each with ``feature``, its title and unit, ``then``
        and ``now`` (``value``, ``n``, ``threshold``, ``peer_median``, ``z``, ``pct``, ``reason``)
        and ``changed``, names of the figures that differ; ``changed``, how many facts did.
        ``now.outcome`` is null where the subject is in no filing of the period any more.

    Raises:
        WardenError: `alert_not_found`.
    """
    with reading(system.engine) as connection:
        alert = get_alert(connection, alert_id).alert
    key = (str(system.home), alert_id, str(alert.version), system.lake.pin().id)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    found = _known(system, alert_id)
    with _lock:
        _kept[key] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


def _known(system: System, alert_id: str) -> Row:
    with reading(system.engine) as connection:
        alert, events = get_alert(connection, alert_id)
        if kept_back(alert):
            return nothing(alert.id, alert.version, "blind")
        if alert.signal.subject_kind == STORM_KIND:
            return nothing(alert.id, alert.version, "rule_in_storm")
        try:
            said = said_last(alert, events)
        except WardenError:
            return nothing(alert.id, alert.version, "not_pinned")
        drawn = drawn_grain(connection, alert.id, said)
    case = Case(Replayer(system), replace(alert, blind=False), events, said, drawn)
    try:
        return _compared(system, case, alert)
    except WardenError as error:
        if error.kind == "unavailable":
            raise
        return nothing(
            alert.id, alert.version, "not_pinned" if error.code == "not_pinned" else "unreadable"
        )


def _compared(system: System, case: Case, alert: Alert) -> Row:
    past, asked = case.stands_on()
    then, today = past.pins.pinned(system.lake), system.lake.pin()
    seen, recorded = alert.signal, [dict(fact) for fact in alert.signal.facts]
    before = {
        "snapshot_id": then.id, "known_at": past.manifest.known_as_of, "outcome": "fired",
        "reason": None, "suspicion": seen.suspicion,
    }  # fmt: skip
    base = {"alert_id": alert.id, "version": alert.version, "reason": None, "then": before}
    if today.id == then.id:
        facts = _paired(recorded, {}, same_filings=True)
        return {**base, "same_filings": True, "filings": {}, "now": before, "facts": facts,
                "changed": 0}  # fmt: skip
    now, filings = system.clock(), filed_since(system, past, then, today)
    if not filings:
        # what was filed since is nothing it looks at: there is nothing to judge again
        facts = _paired(recorded, {}, same_filings=True)
        after = before | {"snapshot_id": today.id, "known_at": now.isoformat()}
        return {**base, "same_filings": False, "filings": {}, "now": after, "facts": facts,
                "changed": 0}  # fmt: skip
    again = case.by.again(past, asked, today, now)
    row = _gravest(again.rows(asked))
    found = _facts_now(again, asked, row, recorded)
    facts = _paired(recorded, found, same_filings=False)
    after = {
        "snapshot_id": today.id, "known_at": now.isoformat(),
        "outcome": row["outcome"] if row else None,
        "reason": row["reason"] if row else "not_filed",
        "suspicion": row["suspicion"] if row else None,
    }  # fmt: skip
    return {
        **base, "same_filings": False, "filings": filings,
        "now": after, "facts": facts, "changed": sum(bool(fact["changed"]) for fact in facts),
    }  # fmt: skip


def _gravest(rows: Sequence[Row]) -> Row | None:
    """Of the rows of a subject at several grains the one that fired, else the first."""
    return next((row for row in rows if row["outcome"] == "fired"), rows[0] if rows else None)


def _facts_now(
    again: Again, asked: Asked, row: Row | None, recorded: Sequence[Row]
) -> dict[str, Row]:
    """By name of the fact what it is today; a feature no rule or model told of is looked up."""
    told = _by_name(json.loads(row["facts"] or "[]")) if row else {}
    for name, fact in _by_name(recorded).items():
        if name not in told:
            measured = _measured(again, asked, str(fact.get("feature")))
            if measured is not None:
                told[name] = measured
    return told


def _measured(again: Again, asked: Asked, feature: str) -> Row | None:
    for grain in asked.grains:
        frame = again.computed.frames.get(grain)
        if frame is None or feature not in frame.frame.columns:
            continue
        mine = frame.frame.filter(
            pl.col("subject_key") == asked.key, pl.col("period_start") == asked.start
        )
        if mine.height:
            row = mine.row(0, named=True)
            return {"value": row[feature], "n": row[f"{feature}__n"],
                    "reason": row[f"{feature}__reason"]}  # fmt: skip
    return None


def _paired(recorded: Sequence[Row], found: Mapping[str, Row], *, same_filings: bool) -> list[Row]:
    """Each fact of the alert beside what it is now; then what only shows now."""
    from features.catalogue import catalogue

    known, had = catalogue().features, _by_name(recorded)
    pairs: list[tuple[Row, Row, Row | None]] = [
        (fact, fact, fact if same_filings else found.get(name)) for name, fact in had.items()
    ]
    pairs += [(fact, {}, fact) for name, fact in found.items() if name not in had]
    rows = []
    for named, then, now in pairs:
        feature = known.get(str(named.get("feature")))
        figures = {n: n for n in FIGURES if n in then}
        # the limit of a condition that is not told of today may be unchanged: nothing is said
        differs = [n for n in figures if now is not None and n in now and not same(then[n], now[n])]
        rows.append(
            {name: named[name] for name in NAMED if name in named}
            | {"title": dict(feature.title) if feature else None}
            | {"then": _figures(then), "now": None if now is None else _figures(now)}
            | {"changed": ["missing"] if now is None else differs if then else ["new"]}
        )
    return rows


def _figures(fact: Row) -> Row | None:
    return {n: fact[n] for n in (*FIGURES, "reason") if n in fact} or None


def _by_name(facts: Sequence[Row]) -> dict[str, Row]:
    """Facts by what tells those of one alert apart: a feature may stand in several conditions."""
    named: dict[str, Row] = {}
    for fact in facts:
        parts = (fact.get(name) for name in ("rule", "feature", "op", "parameter", "part"))
        name = "|".join(str(part) for part in parts if part is not None)
        times = sum(one.split("#")[0] == name for one in named)
        named[f"{name}#{times}"] = fact
    return named


def nothing(alert_id: str, version: int, why: str) -> Row:
    """A comparison that only says why there is none."""
    return {
        "alert_id": alert_id, "version": version, "reason": why, "same_filings": None,
        "filings": {}, "then": None, "now": None, "facts": [], "changed": 0,
    }  # fmt: skip
