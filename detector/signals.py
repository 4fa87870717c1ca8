"""One suspicion per (typology, subject, period), from rules and models that do not know each other.

Rules say what was seen against which limit; models say how unlike its peers a subject is. Here the
two are joined: the outcome is the gravest of all judgements, the suspicion is the model's where one
speaks for the typology and else the margin of the strongest rule.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from detector.results import SCORES, SUBJECT, shaped
from features.vocabulary import Lane, Outcome

KEYS = list(SUBJECT)
GRAVITY: tuple[str, ...] = (
    Outcome.FIRED,
    Outcome.ERROR,
    Outcome.CLEAR,
    Outcome.NOT_EVALUABLE,
    Outcome.OUT_OF_SCOPE,
)
"""Outcomes from gravest to lightest. An error outranks clear: what failed was not checked."""

JUDGED: Mapping[str, pl.DataType] = {
    **SCORES,
    "severity": pl.Int64(),
    "lane": pl.String(),
    "message_en": pl.String(),
    "message_zh": pl.String(),
    "strength": pl.Float64(),
    "fired_rules": pl.List(pl.String()),
    "open_rules": pl.List(pl.String()),
    "models": pl.List(pl.String()),
}
"""A score with what an alert needs beside it: `strength` is the margin of the strongest rule,
`open_rules` could not be evaluated."""


def gravity(column: str = "outcome") -> pl.Expr:
    """Position of an outcome in `GRAVITY`, 0 the gravest."""
    order = {outcome: i for i, outcome in enumerate(GRAVITY)}
    return pl.col(column).replace_strict(order, return_dtype=pl.Int64)


def combine(rules: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """Joins rule outcomes and model scores into judged rows (schema `JUDGED`).

    No q-value is given here: it depends on all that is judged together (`detector.false_alarms`).

    Args:
        rules: rows of `rules.evaluate.evaluate_rules`; shadow rules are left aside.
        models: rows of `detector.models.score.score_models`.
    """
    by_rule = judge_by_rules(rules)
    by_model = judge_by_models(models)
    both = by_rule.join(by_model, on=KEYS, how="full", coalesce=True, nulls_equal=True)
    outcome = pl.min_horizontal("gravity_rule", "gravity_model")
    judged = both.with_columns(
        outcome=outcome.replace_strict(dict(enumerate(GRAVITY)), return_dtype=pl.String),
        suspicion=pl.coalesce("suspicion_model", "strength"),
        facts=joined_json("facts_rule", "facts_model"),
    ).with_columns(
        reason=pl.when(pl.col("outcome") == Outcome.NOT_EVALUABLE).then(
            pl.coalesce("reason_rule", "reason_model")
        ),
        lane=pl.col("lane").fill_null(Lane.SCREEN.value),
        severity=pl.col("severity").fill_null(2),
    )
    return shaped(judged, JUDGED).sort(KEYS)


def judge_by_rules(rules: pl.DataFrame) -> pl.DataFrame:
    """One row per (typology, subject, period): the gravest outcome and the strongest rule."""
    fired = pl.col("outcome") == Outcome.FIRED
    open_ = pl.col("outcome") == Outcome.NOT_EVALUABLE
    label = pl.concat_str("rule_id", "rule_version", separator="@")
    return (
        rules.filter(~pl.col("shadow"))
        .with_columns(gravity_rule=gravity(), label=label)
        .sort(
            ["gravity_rule", "severity", "strength", "rule_id"],
            descending=[False, True, True, False],
            nulls_last=True,
        )
        .group_by(KEYS, maintain_order=True)
        .agg(
            pl.col("gravity_rule").first(),
            pl.col("reason").filter(open_).first().alias("reason_rule"),
            pl.col("strength").max(),
            pl.col("severity").filter(fired).max().alias("severity"),
            pl.col("lane").first(),
            pl.col("message_en").filter(fired).first(),
            pl.col("message_zh").filter(fired).first(),
            pl.col("label").filter(fired).alias("fired_rules"),
            pl.col("label").filter(open_).alias("open_rules"),
            pl.col("facts").filter(pl.col("facts") != "[]").alias("facts_rule"),
        )
        .with_columns(facts_rule=one_json_list("facts_rule"))
    )


def judge_by_models(models: pl.DataFrame) -> pl.DataFrame:
    """One row per (typology, subject, period); several models of a typology: the first by id."""
    return (
        models.with_columns(
            gravity_model=gravity(),
            label=pl.concat_str("model_id", "model_version", separator="@"),
        )
        .sort("model_id")
        .group_by(KEYS, maintain_order=True)
        .agg(
            pl.col("gravity_model").min(),
            pl.col("reason").first().alias("reason_model"),
            pl.col("suspicion").first().alias("suspicion_model"),
            pl.col("p_value").first(),
            pl.col("baseline").first(),
            pl.col("family_suspicion").first(),
            pl.col("contributions").first().alias("facts_model"),
            pl.col("label").alias("models"),
        )
    )


def one_json_list(column: str) -> pl.Expr:
    """A list of JSON array texts as one JSON array text."""
    inner = pl.col(column).list.eval(pl.element().str.strip_prefix("[").str.strip_suffix("]"))
    return pl.concat_str(pl.lit("["), inner.list.join(","), pl.lit("]"))


def joined_json(*columns: str) -> pl.Expr:
    """JSON array texts of several columns as one array text; nulls count as empty."""
    lists = pl.concat_list(
        pl.when(pl.col(c).is_in(["[]", ""])).then(None).otherwise(pl.col(c)) for c in columns
    ).list.drop_nulls()
    inner = lists.list.eval(pl.element().str.strip_prefix("[").str.strip_suffix("]"))
    return pl.concat_str(pl.lit("["), inner.list.join(","), pl.lit("]"))
