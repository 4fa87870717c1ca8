"""What each kind of reader of a bundle may see; whatever is not for them never enters the file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from detector.bundle.gather import Evidence, Row
from detector.bundle.proof import Proof
from detector.bundle.sources import Source, Sources
from detector.dossier.parties import ORGANISATIONS
from features.errors import WardenError


class Profile(StrEnum):
    """Who a bundle is for."""

    INTERNAL = "internal"
    PARTY = "party"
    PUBLIC = "public"


DECISIONS = ("opened", "updated", "no_longer_fires", "fires_again", "reopened", "closed")
"""What is told of an alert's life outside the authority; comments, work and notes are not."""
ACTIONS = frozenset(f"alert.{kind}" for kind in DECISIONS)
WORK = ("priority", "assignee", "due_on", "age_days", "overdue", "labels", "pending", "tags",
        "set_aside", "budget", "stale_since", "blind")  # fmt: skip
"""Parts of an alert that are about the work on it."""
OFFICIAL = "official"


def redacted(
    found: Evidence, profile: Profile, party: str | None = None, *, limits: bool = True
) -> Evidence:
    """The evidence as a profile shows it.

    Args:
        party: the firm a `party` bundle is for; may be left out where only one is concerned.
        limits: whether the reader may see restricted limits; outside the authority nobody may.

    Raises:
        WardenError: `party_required`, `not_concerned`.
    """
    internal = profile is Profile.INTERNAL
    if not (internal and limits):
        found = without_limits(found)
    if internal:
        return found
    own = _own(found, profile, party)
    return outside(found, profile, own, Mask(everyone_in(found) - own, found.sources.names), {})


def outside(
    found: Evidence,
    profile: Profile,
    own: frozenset[str],
    mask: Mask,
    officials: dict[str, str],
) -> Evidence:
    """The evidence for somebody outside the authority, limits being taken out already.

    Args:
        own: firms that may be named; a party's rows are those of these.
        officials: numbers given to those who decided so far; new ones are added.
    """
    found = _without_work(found, officials)
    if profile is Profile.PARTY:
        found = replace(
            found, sources=_rows_of(found.sources, own), proof=found.proof.only(ACTIONS)
        )
    else:
        told = {k: v for k, v in found.replay.items() if k in ("outcome", "compared", "reason")}
        bare = Sources({}, found.sources.concerned, found.sources.names)
        found = replace(found, sources=bare, proof=Proof(), replay=told)
    return _masked(found, own, mask)


def everyone_in(found: Evidence) -> frozenset[str]:
    """Every firm the evidence names."""
    sources = found.sources
    return frozenset({*sources.concerned, *sources.names, *sources.organisations()})


def _own(found: Evidence, profile: Profile, party: str | None) -> frozenset[str]:
    """Firms that may be named."""
    concerned = found.sources.concerned
    if profile is Profile.PUBLIC:
        return frozenset(concerned)
    if party is None and len(concerned) == 1:
        return frozenset(concerned)
    if party is None:
        raise WardenError(
            "party_required",
            f"Alert {found.alert['id']} is not about exactly one firm.",
            "Say which firm the bundle is for with --party (in a request: `party`).",
        )
    if party not in {*concerned, *found.sources.organisations()}:
        raise WardenError(
            "not_concerned",
            f"Alert {found.alert['id']} does not concern {party}.",
            "Check the id.",
        )
    return frozenset({party})


def without_limits(found: Evidence) -> Evidence:
    """Restricted rules without limits, text, message, and whatever would give a limit away."""
    closed = found.closed
    tables = {name for rule in found.rules if rule["restricted"] for name in rule["tables"]}
    if not closed:
        return found
    hidden = {"threshold": None, "parameter": None, "strength": None, "hidden": True}
    alert = dict(found.alert)
    # how sure and how near the limit are the same question
    alert |= dict.fromkeys(("suspicion", "p_value", "q_value", "budget", "priority"))
    alert["message"] = dict(alert["title"])
    alert["facts"] = [
        {**fact, **hidden} if fact.get("rule") in closed else fact for fact in alert["facts"]
    ]
    alert["rules"] = [
        {k: v for k, v in rule.items() if k != "strength"} if rule["id"] in closed else rule
        for rule in alert["rules"]
    ]
    kept = {k: v for k, v in found.replay.items() if k in ("outcome", "compared", "reason")}
    return replace(
        found,
        alert=alert,
        features=[{**f, **hidden} if f.get("rule") in closed else f for f in found.features],
        rules=[{**r, "text": None} if r["id"] in closed else r for r in found.rules],
        parameters={name: t for name, t in found.parameters.items() if name not in tables},
        history=[{**event, "data": {}} for event in found.history],
        replay=kept,
    )


def numbered(actor: str, officials: dict[str, str]) -> str:
    """An official under a number, the same one each time; the system under its name."""
    if actor == "system":
        return actor
    return officials.setdefault(actor, f"{OFFICIAL} {len(officials) + 1}")


def _without_work(found: Evidence, officials: dict[str, str]) -> Evidence:
    """Without comments, notes, assignments, and names of whoever decided."""
    history = []
    for event in found.history:
        if event["kind"] in DECISIONS:
            who = numbered(event["actor"], officials)
            history.append({**event, "actor": who, "note": None, "data": {}})
    alert = {k: v for k, v in found.alert.items() if k not in WORK}
    return replace(found, alert=alert, history=history)


def _rows_of(found: Sources, own: Collection[str]) -> Sources:
    """Rows that name the firm, and rows that name no organisation at all but are about it."""
    tables = {}
    for name, one in found.tables.items():
        columns = set(one.columns) & ORGANISATIONS
        rows = [
            row for row in one.rows
            if (not columns and found.concerned == tuple(own))
            or any(row[column] in own for column in columns)
        ]  # fmt: skip
        if rows:
            tables[name] = Source(one.columns, rows, 0)
    return Sources(tables, found.concerned, found.names)


def _masked(found: Evidence, own: Collection[str], mask: Mask) -> Evidence:
    """Every other firm under a number, wherever it is named."""
    sources = found.sources
    tables = {
        name: Source(one.columns, mask.of(one.rows), one.left_out)
        for name, one in sources.tables.items()
    }
    others = (mask.of(firm) for firm in sources.concerned if firm not in own)
    kept = {firm: told for firm, told in sources.names.items() if firm in own}
    return replace(
        found,
        alert=mask.of(found.alert),
        history=mask.of(found.history),
        features=mask.of(found.features),
        weights=mask.of(found.weights),
        replay=mask.of(found.replay),
        sources=Sources(tables, (*sorted(own), *others), kept),
    )


class Mask:
    """Puts `firm-1`, `firm-2` and so on for ids and names of firms, in any text."""

    def __init__(self, firms: Iterable[str], names: Mapping[str, Mapping[str, str]]) -> None:
        self._labels: dict[str, str] = {}
        for number, firm in enumerate(sorted(firms), 1):
            label = f"firm-{number}"
            for text in (firm, *names.get(firm, {}).values()):
                self._labels.setdefault(text, label)
        # short ids may be any number in a sentence; they are found where they stand alone
        long = sorted((t for t in self._labels if len(t) > 2), key=len, reverse=True)
        words = [
            rf"(?<![\w-]){re.escape(t)}(?![\w-])" if t.isascii() else re.escape(t) for t in long
        ]
        self._pattern = re.compile("|".join(words), re.ASCII) if words else None

    def of(self, value: Any) -> Any:
        """The value with every firm in it masked."""
        if isinstance(value, dict):
            return {key: self.of(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(part) for part in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if text in self._labels:
            return self._labels[text]
        parts = re.split(r"([|/])", text)
        if len(parts) > 1 and any(part in self._labels for part in parts):
            return "".join(self._labels.get(part, part) for part in parts)
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._labels[found[0]], text)


def as_rows(found: Evidence) -> list[Row]:
    """The comparisons, flat, as `features.csv` holds them."""
    told = []
    for one in found.features:
        interval, band = one["interval"] or (None, None), one["band"] or {}
        told.append(
            {
                "feature": one.get("feature"), "expression": one.get("expression"),
                "value": one.get("value"), "unit": one.get("unit"), "op": one.get("op"),
                "threshold": one.get("threshold"), "holds": one.get("holds"), "n": one.get("n"),
                "reason": one.get("reason"), "rule": one.get("rule"), "class": one.get("class"),
                "interval_low": interval[0], "interval_high": interval[1],
                "peers_p05": band.get("p05"), "peers_median": band.get("median"),
                "peers_p95": band.get("p95"), "peers_n": band.get("n"),
                "peers_level": band.get("level"),
            }
        )  # fmt: skip
    return told
