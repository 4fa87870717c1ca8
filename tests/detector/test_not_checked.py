"""What a run could not compute is told in few lines."""

from __future__ import annotations

from detector.cli.data import FEW_REASONS, not_checked


def test_features_are_named_while_reasons_are_few() -> None:
    skipped = {"a": "table apps is absent", "b": "table fees is empty", "c": "table apps is absent"}
    assert not_checked(skipped) == [
        "Not checked, table apps is absent: a, c.",
        "Not checked, table fees is empty: b.",
    ]


def test_many_missing_tables_make_one_line() -> None:
    tables = [f"t{k}" for k in range(FEW_REASONS + 1)]
    skipped = {f"f_{name}": f"table {name} is absent" for name in tables}
    (line,) = not_checked(skipped | {"g": "table t0 is absent", "h": "table u is empty"})
    assert line.startswith("Not checked: 6 features, for want of")
    assert "t0, t1, t2, t3, u is empty" in line


def test_nothing_is_told_of_a_whole_market() -> None:
    assert not_checked({}) == []
