"""Formulas and worked numbers: complete, true, and shown as a reader expects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
import pytest

from features.catalogue import catalogue
from features.explained import Filed, examples, filed, formulas, golden, shown
from features.typologies import TYPOLOGIES
from tests.conftest import shared_file
from tests.features.filings import compute


def test_every_feature_has_a_formula_and_every_formula_a_feature() -> None:
    assert set(formulas()) == set(catalogue().features)
    assert all(text.strip() == text and text for text in formulas().values())


def test_every_typology_has_an_example() -> None:
    features = catalogue().features
    assert set(examples()) <= set(features)
    assert {features[name].typology for name in examples()} == set(TYPOLOGIES)


def test_reference_numbers_are_those_the_golden_tests_run() -> None:
    """Each of them goes through `compute_features` in tests/golden."""
    wanted = []
    for case in json.loads(shared_file("golden.json").read_text(encoding="utf-8")):
        names = [case["feature"]]
        values = [case["expected"]]
        if case["feature"] == "hhi_bounds":
            names, values = ["hhi_low", "hhi_high"], case["expected"]
        if case["typology"] != "STAT":
            wanted += [
                {"feature": n, "inputs": case["inputs"], "value": v}
                for n, v in zip(names, values, strict=True)
            ]
    assert list(golden()) == wanted


@pytest.mark.parametrize("example", filed(), ids=lambda e: e.says[:40])
def test_small_filings_give_the_values_told(example: Filed) -> None:
    features = catalogue().features
    done = compute(example.tables, *sorted({features[n].typology for n in example.gives}))
    for name, told in example.gives.items():
        rows = done.frames[features[name].grain].frame
        if example.subject:
            rows = rows.filter(pl.col("subject_key") == example.subject)
        if example.period:
            rows = rows.filter(pl.col("period_start") == date.fromisoformat(example.period))
        assert rows.height == 1, name
        found = rows.row(0, named=True)
        if isinstance(told, str) and told.startswith("null:"):
            assert found[f"{name}__reason"] == told.removeprefix("null:").strip(), name
        elif isinstance(told, str):
            assert found[name] == told, name
        else:
            assert found[name] == pytest.approx(float(told), rel=1e-5, abs=1e-12), name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0554154564369, "0.0554155"),
        (3.70052042061e-15, "3.70052e-15"),
        (7_600_000_000.0, "7,600,000,000"),
        (True, "yes"),
        (None, "null"),
        ([100.0, 112.0], "100, 112"),
        ([], "none"),
        ([["A", "B", 100]], "(A, B, 100)"),
        ({"A": 0.45, "doc_author": "u2"}, "A 0.45, doc author u2"),
        ("null: too_few", "null (`too_few`)"),
        ("below_avc", "below_avc"),
    ],
)
def test_values_as_a_reader_expects_them(value: Any, text: str) -> None:
    assert shown(value) == text


def test_reasons_on_the_pages_are_all_there_are() -> None:
    from detector.reference_features import FAMILIES, REASONS
    from features.vocabulary import Reason

    assert set(REASONS) == set(Reason)
    assert set(FAMILIES) == {t.family for t in TYPOLOGIES.values()}


def test_a_page_shows_formula_meaning_facts_and_example() -> None:
    from detector.reference_features import entry, feature_pages

    text = entry(catalogue().features["bid_cv"])
    formula, meaning = text.index("sd(b) / mean(b)"), text.index("Standard deviation of the bids")
    facts, example = text.index("| ratio | tender"), text.index("**0.0554155**")
    assert formula < meaning < facts < example
    assert "`too_few`" in text and "firms.group_id" in text
    pages: Mapping[str, str] = feature_pages()
    for name in catalogue().features:
        assert sum(f"### `{name}`\n" in page for page in pages.values()) == 1, name
        assert pages["features"].count(f"[`{name}`](") == 1, name
