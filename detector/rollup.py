"""From fine subjects to the ones a regulator can act on.

A single tight tender proves little; a firm whose tenders keep turning up among the tightest does.
Two ways up: `excess` counts how many of a firm's tenders lie in the most suspicious tenth and asks
how likely that is by chance; `worst` hands the most suspicious child to its parent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from detector.excess import JOINT, MIN_CHILDREN, TAIL, Nulls, with_tails
from detector.results import shaped
from detector.signals import JUDGED, KEYS, gravity
from features.vocabulary import GRAINS, Lane, Outcome, Reason

LEAST_HITS = 3
LEAST_SHARE = 2 * TAIL
"""However rare suspicious tenders are among the others, a firm is raised only when at least three
of its own, and a fifth of them, are: one odd tender is no pattern."""
COUNTED = ("typology", "subject_key", "period_start", "outcome", "p_value", "suspicion", "severity",
           "strength", "fired_rules", "models")  # fmt: skip
"""What counting looks at: the rest of a judged row is heavy and is left behind."""
ONLY_COUNTED = frozenset({"tender"})
"""Children of which a parent counts those in the tail; of others it takes the worst."""
ONLY_OFTEN = frozenset({"pair_y", "group_y"})
"""Subjects that exist only once they have met that often: most pairs of bidders never do."""

ROLLED: Mapping[str, pl.DataType] = {
    **JUDGED,
    "x": pl.Int64(),
    "n": pl.Int64(),
    "rate": pl.Float64(),
}
"""A judged row with what an excess was counted from: `x` of `n` children in the tail, at a usual
`rate`; null for rows of any other kind."""

Memberships = Mapping[tuple[str, str], pl.DataFrame]


def roll_up(
    judged: pl.DataFrame,
    memberships: Memberships,
    native: Collection[tuple[str, str]],
    known: Nulls,
) -> tuple[pl.DataFrame, Nulls]:
    """Rows of every parent grain without a judgement of its own (schema `ROLLED`), and the nulls.

    Nothing fires for its counts yet: that takes q-values over all that is judged together
    (`fire_excess`).

    Args:
        judged: child rows.
        native: (typology, grain) that rules or models judge themselves.
        memberships: child to parent keys and periods by (child grain, parent grain).
        known: nulls frozen before; returned with those frozen now.
    """
    nulls = dict(known)
    parts = [shaped(pl.DataFrame(), ROLLED)]
    for (child, parent), links in sorted(memberships.items(), key=lambda link: link[0][1] in JOINT):
        rows = judged.filter(pl.col("grain") == child)
        taken = [t for t, g in native if g == parent]
        rows = rows.filter(~pl.col("typology").is_in(taken))
        if rows.is_empty() or links.is_empty():
            continue
        if child in ONLY_COUNTED:
            found, fresh = excess(under(rows.select(COUNTED), often(links, parent)), parent, nulls)
            nulls |= fresh
            parts.append(found)
        else:
            parts.append(worst(under(rows, links), parent))
    return pl.concat(parts).sort(KEYS), nulls


def under(rows: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Child rows in order of their subject, once for each of their parents."""
    return rows.sort("subject_key").join(
        links,
        left_on=["subject_key", "period_start"],
        right_on=["child_key", "child_period_start"],
        how="inner",
        maintain_order="left",
    )


def often(links: pl.DataFrame, parent: str) -> pl.DataFrame:
    """The links, without those of subjects that cannot have met often enough to exist."""
    if parent not in ONLY_OFTEN:
        return links
    place = ["parent_key", "parent_period_start"]
    met = links.group_by(place).len().filter(pl.col("len") >= MIN_CHILDREN)
    return links.join(met, on=place, how="semi")


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
    """The gravest and most suspicious child stands for its parent.

    The smallest of several p-values is no p-value; the parent has that of Simes (1986) over all.
    """
    order = as_parent(linked, parent).with_columns(_gravity=gravity())
    tested = pl.col("p_value").count().over(KEYS)
    place = pl.col("p_value").rank("ordinal").over(KEYS)
    best = (
        order.with_columns(p_value=(pl.col("p_value") * tested / place).min().over(KEYS))
        .sort(
            ["_gravity", "suspicion", "child_subject"],
            descending=[False, True, False],
            nulls_last=True,
        )
        .unique(KEYS, keep="first", maintain_order=True)
    )
    return shaped(best, ROLLED)


def excess(linked: pl.DataFrame, parent: str, known: Nulls) -> tuple[pl.DataFrame, Nulls]:
    """More children in the suspicious tail than is usual, and the nulls frozen on the way."""
    in_tail = pl.col("p_value") <= TAIL
    fired = pl.col("outcome") == Outcome.FIRED
    tested = pl.col("p_value").is_not_null()
    counted = (
        as_parent(linked, parent)
        .group_by(KEYS, maintain_order=True)
        .agg(
            n=tested.sum().cast(pl.Int64),
            x=in_tail.sum().cast(pl.Int64),
            hits=fired.sum().cast(pl.Int64),
            mean=pl.col("suspicion").filter(tested).mean(),
            median=pl.col("suspicion").filter(tested).median(),
            severity=pl.col("severity").filter(fired).max(),
            strength=pl.col("strength").filter(fired).max(),
            fired_rules=pl.col("fired_rules")
            .filter(fired)
            .list.explode()
            .drop_nulls()
            .unique()
            .sort(),
            models=pl.col("models").list.explode().drop_nulls().unique().sort(),
            examples=pl.col("child_subject").filter(in_tail).head(12),
        )
    )
    enough = pl.col("n") >= MIN_CHILDREN
    if parent in ONLY_OFTEN:
        counted = counted.filter(enough)
    tails, nulls = with_tails(counted, parent, known)
    rows = tails.with_columns(
        p_value=pl.when(enough).then(pl.col("tail")),
        # Discrete p-values tie; the mean suspicion of the children breaks ties inside a step.
        suspicion=pl.when(enough).then(
            ((1 - pl.col("tail")) * 0.999 + 0.001 * pl.col("mean").fill_null(0.0)).clip(0.0, 1.0)
        ),
        lane=pl.lit(Lane.SCREEN.value),
        outcome=pl.when(enough)
        .then(pl.lit(Outcome.CLEAR.value))
        .otherwise(pl.lit(Outcome.NOT_EVALUABLE.value)),
        reason=pl.when(~enough).then(pl.lit(Reason.TOO_FEW.value)),
        baseline=pl.col("n").cast(pl.Float64),
        facts=excess_facts(),
        severity=pl.col("severity").fill_null(3),
    )
    return shaped(rows, ROLLED), nulls


def fire_excess(rows: pl.DataFrame, fdr: float) -> pl.DataFrame:
    """Fires where the q-value of an excess stays within the rate; writes the sentence.

    Args:
        rows: schema `ROLLED` with their q-values; rows that count nothing stay as they are.
        fdr: false discovery rate.
    """
    hit = (
        (pl.col("q_value") <= fdr)
        & (pl.col("x") >= LEAST_HITS)
        & (pl.col("x") >= LEAST_SHARE * pl.col("n"))
    ).fill_null(False)
    mean = pl.col("n") * pl.col("rate")
    rarely = mean < 0.95
    about = mean.round(0).cast(pl.Int64).cast(pl.String)
    several = pl.col("grain").is_in(sorted(ONLY_OFTEN))
    english = pl.format(
        "**{} of {}** tenders {} are among the most suspicious of their kind; {} (q {}).",
        "x",
        "n",
        pl.when(several)
        .then(pl.lit("these firms bid in against each other"))
        .otherwise(pl.lit("it bid in")),
        pl.when(rarely)
        .then(pl.lit("less than 1 is usual"))
        .otherwise(pl.format("about {} is usual", about)),
        sig(pl.col("q_value")),
    )
    chinese = pl.format(
        "{}参与的 {} 个项目中 **{} 个**在同类中最为可疑，通常 {} 个（q {}）。",
        pl.when(several).then(pl.lit("这些企业相互竞争、共同")).otherwise(pl.lit("")),
        "n",
        "x",
        pl.when(rarely).then(pl.lit("不到 1")).otherwise(about),
        sig(pl.col("q_value")),
    )
    return rows.with_columns(
        outcome=pl.when(hit).then(pl.lit(Outcome.FIRED.value)).otherwise("outcome"),
        message_en=pl.when(hit).then(english).otherwise("message_en"),
        message_zh=pl.when(hit).then(chinese).otherwise("message_zh"),
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
        threshold=pl.col("rate"),
        op=pl.lit(">"),
        n=pl.col("n"),
        count=pl.col("x"),
        rule_hits=pl.col("hits"),
        likeness=pl.col("rho"),
        unit=pl.lit("share"),
        examples=pl.col("examples"),
    )
    return pl.concat_str(pl.lit("["), fact.struct.json_encode(), pl.lit("]"))
