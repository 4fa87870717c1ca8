"""Frozen slices of history: a few rows a rule judged, with all it reads and how each ended.

A slice is one JSON file. It holds the feature rows, the thresholds then in force, the expected
outcome of every row and the firing hash of them all; subjects have made-up names. Written by
`warden rules backtest RULE --freeze FILE`, read by examples of level `golden`.

A slice is judged with the parameter tables of today, so a changed limit shows as a difference and
`differences` says which threshold moved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from features.catalogue import KEY_COLUMNS, FeatureCatalogue
from features.catalogue import catalogue as whole_catalogue
from features.compute import FeatureFrame
from features.errors import WardenError
from features.vocabulary import Outcome
from rules.backtest import KEY, firing_hash
from rules.evaluate import evaluate_rule
from rules.load import Rule
from rules.messages import placeholders
from rules.nodes import Column, Peer, Prev, walk
from rules.parameters import ParameterBook

FORMAT = 1
EACH = 6
"""Rows kept of each outcome; of fired and clear ones those nearest the threshold first."""
LONGEST = 24
"""Periods kept of one subject where a rule looks back."""

_TYPES: Mapping[str, type[pl.DataType]] = {
    t.__name__: t for t in (pl.String, pl.Date, pl.Float64, pl.Int64, pl.Boolean)
}
_EXPECTED = (*KEY, "outcome", "reason", "severity", "strength")


@dataclass(frozen=True)
class Golden:
    """One frozen slice.

    Attributes:
        head: `rule`, `version`, `content_hash`, `snapshot_id`, `known_as_of` when it was frozen.
        frame: the rows with every column the rule reads.
        thresholds: by parameter its value, or the rows of its table.
        expected: ``subject_key``, ``period_start``, ``outcome``, ``reason``, ``severity`` and
            ``strength`` of each row.
        firing_hash: of all rows, facts included.
    """

    head: Mapping[str, Any]
    frame: FeatureFrame
    thresholds: Mapping[str, Any]
    expected: pl.DataFrame
    firing_hash: str


def freeze(
    rule: Rule,
    frame: FeatureFrame,
    parameters: ParameterBook,
    head: Mapping[str, Any],
    *,
    judged: pl.DataFrame | None = None,
) -> Golden:
    """A small slice of a table that shows every outcome the rule has there.

    Args:
        frame: the table of the rule's grain beside its peers.
        head: `snapshot_id` and `known_as_of` of the table.
        judged: rows of the rule to choose from, all by default.

    Raises:
        WardenError: `nothing_to_freeze` when the rule judged nothing; `slice_differs` when a rule
            says something else about the slice than about the whole.
    """
    everything = evaluate_rule(rule, frame, parameters)
    chosen = _chosen(everything if judged is None else judged)
    if chosen.is_empty():
        raise WardenError("nothing_to_freeze", f"Rule {rule.id} judged nothing in the window.")
    keys = list(KEY)
    if rule.periods_back or rule.spec.absence is not None:
        mine = frame.frame.join(chosen.select("subject_key").unique(), on="subject_key", how="semi")
        rows = mine.sort(KEY).group_by("subject_key", maintain_order=True).tail(LONGEST)
    else:
        rows = frame.frame.join(chosen.select(keys), on=keys, how="semi").sort(KEY)
    names = _renamed(rows)
    small = replace(
        frame, frame=_read_by(rule, rows).with_columns(pl.col("subject_key").replace(names))
    )
    found = evaluate_rule(rule, small, parameters)
    whole = everything.with_columns(pl.col("subject_key").replace(names))
    if rule.spec.absence is None and not rule.periods_back:
        same = whole.join(found, on=keys, how="semi").sort(KEY)
        if firing_hash(same) != firing_hash(found):
            raise WardenError("slice_differs", f"Rule {rule.id} reads more than its own rows.")
    ident = {"rule": rule.id, "version": rule.version, "content_hash": rule.content_hash}
    expected = found.select(_EXPECTED).sort(KEY)
    return Golden({**ident, **head}, small, thresholds_of(rule, parameters), expected,
                  firing_hash(found))  # fmt: skip


def _chosen(rows: pl.DataFrame) -> pl.DataFrame:
    """A few rows of each outcome: half nearest the threshold, half farthest from it."""
    parts = []
    for outcome in Outcome:
        mine = rows.filter(pl.col("outcome") == outcome.value)
        near = (pl.col("strength") - 0.5).abs().fill_null(0.0)
        ordered = mine.sort(near, *KEY)
        parts += [ordered.head(EACH // 2), ordered.slice(EACH // 2).tail(EACH // 2)]
    return pl.concat(parts)


def _renamed(rows: pl.DataFrame) -> dict[str, str]:
    """Made-up names of the subjects, in the order of their own."""
    subjects = rows["subject_key"].unique().sort()
    return {key: f"case-{number:02}" for number, key in enumerate(subjects, 1)}


def _read_by(rule: Rule, rows: pl.DataFrame) -> pl.DataFrame:
    """The columns the rule judges or tells, and what places a row."""
    spec, named = rule.spec, {"jurisdiction"}
    for _, tree in rule.trees():
        for node in walk(tree):
            if isinstance(node, Column):
                named.add(node.name)
            elif isinstance(node, Peer | Prev):
                named.add(node.feature)
    for text in (spec.message.en, spec.message.zh):
        named |= {hole.name for hole in placeholders(text)}
    named |= set(spec.evidence.columns if spec.evidence else ())
    read = [c for c in rows.columns if c not in KEY_COLUMNS and c.partition("__")[0] in named]
    plain = [c for c in read if type(rows.schema[c]).__name__ in _TYPES]
    return rows.select(*KEY_COLUMNS, *plain)


def thresholds_of(rule: Rule, parameters: ParameterBook) -> dict[str, Any]:
    """By parameter its value; of a dated table its rows."""
    found: dict[str, Any] = {}
    for name, spec in rule.spec.parameters.items():
        if spec.table is None:
            found[name] = spec.value
        else:
            rows = parameters.table(spec.table).rows
            found[name] = [
                {"jurisdiction": r.jurisdiction, "value": r.value,
                 "valid_from": r.valid_from.isoformat(),
                 "valid_to": r.valid_to.isoformat() if r.valid_to else None}
                for r in rows
            ]  # fmt: skip
    return found


def differences(
    golden: Golden,
    rule: Rule,
    parameters: ParameterBook,
    catalogue: FeatureCatalogue | None = None,
) -> list[str]:
    """What the rule says otherwise about a slice than when it was frozen; empty when nothing.

    Each is one sentence: a row that ends otherwise, a threshold that moved, or facts that differ
    although every outcome is the same.
    """
    known = catalogue or whole_catalogue()
    found = evaluate_rule(rule, _known(golden.frame, known), parameters, catalogue=known)
    now = found.select(_EXPECTED)
    both = golden.expected.join(now, on=list(KEY), how="full", coalesce=True, suffix="_now")
    told = []
    for row in both.sort(KEY).iter_rows(named=True):
        then = (row["outcome"], row["reason"], row["severity"])
        today = (row["outcome_now"], row["reason_now"], row["severity_now"])
        if then != today:
            where = f"{row['subject_key']} in {row['period_start']}"
            told.append(f"{where}: {_ending(*then)} when frozen, {_ending(*today)} now")
    if told or firing_hash(found) != golden.firing_hash:
        told += [
            f"threshold {name}: {was} when frozen, {now_} now"
            for name, was, now_ in _moved(golden.thresholds, thresholds_of(rule, parameters))
        ]
        told = told or ["the outcomes are the same, the facts or strengths behind them are not"]
    return told


def _ending(outcome: str | None, reason: str | None, severity: int | None) -> str:
    if outcome is None:
        return "not judged"
    more = reason or (f"severity {severity}" if outcome == Outcome.FIRED else "")
    return f"{outcome} ({more})" if more else outcome


def _moved(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    names = [*then, *(n for n in now if n not in then)]
    return [(n, then.get(n), now.get(n)) for n in names if then.get(n) != now.get(n)]


def _known(frame: FeatureFrame, catalogue: FeatureCatalogue) -> FeatureFrame:
    """The frame with the features of its columns as the catalogue knows them."""
    features = tuple(f for f in catalogue.of_grain(frame.grain) if f.name in frame.frame.columns)
    return replace(frame, features=features)


def write_golden(golden: Golden, path: Path) -> None:
    """One JSON file, the same text for the same slice."""
    table = golden.frame.frame
    data = {
        "format": FORMAT,
        **golden.head,
        "grain": golden.frame.grain,
        "reference": golden.frame.reference,
        "thresholds": golden.thresholds,
        "firing_hash": golden.firing_hash,
        "columns": {name: type(dtype).__name__ for name, dtype in table.schema.items()},
        "attributes": [a for a in golden.frame.attributes if a in table.columns],
    }
    lists = {"rows": table.iter_rows(), "expected": golden.expected.iter_rows()}
    parts = [f"{_json(name)}: {_json(value)}" for name, value in data.items()]
    parts += [
        f"{_json(name)}: [\n" + ",\n".join(_json(list(row)) for row in rows) + "\n]"
        for name, rows in lists.items()
    ]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def read_golden(path: Path) -> Golden:
    """A slice from its file.

    Raises:
        WardenError: `bad_golden` when the file is none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        schema = {name: _TYPES[kind] for name, kind in data["columns"].items()}
        table = _typed(data["rows"], schema)
        kinds = (pl.String, pl.Date, pl.String, pl.String, pl.Int64, pl.Float64)
        expected = _typed(data["expected"], dict(zip(_EXPECTED, kinds, strict=True)))
        head = ("rule", "version", "content_hash", "snapshot_id", "known_as_of")
        attributes = tuple(data["attributes"])
        frame = FeatureFrame(data["grain"], table, (), attributes, (), reference=data["reference"])
        named = {name: data.get(name) for name in head}
        return Golden(named, frame, data["thresholds"], expected, data["firing_hash"])
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise WardenError("bad_golden", f"{path} is no frozen slice: {error}.") from error


def _typed(rows: list[list[Any]], schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    """Rows of JSON as a frame; dates come as text."""
    read = {name: pl.String if t is pl.Date else t for name, t in schema.items()}
    found = pl.DataFrame(rows, schema=read, orient="row")
    return found.with_columns(
        pl.col(name).str.to_date() for name, dtype in schema.items() if dtype is pl.Date
    )
