"""From fine subjects to the ones a regulator can act on.

A single tight tender proves little; a firm whose tenders keep turning up among the tightest does.
Two ways up: `excess` counts how many of a firm's tenders lie in the most suspicious tenth and asks
how likely that is by chance; `worst` hands the most suspicious child to its parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.results import shaped
from detector.signals import JUDGED, KEYS, gravity, with_q_values
from features.vocabulary import GRAINS, Lane, Outcome, Reason

TAIL = 0.10
"""A child counts as suspicious when its p-value is at most this: by chance one in ten."""
MIN_CHILDREN = 5
"""Fewer judged children and nothing is said (catalogue, MON-BID-CV, `bid_cv_share_low`)."""
ONLY_OFTEN = frozenset({"pair_y"})
"""Subjects that exist only once they have met that often: most pairs of bidders never do."""

if TYPE_CHECKING:
    from numpy.typing import NDArray

Memberships = Mapping[tuple[str, str], pl.DataFrame]


def roll_up(judged: pl.DataFrame, memberships: Memberships, fdr: float) -> pl.DataFrame:
    """Rows of every parent grain that has no judgement of its own (schema `JUDGED`).

    Args:
        judged: child rows.
        memberships: child to parent keys and periods by (child grain, parent grain).
        fdr: false discovery rate at which an excess fires.
    """
    parts = [shaped(pl.DataFrame(), JUDGED)]
    own = set(judged.select("typology", "grain").unique().iter_rows())
    for (child, parent), links in memberships.items():
        rows = judged.filter(pl.col("grain") == child)
        taken = [t for t, g in own if g == parent]
        rows = rows.filter(~pl.col("typology").is_in(taken))
        if rows.is_empty() or links.is_empty():
            continue
        linked = rows.join(
            links,
            left_on=["subject_key", "period_start"],
            right_on=["child_key", "child_period_start"],
            how="inner",
        )
        parts.append(excess(linked, parent, fdr) if child == "tender" else worst(linked, parent))
    return pl.concat(parts).sort(KEYS)


def as_parent(linked: pl.DataFrame, parent: str) -> pl.DataFrame:
    """Child rows under the key and period of their parent."""
    return linked.with_columns(
        child_subject=pl.col("subject_key"),
        grain=pl.lit(parent),
        subject_kind=pl.lit(GRAINS[parent].subject_kind),
        subject_key=pl.col("parent_key"),
        period_start=pl.col("parent_period_start"),
        period_end=pl.col("parent_period_end"),
    )


def worst(linked: pl.DataFrame, parent: str) -> pl.DataFrame:
    """The gravest and most suspicious child stands for its parent."""
    order = as_parent(linked, parent).with_columns(_gravity=gravity())
    best = order.sort(
        ["_gravity", "suspicion", "child_subject"], descending=[False, True, False], nulls_last=True
    ).unique(KEYS, keep="first", maintain_order=True)
    return with_q_values(shaped(best, JUDGED))


def excess(linked: pl.DataFrame, parent: str, fdr: float) -> pl.DataFrame:
    """More children in the suspicious tail than chance gives.

    Children of one parent resemble each other (same region, same rivals), so a plain binomial
    tail would fire on honest markets. The null is a beta-binomial whose overdispersion is
    estimated over all parents of the same typology and period, suspicious ones included, which
    errs on the side of silence.
    """
    in_tail = pl.col("p_value") <= TAIL
    fired = pl.col("outcome") == Outcome.FIRED
    tested = pl.col("p_value").is_not_null()
    counted = (
        as_parent(linked, parent)
        .sort("child_subject")
        .group_by(KEYS, maintain_order=True)
        .agg(
            n=tested.sum().cast(pl.Int64),
            x=in_tail.sum().cast(pl.Int64),
            hits=fired.sum().cast(pl.Int64),
            mean=pl.col("suspicion").filter(tested).mean(),
            median=pl.col("suspicion").filter(tested).median(),
            severity=pl.col("severity").filter(fired).max(),
            fired_rules=pl.col("fired_rules").filter(fired).list.explode().drop_nulls().unique().sort(),
            models=pl.col("models").list.explode().drop_nulls().unique().sort(),
            examples=pl.col("child_subject").filter(in_tail).head(12),
        )
    )
    enough = pl.col("n") >= MIN_CHILDREN
    if parent in ONLY_OFTEN:
        counted = counted.filter(enough)
    families = counted.partition_by("typology", "period_start", maintain_order=True)
    rows = pl.concat([with_tail(f) for f in families] or [with_tail(counted)]).with_columns(
        p_value=pl.when(enough).then(pl.col("tail")),
        # Discrete p-values tie; the mean suspicion of the children breaks ties inside a step.
        suspicion=pl.when(enough).then(
            ((1 - pl.col("tail")) * 0.999 + 0.001 * pl.col("mean").fill_null(0.0)).clip(0.0, 1.0)
        ),
        lane=pl.lit(Lane.SCREEN.value),
        outcome=pl.when(enough).then(pl.lit(Outcome.CLEAR.value)).otherwise(pl.lit(Outcome.NOT_EVALUABLE.value)),
        reason=pl.when(~enough).then(pl.lit(Reason.TOO_FEW.value)),
        baseline=pl.col("n").cast(pl.Float64),
        facts=excess_facts(),
        severity=pl.col("severity").fill_null(3),
    )
    judged = with_q_values(shaped(rows, {**JUDGED, "x": pl.Int64(), "n": pl.Int64()}))
    return shaped(judged.pipe(fire_excess, fdr), JUDGED)


def with_tail(family: pl.DataFrame) -> pl.DataFrame:
    """Adds `tail`, the upper tail of `x` of `n` under the null of one family, and `rho`."""
    from scipy.stats import betabinom, binom

    x, n = family["x"].to_numpy(), family["n"].to_numpy()
    rho = overdispersion(x, n)
    if rho > 0:
        a, b = TAIL * (1 - rho) / rho, (1 - TAIL) * (1 - rho) / rho
        tail = betabinom.sf(x - 1, n, a, b)
    else:
        tail = binom.sf(x - 1, n, TAIL)
    return family.with_columns(tail=pl.Series(tail, dtype=pl.Float64), rho=pl.lit(rho))


def overdispersion(x: NDArray[Any], n: NDArray[Any]) -> float:
    """Correlation of children inside a parent by the method of moments, 0 to 0.9.

    Solves sum((x - n p)^2) = sum(n p (1 - p) (1 + (n - 1) rho)) for rho (beta-binomial variance).
    """
    pairs = float((n * (n - 1.0)).sum())
    if pairs == 0:
        return 0.0
    spread = float(((x - n * TAIL) ** 2).sum()) / (TAIL * (1 - TAIL))
    return round(min(max((spread - float(n.sum())) / pairs, 0.0), 0.9), 6)


def fire_excess(rows: pl.DataFrame, fdr: float) -> pl.DataFrame:
    """Fires where the q-value stays within the false discovery rate; writes the sentence."""
    hit = (pl.col("q_value") <= fdr).fill_null(False)
    expected = (pl.col("n") * TAIL).round(1)
    english = pl.format(
        "**{} of {}** tenders it bid in are among the most suspicious tenth; chance would give {} (q {}).",
        "x", "n", expected, sig(pl.col("q_value")),
    )
    chinese = pl.format(
        "参与的 {} 个项目中 **{} 个**属最可疑的十分之一，随机预期 {} 个（q {}）。",
        "n", "x", expected, sig(pl.col("q_value")),
    )
    return rows.with_columns(
        outcome=pl.when(hit).then(pl.lit(Outcome.FIRED.value)).otherwise("outcome"),
        message_en=pl.when(hit).then(english),
        message_zh=pl.when(hit).then(chinese),
    )


def sig(value: pl.Expr) -> pl.Expr:
    """A small probability in two significant digits; below one in a million just says so."""
    return (
        pl.when(value < 1e-6)
        .then(pl.lit("< 0.000001"))
        .otherwise(value.round_sig_figs(2).cast(pl.String))
    )


def excess_facts() -> pl.Expr:
    """The facts of an excess as JSON text: counts, expectation, and up to twelve examples."""
    fact = pl.struct(
        feature=pl.lit("suspicious_tender_share"),
        value=pl.col("x") / pl.col("n"),
        threshold=pl.lit(TAIL),
        op=pl.lit(">"),
        n=pl.col("n"),
        count=pl.col("x"),
        rule_hits=pl.col("hits"),
        likeness=pl.col("rho"),
        unit=pl.lit("share"),
        examples=pl.col("examples"),
    )
    return pl.concat_str(pl.lit("["), fact.struct.json_encode(), pl.lit("]"))
