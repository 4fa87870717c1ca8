"""Rankings against labels, beside their baselines."""

from __future__ import annotations

import polars as pl
import pytest

from detector.evaluate import MEAN, MODEL, WORST, Quality, as_table, evaluate
from features.errors import WardenError


def scores(rows: list[tuple[str, str, float | None, float]]) -> pl.DataFrame:
    return pl.DataFrame(
        rows, schema=["typology", "subject_key", "suspicion", "baseline"], orient="row"
    ).with_columns(subject_kind=pl.lit("tender"))


def labels(values: dict[str, int], typology: str = "MON-BID-*") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "subject_kind": ["tender"] * len(values),
            "subject_key": list(values),
            "typology": [typology] * len(values),
            "label": list(values.values()),
        }
    )


def find(rows: list[Quality], typology: str, ranking: str) -> Quality:
    return next(r for r in rows if (r.typology, r.ranking) == (typology, ranking))


FAMILY = scores(
    [
        ("MON-BID-CV", "a", 0.9, 0.1),
        ("MON-BID-KS", "a", 0.1, 0.1),
        ("MON-BID-CV", "b", 0.6, 0.9),
        ("MON-BID-KS", "b", 0.6, 0.9),
        ("MON-BID-CV", "c", 0.2, 0.5),
        ("MON-BID-KS", "c", 0.3, 0.5),
        ("MON-PRICE-VARIANCE", "c", 1.0, 1.0),
    ]
)


def test_a_family_label_takes_the_worst_then_the_mean_then_each_member() -> None:
    rows = evaluate(FAMILY, labels({"a": 1, "b": 0, "c": 0}), k=1)
    best = find(rows, "MON-BID-*", MODEL)
    assert (best.n, best.positives, best.base_rate) == (3, 1, pytest.approx(1 / 3))
    assert (best.roc_auc, best.average_precision, best.precision_at_k) == (1.0, 1.0, 1.0)
    mean = find(rows, "MON-BID-*", MEAN)
    assert (mean.roc_auc, mean.average_precision) == (0.5, 0.5)
    assert find(rows, "MON-BID-KS", MODEL).roc_auc == 0.0
    assert find(rows, "MON-BID-CV", "single feature").roc_auc == 0.0
    assert all(r.typology.startswith("MON-BID") for r in rows)


def test_the_most_suspicious_period_counts() -> None:
    twice = pl.concat([FAMILY, scores([("MON-BID-CV", "c", 0.95, 0.5)])])
    rows = evaluate(twice, labels({"a": 0, "b": 0, "c": 1}), k=1)
    assert find(rows, "MON-BID-CV", MODEL).roc_auc == 1.0
    assert find(rows, "MON-BID-CV", MODEL).n == 3


def test_unjudged_subjects_stand_in_the_middle_and_are_counted() -> None:
    some = scores(
        [("MON-BID-CV", k, v, 0.1) for k, v in (("a", None), ("b", 0.1), ("c", 0.6), ("d", 0.9))]
    )
    row = evaluate(some, labels({"a": 1, "b": 0, "c": 0, "d": 0, "never seen": 1}), k=1)[0]
    # above b, level with c (the median), below d
    assert (row.n, row.positives, row.unjudged, row.roc_auc) == (4, 1, 1, 0.5)


def test_a_family_is_ranked_by_how_far_its_typologies_agree() -> None:
    agreed = FAMILY.with_columns(
        family_suspicion=pl.col("subject_key").replace_strict({"a": 0.9, "b": 0.2, "c": 0.3})
    )
    rows = evaluate(agreed, labels({"a": 1, "b": 0, "c": 0}), k=1)
    assert find(rows, "MON-BID-*", MODEL).roc_auc == 1.0
    plain = evaluate(FAMILY, labels({"a": 1, "b": 0, "c": 0}), k=1)
    assert find(rows, "MON-BID-*", WORST).roc_auc == find(plain, "MON-BID-*", MODEL).roc_auc


def test_baselines_given_are_shown_beside_the_model() -> None:
    given = pl.DataFrame(
        {
            "subject_kind": ["tender"] * 3,
            "subject_key": ["a", "b", "c"],
            "name": ["number of bids"] * 3,
            "value": [3, 2, 1],
        }
    )
    rows = evaluate(FAMILY, labels({"a": 0, "b": 0, "c": 1}), 2, given)
    assert find(rows, "MON-BID-*", "number of bids").roc_auc == 0.0


def test_one_typology_shows_its_single_feature() -> None:
    rows = evaluate(FAMILY, labels({"a": 1, "b": 0, "c": 0}, "MON-BID-CV"), k=1)
    assert [(r.typology, r.ranking) for r in rows] == [
        ("MON-BID-CV", MODEL),
        ("MON-BID-CV", "single feature"),
    ]
    assert set(as_table(rows)[0]) >= {"typology", "subject_kind", "ranking", "roc_auc", "k"}


def test_a_label_pattern_is_no_regular_expression() -> None:
    odd = scores([("MON-BID-CVX", "a", 0.5, 0.5), ("MONxBIDxCV", "b", 0.5, 0.5)])
    assert evaluate(odd, labels({"a": 1, "b": 0}, "MON-BID-CV")) == []


def test_labels_nobody_judged_give_no_row() -> None:
    assert evaluate(FAMILY, labels({"z": 1})) == []


@pytest.mark.parametrize(
    "bad",
    [
        pl.DataFrame({"subject_key": ["a"]}),
        labels({"a": 2}),
        labels({"a": 1}).with_columns(label=pl.lit("yes")),
    ],
)
def test_bad_labels_are_told(bad: pl.DataFrame) -> None:
    with pytest.raises(WardenError) as caught:
        evaluate(FAMILY, bad)
    assert caught.value.code == "bad_labels"
