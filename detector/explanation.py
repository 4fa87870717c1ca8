"""Why one alert was raised, and the least that would have had to be different.

Everything is computed from what its run cites: the features as stored, the frozen peers and models
by digest, the rules by version. So the answer is about the judgement that was made, whatever has
been filed or decided since. What cannot be found any more is left out, with the reason.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.bands import bands
from detector.clearing import Change, model_changes, nearest_first
from detector.comparison import grains_of
from detector.excess import TAIL
from detector.excess_clearing import TALLY, excess_changes
from detector.model_comparison import groups_of
from detector.nearest import nearest
from detector.owners import with_owners
from detector.results import Manifest, Results
from detector.rule_clearing import Cleared, joint_changes, rule_changes
from features.errors import WardenError
from features.vocabulary import GRAINS

if TYPE_CHECKING:
    from detector.models.fitted import FittedModel, FittedSet
    from detector.system import System
    from features.compute import FeatureFrame
    from rules.load import Rule
    from rules.parameters import ParameterBook

Alert = Mapping[str, Any]
KEPT = 256
"""Explanations kept in memory; one takes about a second to compute."""
_NOTHING: dict[str, Any] = {
    "about": None, "jurisdiction": None, "model": None, "rules": [], "together": [],
    "excess": None, "peers": None, "reason": None,
}  # fmt: skip
_kept: OrderedDict[tuple[str, ...], dict[str, Any]] = OrderedDict()
_lock = threading.Lock()


def explanation(system: System, alert: Alert) -> dict[str, Any]:
    """The explanation of one alert object, as plain data.

    Returns:
        ``about``: grain, key and period of the row explained (a finer subject where the alert took
        over the judgement of one). ``jurisdiction`` where it is known. ``model``: its p-value, the
        ``line`` and its ``features``. ``rules``: each that fired, with its ``conditions`` and
        ``inputs``. ``together``: inputs whose change clears all of several rules. ``excess``: how
        many fewer suspicious tenders would clear a firm. ``peers``: the ten nearest. ``reason``: a
        code that says why there is nothing. Every input has ``value``, ``clears_at``
        (null where no change of it alone clears), ``clears_at_limit``, ``change`` and
        ``change_share``.
    """
    key = (str(system.home), str(alert["id"]), str(alert["version"]), str(alert["run_id"]))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    found = _explained(system, alert)
    with _lock:
        _kept[key] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


def measured(system: System, alert: Alert) -> dict[str, dict[str, Any]]:
    """What was measured about an alert, by feature of its facts.

    Returns:
        Of each its `title`, `unit`, `points` (every period of the subject up to the one judged:
        `start`, `end`, `value`, `reason`, `n`, and `low` and `high` where the catalogue has both
        ends of an interval) and `band`, where the frozen peers lie, or null. Empty where the
        judged row cannot be found any more.
    """
    if alert["subject"]["kind"] == "rule":
        return {}
    try:
        run = Results(system.home).manifest(str(alert["run_id"]))
        case = _found(system, alert, run)
        return case.measured() if case else {}
    except (OSError, ValueError, TypeError, WardenError):
        return {}


def nothing(reason: str) -> dict[str, Any]:
    """An explanation that only says why there is none."""
    return {**_NOTHING, "reason": reason}


def _explained(system: System, alert: Alert) -> dict[str, Any]:
    if alert["subject"]["kind"] == "rule":
        return nothing("rule_in_storm")
    try:
        run = Results(system.home).manifest(str(alert["run_id"]))
    except (OSError, ValueError, TypeError):
        return nothing("no_results")
    try:
        case = _found(system, alert, run)
        return case.explained() if case else nothing("no_row")
    except (OSError, WardenError):
        return nothing("failed")


@lru_cache(maxsize=2)
def _fitted(folder: Path, digest: str) -> FittedSet | None:
    """A set of models; a digest names its content, so it is read once."""
    from detector.models.artifacts import load_set

    return load_set(folder, digest)


@dataclass(frozen=True)
class _Case:
    """One alert, the row it is about, and what judged it."""

    system: System
    alert: Alert
    manifest: Manifest
    grain: str
    key: str
    start: date
    fitted: FittedSet | None

    def explained(self) -> dict[str, Any]:
        tally = excess_changes(self.system, self.manifest, self.grain, self.alert)
        about = {
            "grain": self.grain, "subject_key": self.key, "period_start": self.start.isoformat(),
        }  # fmt: skip
        base = {**_NOTHING, "about": about, "excess": tally}
        if tally is not None:
            return base
        rules, parameters = self._rules()
        model = self._model()
        names = self._names(rules, model)
        rows = self._rows(names)
        if rows is None or rows.frame.filter(pl.col("period_start") == self.start).is_empty():
            return base | {"reason": "no_features"}
        judged = self._judged(rows, rules, parameters)
        together: dict[str, Change] = {}
        if len(judged) > 1:
            alike, said = [rules[n] for n in judged], list(judged.values())
            together = joint_changes(rows, self.start, alike, parameters, self.fitted, said)
        return base | {
            "jurisdiction": self._place(rows),
            "model": self._of_model(rows, model) if model else None,
            "rules": [self._of_rule(n, c, rows) for n, c in judged.items()],
            "together": [
                _input(rows, c.name, c.value) | c.as_dict() for c in nearest_first(together)
            ],
            "peers": self._peers(rows) if model else None,
        }

    def measured(self) -> dict[str, dict[str, Any]]:
        """See `measured`."""
        from detector.models.score import with_peers

        names = {str(fact.get("feature")) for fact in self.alert["facts"]}
        rows = self._rows(names | {f"{n}_{end}" for n in names for end in ("low", "high")})
        if rows is None:
            return {}
        band: Mapping[str, Any] = {}
        if self.fitted is not None:
            shown = with_peers(self._now(rows), self.fitted, set(names))
            told = [n for n in names if f"{n}__pct" in shown.frame.columns]
            band = bands(shown, self.fitted.reference, told)
        past = rows.frame.filter(pl.col("period_start") <= self.start).to_dicts()
        return {
            f.name: {
                "title": dict(f.title), "unit": f.unit,
                "points": [_point(row, f.name) for row in past],
                "band": band[f.name].as_dict() if f.name in band else None,
            }
            for f in rows.features
            if f.name in names
        }  # fmt: skip

    def _rules(self) -> tuple[dict[str, Rule], ParameterBook]:
        """Rules that fired and judge this grain, by label."""
        from detector.rulebook import rulebook

        book = rulebook(self.system)
        found = {}
        for one in self.alert["rules"]:
            try:
                rule = book.version(str(one["id"]), str(one["version"]))
            except WardenError:
                continue
            if rule.spec.grain == self.grain:
                found[f"{rule.id}@{rule.version}"] = rule
        return found, book.in_force().parameters

    def _model(self) -> FittedModel | None:
        """The model that gave the suspicion, in the version that did."""
        for one in self.alert["models"]:
            model = self.fitted.models.get(str(one.get("id"))) if self.fitted else None
            if model and model.version == one.get("version") and model.spec.grain == self.grain:
                return model
        return None

    def _names(self, rules: Mapping[str, Rule], model: FittedModel | None) -> set[str]:
        """Features that are read, and those of the typology, by which peers are alike."""
        from features.catalogue import catalogue
        from rules.nodes import column_names

        of_typology = catalogue().of_typology(str(self.alert["typology"]))
        names = {f.name for f in of_typology if f.grain == self.grain}
        for rule in rules.values():
            for _, tree in rule.trees():
                names |= set(column_names(tree))
        if model is not None and self.fitted is not None:
            family = self.fitted.models.get(model.spec.family)
            names |= {*model.features, *(family.features if family else ())}
        return names

    def _rows(self, names: set[str]) -> FeatureFrame | None:
        """Every period of the subject, with the features that are read."""
        from features.catalogue import catalogue
        from features.compute import FeatureFrame

        results, keys = Results(self.system.home), ["subject_key", "period_start", "period_end"]
        features = [
            f for f in catalogue().features.values() if f.name in names and f.grain == self.grain
        ]
        whole: pl.DataFrame | None = None
        for typology in dict.fromkeys(f.typology for f in features):
            stored = results.read(self.manifest, f"features-{self.grain}-{typology}")
            if stored is None:
                continue
            own = stored.filter(pl.col("subject_key") == self.key).drop("typology", "grain")
            part = own.collect()
            if whole is None:
                whole = part
            else:
                fresh = [c for c in part.columns if c in keys or c not in whole.columns]
                whole = whole.join(part.select(fresh), on=keys, how="full", coalesce=True)
        if whole is None:
            return None
        have = tuple(f for f in features if f.name in whole.columns)
        known = {c for f in catalogue().of_grain(self.grain) for c in _of_feature(f.name)}
        attributes = tuple(c for c in whole.columns if c not in known and c not in keys)
        whole = whole.sort("period_start")
        return with_owners(FeatureFrame(self.grain, whole, have, attributes, ()))

    def _now(self, rows: FeatureFrame) -> FeatureFrame:
        from dataclasses import replace

        return replace(rows, frame=rows.frame.filter(pl.col("period_start") == self.start))

    def _place(self, rows: FeatureFrame) -> str | None:
        frame = self._now(rows).frame
        return frame["jurisdiction"][0] if "jurisdiction" in frame.columns else None

    def _judged(
        self, rows: FeatureFrame, rules: Mapping[str, Rule], parameters: ParameterBook
    ) -> dict[str, Cleared]:
        found = {}
        for name, rule in rules.items():
            cleared = rule_changes(rows, self.start, rule, parameters, self.fitted)
            if cleared is not None and cleared.outcome == "fired":
                found[name] = cleared
        return found

    def _of_rule(self, name: str, cleared: Cleared, rows: FeatureFrame) -> dict[str, Any]:
        rule, _, version = name.partition("@")
        changes = [*nearest_first(cleared.changes)]
        changes += [c for c in cleared.changes.values() if c.limit is None]
        inputs = [_input(rows, c.name, c.value) | c.as_dict() for c in changes]
        return {"id": rule, "version": version, "conditions": cleared.conditions, "inputs": inputs}

    def _of_model(self, rows: FeatureFrame, model: FittedModel) -> dict[str, Any]:
        from detector.models.score import with_peers

        assert self.fitted is not None  # noqa: S101  the model is one of its set
        row = self._now(rows)
        p, changes = model_changes(row, self.fitted, model)
        shown = with_peers(row, self.fitted, set())
        names = [f.name for f in row.features if f"{f.name}__pct" in shown.frame.columns]
        band = bands(shown, self.fitted.reference, names)
        shares = {f["feature"]: f for f in self.alert["facts"] if "share" in f and "op" not in f}
        told = []
        for name in sorted(shares, key=lambda n: -(shares[n]["share"] or 0)):
            change = changes.get(name)
            told.append(
                _input(rows, name, shares[name].get("value"))
                | {"share": shares[name]["share"], "pct": shares[name].get("pct")}
                | {"band": band[name].as_dict() if name in band else None}
                | (change or Change(name, 0.0, None)).as_dict()
            )
        return {"id": model.spec.id, "version": model.version, "p_value": p, "line": TAIL,
                "in_tail": p is not None and p <= TAIL, "features": told}  # fmt: skip

    def _peers(self, rows: FeatureFrame) -> dict[str, Any] | None:
        """The ten subjects most like it, by the features of the alert's typology."""
        if self.fitted is None:
            return None
        held = self.fitted.reference.grains.get(self.grain)
        row = self._now(rows)
        mine = [f.name for f in row.features if f.typology == self.alert["typology"]]
        names = [n for n in mine if row.frame.schema[n].is_float()]
        found = nearest(row.frame, held, names, self.fitted.reference.groups)
        listed = [
            r | {"period_start": r["period_start"].isoformat()}
            for r in found.rows.iter_rows(named=True)
        ]
        return {"reference": found.version, "level": found.level, "candidates": found.candidates,
                "features": list(found.features), "nearest": listed}  # fmt: skip


def _point(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A feature in one period."""
    return {
        "start": row["period_start"].isoformat(), "end": row["period_end"].isoformat(),
        "value": row[name],
        "reason": row[f"{name}__reason"], "n": row[f"{name}__n"],
        "low": row.get(f"{name}_low"), "high": row.get(f"{name}_high"),
    }  # fmt: skip


def _of_feature(name: str) -> tuple[str, ...]:
    return name, f"{name}__reason", f"{name}__n"


def _input(rows: FeatureFrame, name: str, value: object) -> dict[str, Any]:
    """What is known of an input before it is changed."""
    units: dict[str, Any] = {f.name: (f.unit, f.title) for f in rows.features}
    unit, title = units.get(name, ("", {}))
    return {"feature": name, "title": dict(title), "unit": unit, "value": value}


def _found(system: System, alert: Alert, manifest: Manifest) -> _Case | None:
    """The judged row the alert is about, or the finer one whose judgement it took over."""
    cited = manifest.judges.get("models")
    fitted = _fitted(system.home / "models", cited) if cited else None
    if fitted is not None:
        fitted = fitted.beside(groups_of(system, manifest))
    judged = Results(system.home).judged(manifest)
    start, end = (date.fromisoformat(str(alert["period"][k])) for k in ("start", "end"))
    kind, key = str(alert["subject"]["kind"]), str(alert["subject"]["key"])
    rows = judged.filter(
        pl.col("typology") == str(alert["typology"]),
        pl.col("period_start").is_between(start, end),
    )
    own = rows.filter(
        pl.col("subject_kind") == kind,
        pl.col("subject_key") == key,
        pl.col("period_start") == start,
    ).collect()
    mine = [row for row in own.to_dicts() if GRAINS[row["grain"]].subject_kind == kind]
    if not mine:
        return None
    grain = str(mine[0]["grain"])
    counted = any(fact.get("feature") == TALLY for fact in alert["facts"])
    if not counted and grain not in grains_of(str(alert["typology"])) and mine[0]["facts"]:
        same = pl.col("facts") == mine[0]["facts"]
        finer = rows.filter(same, pl.col("grain") != grain).sort("subject_key").collect()
        if finer.height:
            one = finer.row(0, named=True)
            grain, key, start = one["grain"], one["subject_key"], one["period_start"]
    return _Case(system, alert, manifest, grain, key, start, fitted)
