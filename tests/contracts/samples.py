"""One row that fits, made out of a contract alone, and one that breaks each of its checks."""

from __future__ import annotations

from features.contracts import Column, RowCheck, TableContract

DAY = "2024-03-31"

_BY_KIND = {
    "text": "x",
    "number": "0.5",
    "whole": "2024",
    "flag": "true",
    "date": DAY,
    "instant": f"{DAY}T00:00:00Z",
    "period": "2024-03",
    "list": '["a"]',
    "object": '{"a": "b"}',
}
_SMALL = {("consent_metrics", "refused"): "0"}
"""Where equal numbers do not fit together."""


def good_row(table: TableContract) -> dict[str, str]:
    """Text of every column that can be filed."""
    return {
        c.name: _SMALL.get((table.name, c.name), _value(c))
        for c in table.columns
        if c.derived_from is None
    }


def bad_row(table: TableContract, check: RowCheck) -> dict[str, str]:
    """The same row with the check broken: too early, too large, or nothing at all."""
    first = table.column(check.columns[0])
    row = good_row(table)
    if "empty" in check.says:
        blanks = {c for c in check.columns if table.column(c).kind == "number"}
        return row | dict.fromkeys(blanks, "")
    if first.kind in ("date", "instant"):
        return row | {first.name: "2020-01-01"}
    return row | {first.name: "9999999"}


def _value(column: Column) -> str:
    if column.allowed:
        return column.allowed[0]
    return "EUR" if column.unit == "ISO 4217" else _BY_KIND[column.kind]
