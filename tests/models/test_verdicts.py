"""What a comparison says of each ranking; and nothing is proposed on a hair's breadth."""

from __future__ import annotations

from detector.evaluate import BASELINE, MODEL, Quality
from detector.verdicts import IN_FORCE, NOT_BETTER, ONE_KIND, PROPOSED, with_verdicts


def row(ranking: str, auc: float | None, half: float = 0.02, precision: float = 0.5) -> Quality:
    low, high = (None, None) if auc is None else (auc - half, auc + half)
    return Quality("T", "tender", ranking, 100, 10, 0, 0.1, auc, low, high, precision, 0.2, 10, 0.2)


def verdicts(*rows: Quality, baselines: tuple[str, ...] = ("number of bids",)) -> dict[str, str]:
    return {r["ranking"]: r["verdict"] for r in with_verdicts(rows, baselines)}


def test_a_model_that_does_not_beat_the_simplest_ranking_is_told_so() -> None:
    found = verdicts(row(MODEL, 0.70), row(BASELINE, 0.60), row("number of bids", 0.71))
    assert found[MODEL] == "does not beat 'number of bids'"
    assert found[BASELINE] == found["number of bids"] == ""


def test_the_best_detector_is_proposed_where_it_is_clearly_better() -> None:
    found = verdicts(
        row(MODEL, 0.70),
        row("detector a", 0.80, precision=0.6),
        row("detector b", 0.81, precision=0.5),
        row("number of bids", 0.52),
    )
    assert found == {
        MODEL: IN_FORCE, "detector a": PROPOSED, "detector b": NOT_BETTER, "number of bids": "",
    }  # fmt: skip


def test_better_by_less_than_its_interval_is_not_better() -> None:
    assert verdicts(row(MODEL, 0.70), row("detector a", 0.71))["detector a"] == NOT_BETTER


def test_the_interval_must_clear_the_best_baseline_too() -> None:
    found = verdicts(
        row(MODEL, 0.60), row("detector a", 0.80, half=0.1), row("number of bids", 0.75)
    )
    assert found["detector a"] == NOT_BETTER


def test_one_kind_of_label_tells_nothing() -> None:
    assert verdicts(row(MODEL, None), row("detector a", None)) == {
        MODEL: ONE_KIND, "detector a": ONE_KIND,
    }  # fmt: skip


def test_each_typology_and_kind_is_judged_by_itself() -> None:
    other = Quality("U", "firm", MODEL, 9, 3, 0, 0.3, 0.9, 0.8, 1.0, 0.5, 0.2, 10, 0.2)
    shown = with_verdicts([row(MODEL, 0.6), row("number of bids", 0.7), other], {"number of bids"})
    assert [r["verdict"] for r in shown] == ["does not beat 'number of bids'", "", IN_FORCE]
    assert shown[2]["interval"] == "0.800 to 1.000"
