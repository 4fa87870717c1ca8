"""Rules that fire for more subjects than they declare possible: firings kept, one alert a rule.

Such a rule does not tell subjects apart in this market. Its firings stay in the results, its
alerts are held back, and one alert about the rule itself says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from alerts.store import STORM_KIND
from features.vocabulary import Lane, Outcome
from rules.spec import Status

if TYPE_CHECKING:
    from alerts.model import Signal
    from rules.load import Rule
    from rules.ruleset import RuleSet

STORM_MIN = 50
"""A share of fewer judged subjects says little about a rule."""

Held = tuple[str, str, str, date]
"""(typology, subject kind, subject key, period start) of a subject no alert is raised about."""


@dataclass(frozen=True, slots=True)
class Storm:
    """A live rule over its cap.

    Attributes:
        share: of judged subjects that fired, above `limit`.
        first, last: first and last day of the periods with firings.
    """

    share: float
    judged: int
    fired: int
    limit: float
    first: date
    last: date


def shares(outcomes: pl.DataFrame) -> pl.DataFrame:
    """By rule (`label`) what it judged and fired for, and over which days."""
    fired = pl.col("outcome") == Outcome.FIRED
    judged = outcomes.filter(pl.col("outcome").is_in([Outcome.FIRED, Outcome.CLEAR]))
    label = pl.concat_str("rule_id", "rule_version", separator="@")
    return (
        judged.group_by("shadow", label=label)
        .agg(
            judged=pl.len(),
            fired=fired.sum(),
            first=pl.col("period_start").filter(fired).min(),
            last=pl.col("period_end").filter(fired).max(),
        )
        .sort("label")
    )


def storms(outcomes: pl.DataFrame, ruleset: RuleSet) -> dict[str, Storm]:
    """Live rules (``id@version``) firing for a larger share than they declare possible."""
    limits = {f"{r.id}@{r.version}": r.spec.max_flag_rate for r in ruleset.live()}
    found = {}
    for row in shares(outcomes).filter(~pl.col("shadow")).to_dicts():
        limit, share = limits.get(row["label"]) or 1.0, row["fired"] / row["judged"]
        if row["judged"] >= STORM_MIN and share > limit:
            found[row["label"]] = Storm(
                round(share, 4), row["judged"], row["fired"], limit, row["first"], row["last"]
            )
    return found


def shadow_counts(outcomes: pl.DataFrame, ruleset: RuleSet) -> dict[str, dict[str, int]]:
    """What the rules in shadow judged and fired for; no alert came of it."""
    quiet = [f"{r.id}@{r.version}" for r in ruleset.judging() if r.spec.status is Status.SHADOW]
    found = {name: {"judged": 0, "fired": 0} for name in quiet}
    for row in shares(outcomes).filter(pl.col("shadow")).to_dicts():
        found[row["label"]] = {"judged": row["judged"], "fired": row["fired"]}
    return found


def held_back(judged: pl.DataFrame, storms: Mapping[str, Storm]) -> set[Held]:
    """Subjects for which only rules in a storm fired: what is known of them stays as it is."""
    if not storms:
        return set()
    stormy = pl.element().is_in(list(storms))
    only = pl.col("fired_rules").list.eval(stormy).list.all()
    some = pl.col("fired_rules").list.len() > 0
    rows = judged.filter(pl.col("outcome") == Outcome.FIRED, some, only)
    columns = ("typology", "subject_kind", "subject_key", "period_start")
    return set(rows.select(columns).iter_rows())


def storm_signals(
    storms: Mapping[str, Storm],
    rules: Iterable[Rule],
    known: Mapping[str, tuple[date, date]],
    run_key: str,
    snapshot_id: str,
) -> list[Signal]:
    """One signal a rule in a storm, about the rule itself.

    Args:
        known: periods of the storm alerts people have not closed, by rule: while one is open, a
            further storm of the rule is the same alert.
    """
    named = {f"{r.id}@{r.version}": r for r in rules}
    return [
        _signal(storm, named[label], known.get(named[label].id), run_key, snapshot_id)
        for label, storm in storms.items()
    ]


def _signal(
    storm: Storm, rule: Rule, known: tuple[date, date] | None, run_key: str, snapshot_id: str
) -> Signal:
    from alerts.model import Signal

    spec = rule.spec
    first, last = known or (storm.first, storm.last)
    return Signal(
        typology=spec.typology,
        subject_kind=STORM_KIND,
        subject_key=rule.id,
        period_start=first,
        period_end=max(last, storm.last),
        # counted, not inferred; so it stands where an owner meets it
        suspicion=1.0,
        p_value=None,
        q_value=None,
        severity=spec.severity,
        lane=Lane.SCREEN.value,
        rules=({"id": rule.id, "version": rule.version, "title": _both(spec.title)},),
        models=(),
        facts=(_fact(storm, rule),),
        title={"en": f"rule storm: {spec.title.en}", "zh": f"规则风暴：{spec.title.zh}"},
        message={
            "en": f"The rule fired for **{storm.share:.0%}** of {storm.judged:,} subjects judged; "
            f"it declares at most {storm.limit:.0%}. Its alerts are held back.",
            "zh": f"该规则在{storm.judged:,}个已评对象中触发**{storm.share:.0%}**，"
            f"高于其声明上限{storm.limit:.0%}；相关告警暂缓。",
        },
        legal_basis=(),
        innocent=(
            {
                "en": "Limits set elsewhere do not fit this market.",
                "zh": "在别处设定的界限不适合本市场。",
            },
            {
                "en": "A change or a fault in the filings moved a feature for everyone.",
                "zh": "申报数据的变化或错误使所有对象的特征同时移动。",
            },
        ),
        not_checked=(),
        run_id=run_key,
        snapshot_id=snapshot_id,
    )


def _fact(storm: Storm, rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "feature": "flag_rate",
        "value": storm.share,
        "op": ">",
        "threshold": storm.limit,
        "n": storm.judged,
        "holds": True,
        "unit": "0-1",
        "parameter": "max_flag_rate",
        "class": "ENG",
    }


def _both(text: Any) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}
