"""The excess test: its null, its tail, its freezing, and who is raised in the end."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from detector import excess, false_alarms, rollup, signals
from detector.results import shaped

DAY = date(2025, 1, 1)


def counted(x: list[int], n: list[int]) -> pl.DataFrame:
    """Parents of one typology."""
    return pl.DataFrame({"typology": "T", "x": x, "n": n})


def test_the_tail_is_the_exact_binomial_without_likeness() -> None:
    found = excess.with_tail(counted([0, 3, 5], [5, 5, 5]), (0.1, 0.0))["tail"].to_list()
    assert found[0] == pytest.approx(1.0)
    assert found[1] == pytest.approx(10 * 0.1**3 * 0.9**2 + 5 * 0.1**4 * 0.9 + 0.1**5)
    assert found[2] == pytest.approx(0.1**5)


def test_likeness_makes_the_same_count_less_surprising() -> None:
    plain = excess.with_tail(counted([4], [10]), (0.1, 0.0))["tail"].item()
    alike = excess.with_tail(counted([4], [10]), (0.1, 0.2))["tail"].item()
    assert alike > 3 * plain


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.2])
def test_rate_and_likeness_are_found_again_whoever_stands_out(rho: float) -> None:
    draw = np.random.default_rng(5)
    n = draw.integers(8, 20, 4000)
    p = draw.beta(0.08 * (1 - rho) / rho, 0.92 * (1 - rho) / rho, n.size) if rho else 0.08
    x = draw.binomial(n, p)
    honest = excess.fit_null(x, n)
    assert honest is not None
    assert honest[0] == pytest.approx(0.08, abs=0.011)
    assert honest[1] == pytest.approx(rho, abs=0.01 + 0.25 * rho)
    x[:400] = n[:400]  # a tenth of all firms collude in everything
    beside = excess.fit_null(x, n)
    assert beside is not None
    assert beside[0] == pytest.approx(honest[0], abs=0.011)
    assert beside[1] == pytest.approx(honest[1], abs=0.051)


@pytest.mark.parametrize("firms", [12, 40, 150])
def test_doubt_about_the_null_is_on_the_cautious_side(firms: int) -> None:
    """Honest firms of equal likeness: few of the fits accuse more than the truth would."""
    draw = np.random.default_rng(firms)
    rate, rho = 0.08, 0.1
    a, b = rate * (1 - rho) / rho, (1 - rate) * (1 - rho) / rho
    n = draw.integers(8, 40, firms)
    twelve, of = np.array([12]), np.array([24])
    truth = excess.upper_tail(twelve, of, (rate, rho)).item()
    tails = []
    for _ in range(60):
        null = excess.fit_null(draw.binomial(n, draw.beta(a, b, firms)), n) or excess.NOMINAL
        tails.append(excess.upper_tail(twelve, of, null).item())
    assert np.mean(np.array(tails) < truth / 2) <= 0.15


def test_the_most_cautious_null_is_a_plausible_one() -> None:
    likely = {(0.08, 0.0): -10.0, (0.08, 0.1): -11.0, (0.10, 0.1): -12.0, (0.10, 0.5): -13.0}
    assert excess.most_cautious(likely, 20) == (0.10, 0.1)
    sure = {null: 10 * value for null, value in likely.items()}
    assert excess.most_cautious(sure, 20) == (0.08, 0.0)


def test_few_parents_get_the_nominal_null() -> None:
    few = excess.MIN_PARENTS - 1
    assert excess.fit_null(np.array([0] * few), np.array([9] * few)) is None
    found, fresh = excess.with_tails(counted([5] * few, [9] * few), "firm_y", {})
    assert (found["rate"][0], found["rho"][0]) == excess.NOMINAL
    assert fresh == {}


def test_where_nearly_everybody_stands_out_nobody_tells_what_is_usual() -> None:
    x, n = [9] * 40 + [0] * (excess.MIN_PARENTS - 1), [9] * (39 + excess.MIN_PARENTS)
    assert excess.fit_null(np.array(x), np.array(n)) is None
    assert excess.with_tails(counted([9] * 40, [9] * 40), "firm_y", {})[1] == {}


def test_the_mass_of_a_null_is_one() -> None:
    k = np.arange(13)
    for null in ((0.1, 0.0), (0.03, 0.2), (0.005, 0.5)):
        assert np.exp(excess.log_mass(k, k * 0 + 12, *null)).sum() == pytest.approx(1.0)


def rolled_up(
    children: pl.DataFrame,
    table: rollup.Memberships,
    native: set[tuple[str, str]],
    known: excess.Nulls,
) -> tuple[pl.DataFrame, excess.Nulls]:
    """Parents with q-values and what fires at a rate of 0.1, and the nulls."""
    rows, nulls = rollup.roll_up(children, table, native, known)
    return rollup.fire_excess(false_alarms.with_q_values(rows), 0.1), nulls


def test_two_odd_tenders_are_no_pattern() -> None:
    rows = [("bad0", 0.01, "clear"), ("bad1", 0.01, "clear")]
    rows += [(f"t{i}", 0.2 + 0.8 * i / 300, "clear") for i in range(300)]
    pairs = [(f"t{i}", f"H{i % 40}") for i in range(300)]
    pairs += [("bad0", "ODD"), ("bad1", "ODD"), *((f"t{i}", "ODD") for i in range(3))]
    known = {"MON-BID-CV|firm_y": (0.005, 0.0)}
    table = {("tender", "firm_y"): links(pairs)}
    parents, _ = rolled_up(judged(*rows), table, set(), known)
    odd = parents.filter(pl.col("subject_key") == "ODD")
    assert odd["q_value"].item() < 0.1
    assert odd["outcome"].item() == "clear"


def test_a_null_is_frozen_only_on_enough_parents_and_then_kept() -> None:
    few, fresh = excess.with_tails(counted([1] * 9, [10] * 9), "firm_y", {})
    assert fresh == {}
    assert few.height == 9
    many, fresh = excess.with_tails(counted([1] * 40, [10] * 40), "firm_y", {})
    assert set(fresh) == {"T|firm_y"}
    kept, again = excess.with_tails(counted([9] * 40, [10] * 40), "firm_y", fresh)
    assert again == {}
    assert kept["rate"].unique().to_list() == many["rate"].unique().to_list()


def judged(*rows: tuple[str, float, str]) -> pl.DataFrame:
    """Tenders with a p-value and an outcome."""
    frame = pl.DataFrame(
        {
            "typology": "MON-BID-CV",
            "grain": "tender",
            "subject_kind": "tender",
            "subject_key": [r[0] for r in rows],
            "period_start": DAY,
            "period_end": DAY,
            "p_value": [r[1] for r in rows],
            "suspicion": [1 - r[1] for r in rows],
            "outcome": [r[2] for r in rows],
        }
    )
    return shaped(frame, signals.JUDGED)


def links(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    """Which firm bid in which tender."""
    return pl.DataFrame(
        {
            "child_key": [tender for tender, _ in pairs],
            "child_period_start": DAY,
            "parent_key": [firm for _, firm in pairs],
            "parent_period_start": DAY,
            "parent_period_end": date(2025, 12, 31),
        }
    )


def test_a_firm_whose_tenders_keep_turning_up_fires_and_others_do_not() -> None:
    rows = [(f"bad{i}", 0.01, "clear") for i in range(8)]
    rows += [(f"t{i}", 0.02 + 0.98 * (i + 1) / 300, "clear") for i in range(300)]
    pairs = [(f"bad{i}", "RING") for i in range(8)]
    pairs += [(f"t{i}", f"H{i % 40}") for i in range(300)]
    pairs += [("bad0", "RARE")]
    parents, nulls = rolled_up(judged(*rows), {("tender", "firm_y"): links(pairs)}, set(), {})
    by_firm = {r["subject_key"]: r for r in parents.to_dicts()}
    assert {k for k, r in by_firm.items() if r["outcome"] == "fired"} == {"RING"}
    assert by_firm["RING"]["message_en"].startswith("**8 of 8** tenders")
    assert by_firm["RARE"]["outcome"] == "not_evaluable"
    assert by_firm["RARE"]["reason"] == "too_few"
    assert by_firm["RARE"]["p_value"] is None
    assert "MON-BID-CV|firm_y" in nulls


def test_nobody_to_count_is_no_surprise() -> None:
    table = {("tender", "firm_y"): links([("t0", "A")])}
    parents, _ = rolled_up(judged(("t0", 0.5, "clear")), table, set(), {})
    assert parents["outcome"].to_list() == ["not_evaluable"]


def test_a_grain_with_judges_of_its_own_is_not_rolled_up_to() -> None:
    native = {("MON-BID-CV", "firm_y")}
    table = {("tender", "firm_y"): links([("t0", "A")])}
    parents, _ = rolled_up(judged(("t0", 0.5, "clear")), table, native, {})
    assert parents.is_empty()


def test_the_worst_child_stands_for_its_parent() -> None:
    frame = judged(("d1/m1", 0.5, "clear"), ("d1/m2", 0.9, "fired")).with_columns(
        grain=pl.lit("deal_market"), typology=pl.lit("MON-HHI-MERGER")
    )
    table = {("deal_market", "deal"): links([("d1/m1", "d1"), ("d1/m2", "d1")])}
    parents, _ = rolled_up(frame, table, set(), {})
    assert parents.select("subject_kind", "subject_key", "outcome").rows() == [
        ("deal", "d1", "fired")
    ]
    assert parents["suspicion"].item() == pytest.approx(0.1)
