"""What was filed, as its pages show it: batches, tables, waiting uploads, late filings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from api.web.wording import Lang, known_word
from detector.expected import Missing, rules_by_table
from detector.filings import Batch, TableState
from detector.templates import column_notes
from features.contracts import Column, TableContract

SHORT = 8
"""Letters of a batch's hash that name it on a page."""
LATE_SHOWN = 20


def batch_row(one: Batch) -> dict[str, Any]:
    """One batch with its balance."""
    return {
        "id": one.batch_id,
        "short": one.batch_id[:SHORT],
        "table": one.table,
        "files": ", ".join(json.loads(one.source_files)),
        "read": one.read,
        "accepted": one.accepted,
        "corrected": one.corrected,
        "repeated": one.repeated,
        "quarantined": one.quarantined,
        "retried": one.retried,
        "waiting": one.waiting,
        "recorded_at": one.recorded_at,
        "filed_by": one.filed_by or "",
        "balances": one.balances,
        "version": one.lake_version,
        "retry_of": (one.retry_of or "")[:SHORT],
    }


def table_row(one: TableState, now: datetime) -> dict[str, Any]:
    """One table with how fresh it is; `gap` and `late` are days."""
    since = (now - one.last_at).days if one.last_at else None
    return {
        "name": one.table,
        "batches": one.batches,
        "rows": one.rows,
        "corrected": one.versions - one.rows,
        "waiting": one.waiting,
        "last_at": one.last_at,
        "days_ago": since,
        "gap": None if one.usual_gap is None else round(one.usual_gap),
        "expected_on": one.expected_on,
        "late": round(one.late_days),
        "rules": rules_by_table().get(one.table, 0),
    }


def late_rows(missing: Sequence[Missing], states: Sequence[TableState]) -> list[dict[str, Any]]:
    """Filings past their day by the calendar, then tables past their usual rhythm."""
    due: list[dict[str, Any]] = [
        {
            "filing": one.filing,
            "about": f"{one.operator_id}, {_period(one)}",
            "days": one.late_days,
            "rules": one.rules,
            "by": "calendar",
        }
        for one in missing
    ]
    slow: list[dict[str, Any]] = [
        {
            "filing": one.table,
            "about": "",
            "days": max(1, round(one.late_days)),
            "rules": rules_by_table().get(one.table, 0),
            "by": "rhythm",
        }
        for one in states
        if one.late_days > 0
    ]
    return [*due, *slow]


def _period(one: Missing) -> str:
    end = one.period_end.isoformat() if one.period_end else ""
    return f"{one.period_start.isoformat()} – {end}" if end else one.period_start.isoformat()


def column_row(column: Column, lang: Lang) -> dict[str, Any]:
    """One column of a table: how it is read, its unit and meaning."""
    return {
        "name": column.name,
        "kind": known_word(lang, "data.kind", column.kind),
        "unit": column.unit,
        "meaning": column.description,
        "required": not column.nullable,
        "notes": [note for note in column_notes(column) if note != "required"],
    }


def contract_view(wanted: TableContract, lang: Lang) -> dict[str, Any]:
    """A table as it can be filed."""
    return {
        "columns": [column_row(c, lang) for c in wanted.columns],
        "key": wanted.keys,
        "checks": [check.says for check in wanted.checks.values()],
        "cautions": [caution.says for caution in wanted.cautions],
    }


def size_text(size: int) -> str:
    """Bytes as people read them."""
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size} B"
