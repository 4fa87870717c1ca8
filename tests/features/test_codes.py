"""Rows are narrowed down by codes of long ids: by a filter or by a join, the same rows remain."""

from __future__ import annotations

import narwhals as nw
import polars as pl
import pytest

from features import operators
from features.operators import with_code, with_code_among

ORDERS = pl.LazyFrame({"buyer": ["a", "b", None, "a", "c"], "order": [1, 2, 3, 4, 5]})


@pytest.mark.parametrize("few", [0, 200_000])
def test_only_rows_with_a_wanted_id_remain_and_none_without(
    monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(operators, "FEW_CODES", few)
    wanted = nw.from_native(pl.LazyFrame({"buyer": ["a", None, "x"]}))
    codes = with_code(wanted, "buyer", "_code").select("_code")
    found = nw.to_native(with_code_among(nw.from_native(ORDERS), "buyer", codes)).collect()
    assert found.columns == ["buyer", "order"]
    assert sorted(found["order"]) == [1, 4]


def test_nobody_wanted_leaves_no_row() -> None:
    none = nw.from_native(pl.LazyFrame(schema={"_code": pl.UInt64}))
    assert nw.to_native(with_code_among(nw.from_native(ORDERS), "buyer", none)).collect().is_empty()
