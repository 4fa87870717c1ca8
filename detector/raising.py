"""From judged rows to signals: only what fired, about the subject a regulator can act on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from alerts.store import storm_periods
from detector.database import reading
from detector.rule_texts import worst_of
from detector.storms import storm_signals
from features.vocabulary import GRAINS, TYPOLOGIES, Outcome, Typology

if TYPE_CHECKING:
    from alerts.model import Signal
    from detector.judging import Judgement
    from detector.panel import Panel
    from detector.planning import Plan
    from detector.system import System
    from features.compute import Computed
    from rules.load import Rule

CORROBORATED = 0.05
"""A single tender is raised only among the most suspicious twentieth of its peers: rules with
uncalibrated limits fire for whole markets, and clusters of tenders are what counts."""

CIRCLES = "group_y"
"""Grain of circles of bidders."""

STRONG = 4
"""Severity from which a calm rule (identical bids, say) needs no model beside it."""

SEVERAL = ("cluster", "group", "pair")
"""Subjects made of several firms, whose keys are the firms' joined by `|`."""

OWNED = {"breach_notifications": "incident_id", "apps": "app_id"}
"""Tables whose subjects belong to an operator, with the subject's key."""


def signals(
    system: System,
    plan: Plan,
    computed: Computed,
    panel: Panel,
    judgement: Judgement,
    run_key: str,
) -> list[Signal]:
    """One signal for every fired subject that may carry an alert, and for every rule in a storm."""
    strong, own = strong_rules(panel, judgement), own_grains(panel)
    rows = alertable(judgement, computed.memberships, strong, own)
    names = subject_names(system, plan)
    live = panel.ruleset.live()
    rules = {f"{r.id}@{r.version}": r for r in live}
    found = [to_signal(row, names, rules, run_key, plan.snapshot.id) for row in rows.to_dicts()]
    if not judgement.stormy:
        return found
    with reading(system.engine) as connection:
        known = storm_periods(connection)
    return found + storm_signals(judgement.stormy, live, known, run_key, plan.snapshot.id)


def strong_rules(panel: Panel, judgement: Judgement) -> list[str]:
    """Calm rules grave enough to raise a single fine subject by themselves."""
    labels = {f"{r.id}@{r.version}": r.spec.severity for r in panel.ruleset.live()}
    return [
        name
        for name, severity in labels.items()
        if severity >= STRONG and name not in judgement.stormy
    ]


def own_grains(panel: Panel) -> dict[str, tuple[str, ...]]:
    """Rules that say themselves which subjects an alert is about, with those grains."""
    return {
        f"{r.id}@{r.version}": r.spec.alerts_on for r in panel.ruleset.live() if r.spec.alerts_on
    }


def alertable(
    judgement: Judgement,
    memberships: Mapping[tuple[str, str], pl.DataFrame],
    strong: list[str],
    own: Mapping[str, tuple[str, ...]] | None = None,
) -> pl.DataFrame:
    """Fired rows an alert is raised about; the others stay in the scores, counted as held back.

    - A typology that only sets the scene (`context_only`) raises none.
    - A fine subject (a tender) leaves the alert to the coarser one (a firm) that fired for it; on
      its own it is alerted on only where a strong rule fired, or the model agrees (`CORROBORATED`).
    - A rule that fired for more subjects than it declares possible (`max_flag_rate`) raises none:
      it does not tell subjects apart in this market, and the run says so.
    - A rule that names grains of its own (`own`) is alerted on at those, not at its typology's.
    """
    own = own or {}
    silent = [*judgement.stormy, *own]
    calm = pl.col("fired_rules").list.eval(~pl.element().is_in(silent)).list.any()
    no_rule = pl.col("fired_rules").list.len().fill_null(0) == 0
    fired = judgement.judged.filter(pl.col("outcome") == Outcome.FIRED)
    usual = fired.filter(no_rule | calm)
    parts = [fired.clear()]
    for typology in TYPOLOGIES.values():
        if typology.context_only:
            continue
        mine = usual.filter(pl.col("typology") == typology.id)
        parts += best_subjects(mine, typology.alerts_on, memberships, strong)
        named = fired.filter(pl.col("typology") == typology.id)
        for grains in sorted(set(own.values())):
            rules = [n for n, g in own.items() if g == grains and n not in judgement.stormy]
            about = pl.col("fired_rules").list.eval(pl.element().is_in(rules)).list.any()
            rows = named.filter(about.fill_null(value=False))
            parts += best_subjects(rows, grains, memberships, strong)
    return pl.concat(parts).unique(
        ["typology", "grain", "subject_key", "period_start"], keep="first", maintain_order=True
    )


def best_subjects(
    fired: pl.DataFrame,
    grains: tuple[str, ...],
    memberships: Mapping[tuple[str, str], pl.DataFrame],
    strong: list[str],
) -> list[pl.DataFrame]:
    """Fired rows of one typology by grain, best grain first, without those a better one covers."""
    parts: list[pl.DataFrame] = []
    coarser: list[str] = []
    for grain in grains:
        rows = fired.filter(pl.col("grain") == grain)
        rows = apart(rows) if grain == CIRCLES else rows
        for above in coarser:
            rows = rows.filter(~covered(rows, fired, memberships.get((grain, above)), above))
        if coarser:
            unlike = (pl.col("p_value") <= CORROBORATED).fill_null(value=True)
            grave = pl.col("fired_rules").list.eval(pl.element().is_in(strong)).list.any()
            rows = rows.filter(unlike | grave.fill_null(value=False))
        parts.append(rows)
        coarser.append(grain)
    return parts


def apart(rows: pl.DataFrame) -> pl.DataFrame:
    """Circles of one typology without those that mostly consist of members of a better one.

    Circles overlap: one ring shows in many. The more suspicious comes first, of equal ones the
    larger; a circle of which half the members or more are in an earlier one is left to that.
    """
    kept: dict[object, list[set[str]]] = {}
    places: list[int] = []
    members = pl.col("subject_key").str.split("|")
    ordered = rows.with_row_index("_row").sort(
        "p_value", members.list.len(), "suspicion", "subject_key",
        descending=[False, True, True, False], nulls_last=True,
    )  # fmt: skip
    for place, period, mine in ordered.select("_row", "period_start", members).iter_rows():
        before = kept.setdefault(period, [])
        if all(2 * len(other.intersection(mine)) < len(mine) for other in before):
            before.append(set(mine))
            places.append(place)
    return rows[sorted(places)]


def covered(
    rows: pl.DataFrame, fired: pl.DataFrame, links: pl.DataFrame | None, above: str
) -> pl.Series:
    """Whether a fired parent of the same typology speaks for each row."""
    if links is None:
        return pl.repeat(False, rows.height, eager=True)
    parents = fired.filter(pl.col("grain") == above).select(
        parent_key="subject_key", parent_period_start="period_start"
    )
    children = links.join(parents, on=["parent_key", "parent_period_start"], how="semi").select(
        subject_key="child_key", period_start="child_period_start"
    )
    marked = rows.join(
        children.unique().with_columns(inside=True),
        on=["subject_key", "period_start"],
        how="left",
        maintain_order="left",
    )
    return marked["inside"].fill_null(False)


def subject_names(system: System, plan: Plan) -> dict[str, tuple[str, str]]:
    """English and Chinese names of firms and of their groups by id, where filed.

    A group is called after its first firm.
    """
    if "firms" not in plan.snapshot.versions:
        return {}
    firms = system.lake.scan(plan.snapshot, "firms").filter(pl.col("name").is_not_null())
    rows = firms.select("firm_id", "group_id", "name", "name_zh").sort("firm_id").collect()
    heads = rows.filter(pl.col("group_id").is_not_null()).unique("group_id", keep="first")
    names = {key: (f"{name} group", f"{zh or name}集团") for _, key, name, zh in heads.iter_rows()}
    names |= {key: (name, zh or name) for key, _, name, zh in rows.iter_rows()}
    return owned_names(system, plan, names) | names


def owned_names(
    system: System, plan: Plan, firms: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    """Incidents and apps are called after their operator, with their own id behind."""
    found: dict[str, tuple[str, str]] = {}
    for table, key in OWNED.items():
        if table not in plan.snapshot.versions:
            continue
        rows = system.lake.scan(plan.snapshot, table).select(key, "operator_id")
        for own, operator in rows.drop_nulls().unique().sort(key).collect().iter_rows():
            if operator in firms:
                en, zh = firms[operator]
                found[own] = (f"{en}, {own}", f"{zh}，{own}")
    return found


def shown_names(row: Mapping[str, Any], names: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """How the subject is called in English and Chinese; its key where no name is filed."""
    key = row["subject_key"]
    separator = "|" if row["subject_kind"] in SEVERAL else "/"
    parts = [names.get(part, (part, part)) for part in key.split(separator)]
    if separator == "|" and len(parts) > 3:
        more = len(parts) - 2
        return (
            ", ".join(p[0] for p in parts[:2]) + f" and {more} more",
            "、".join(p[1] for p in parts[:2]) + f"等 {len(parts)} 家",
        )
    if row["subject_kind"] == "market_firm" and len(parts) == 2:
        return f"{parts[1][0]} in {parts[0][0]}", f"{parts[1][1]}（{parts[0][1]}）"
    joint = ("、" if separator == "|" else " / ", ", " if separator == "|" else " / ")
    return joint[1].join(p[0] for p in parts), joint[0].join(p[1] for p in parts)


def to_signal(
    row: dict[str, Any],
    names: Mapping[str, tuple[str, str]],
    rules: Mapping[str, Rule],
    run_key: str,
    snapshot_id: str,
) -> Signal:
    """One fired row with everything a reviewer must see beside it."""
    from alerts.model import Signal

    typology: Typology = TYPOLOGIES[row["typology"]]
    en, zh = shown_names(row, names)
    fired = [rules[label] for label in row["fired_rules"] or () if label in rules]
    speaking = fired or [r for r in rules.values() if r.spec.typology == typology.id]
    return Signal(
        typology=row["typology"],
        subject_kind=row["subject_kind"],
        subject_key=row["subject_key"],
        period_start=row["period_start"],
        period_end=row["period_end"],
        suspicion=row["suspicion"],
        p_value=row["p_value"],
        q_value=row["q_value"],
        severity=row["severity"],
        lane=row["lane"],
        rules=tuple(
            {
                "id": r.id,
                "version": r.version,
                "title": both(r.spec.title),
                "strength": row["strength"],
                "severity": worst_of(r),
                **({"disclosure": "restricted"} if r.spec.disclosure == "restricted" else {}),
                **repeating(r, row["subject_key"]),
            }
            for r in fired
        ),
        models=tuple(
            {"id": label.split("@")[0], "version": label.split("@")[1]}
            for label in row["models"] or ()
        ),
        facts=tuple(json.loads(row["facts"] or "[]")),
        title={
            "en": f"possible {typology.title['en']}: {en}",
            "zh": f"涉嫌{typology.title['zh']}：{zh}",
        },
        message={"en": row["message_en"] or "", "zh": row["message_zh"] or ""},
        legal_basis=unique(b.model_dump(mode="json") for r in speaking for b in r.spec.legal_basis),
        innocent=unique(both(t) for r in speaking for t in r.spec.innocent_explanations),
        not_checked=tuple(
            {"rule": label, "reason": row["reason"] or "missing_input"}
            for label in row["open_rules"] or ()
        ),
        run_id=run_key,
        snapshot_id=snapshot_id,
        budget=None if row["q_value"] is None else {"grain": row["grain"]},
    )


def repeating(rule: Rule, subject_key: str) -> dict[str, Any]:
    """For a rule that suppresses repeats: the parts of the key that make firings alike, and when
    they count again."""
    quiet = rule.spec.suppress
    if isinstance(quiet, str):
        return {}
    names = GRAINS[rule.spec.grain].parts
    values = subject_key.split("|" if "|" in subject_key else "/", len(names) - 1)
    parts = dict(zip(names, values, strict=False))
    by = [parts.get(name, subject_key) for name in quiet.by]
    told = {"by": by, "periods": quiet.periods, "reset_on": list(quiet.reset_on)}
    return {"suppress": told}


def both(text: Any) -> dict[str, str]:
    """A two-language text as plain data."""
    return {"en": text.en, "zh": text.zh}


def unique(items: Any) -> tuple[dict[str, Any], ...]:
    """Items in order, each once."""
    seen: dict[str, dict[str, Any]] = {}
    for item in items:
        seen.setdefault(json.dumps(item, sort_keys=True, default=str), item)
    return tuple(seen.values())
