"""The filed rows behind an alert as tables of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.web.figures import moment, plain
from api.web.queue_view import subject_name
from api.web.wording import Lang
from detector.bundle.sources import Source, Sources
from features.contracts import RECORDED_AT, contract

MOST = 200
"""Rows of a table on a page; a bundle has all of them."""
BATCH = 10
"""Letters of a batch's hash that are shown; enough to tell batches apart."""
OWN = ("_batch_id", "_line", RECORDED_AT)


@dataclass(frozen=True)
class RowsTable:
    """One table: its heads as (name, meaning, whether it holds numbers), and its rows."""

    name: str
    title: str
    heads: Sequence[tuple[str, str, bool]]
    rows: Sequence[Sequence[tuple[str, bool]]]
    total: int
    cut: bool


def rows_view(found: Sources, alert: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """What the page of source rows shows."""
    return {
        "tables": [_table(name, one, lang) for name, one in sorted(found.tables.items())],
        "subject": subject_name(alert, lang),
        "run_id": str(alert["run_id"]),
        "snapshot_id": str(alert["snapshot_id"] or "–"),
    }


def _table(name: str, one: Source, lang: Lang) -> RowsTable:
    of = contract(name)
    meant = {column.name: column.description for column in of.columns}
    columns = [c for c in one.columns if c not in OWN]
    numbers = {c: _number(one.rows, c) for c in columns}
    rows = [
        [
            *((_cell(row[c]), numbers[c]) for c in columns),
            (f"{str(row.get('_batch_id', '–'))[:BATCH]}:{row.get('_line', '–')}", False),
            (moment(row.get(RECORDED_AT), lang), False),
        ]
        for row in one.rows[:MOST]
    ]
    total = len(one.rows) + one.left_out
    heads = [(c, meant.get(c, ""), numbers[c]) for c in columns]
    return RowsTable(name, of.title, heads, rows, total, total > len(rows))


def _number(rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    told = [row[column] for row in rows if row[column] is not None]
    return bool(told) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in told)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, int | float):
        return plain(value, 6)
    # every time of the lake is UTC, and the foot of the page says so
    return str(value).removesuffix("+00:00").removesuffix(" 00:00:00")
