"""Script payloads in every text a person or a filer can fill, and which columns those are."""

from __future__ import annotations

import csv
import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import api.routes
from alerts.connections import WriteConnection
from alerts.tables import metadata as of_alerts
from detector.database import writing
from detector.dossier.parties import ORGANISATIONS
from detector.firm_index import keep_index
from detector.ingest.load import load_files
from detector.system import System
from detector.tables import metadata as of_detector
from features.contracts import CONTRACTS, Column
from tests.contracts.samples import good_row

MARK = "executed=1"
"""Stands in every payload."""
WHO = f"<img src=x onerror=window.{MARK}>"
"""Name of the account that does everything."""
PAYLOADS = (
    f'<img src=x onerror="window.{MARK}">',
    f'"><script>window.{MARK}</script>',
    f"[x](javascript:window.{MARK})",
    f"{{{{7*7}}}}${{window.{MARK}}}",
    f"</script><svg onload=window.{MARK}>",
    f'\'}}],"a":"\\"-window.{MARK}-"//',
    f"' autofocus onfocus='window.{MARK}' x='",
    f"<a href=javascript:window.{MARK}>**x**</a>",
)
FIRM = f"E\"'<img src=x onerror=window.{MARK}>&/%2e#?"
"""Id of a firm whose every sign means something to HTML, to an address or to a script."""
for _module in pkgutil.iter_modules(api.routes.__path__):
    # every table is known once every door is
    import_module(f"api.routes.{_module.name}")
TABLES = of_alerts.tables | of_detector.tables
WRITTEN = {
    "alert": "title message innocent search_text labels",
    "alert_event": "note",
    "alert_label": "label",
    "approval": "purpose case_number note",
    "attachment": "name",
    "case_event": "note",
    "case_file": "title unit owner",
    "case_intervention": "text legal_basis",
    "case_note": "text",
    "case_party": "firm_id",
    "case_target": "subject_key",
    "case_task": "text assignee",
    "firm_entry": "name name_zh group_id country sector aliases search_text",
    "firm_note": "text case",
    "lead": "installation their_case their_alert",
    "notice_choice": "email",
    "notice_message": "error",
    "queue_view": "name query",
    "rule_exception": "subject_key reason owner",
    "saved_search": "name",
    "saved_search_hit": "title",
    "tuning_request": "note",
    "webhook": "url",
    "api_key": "title",
    "batch": "source_files",
    "quarantine_retry": "source_file",
    "run": "error note worker",
}
"""Columns by table in which somebody's words may stand: each row of them is overwritten."""


NAMES = frozenset(
    ("actor", "added_by", "approved_by", "asked_by", "assignee", "author", "done_by", "drawn_by",
     "ended_by", "filed_by", "opened_by", "owner", "received_by", "revoked_by", "saved_by",
     "seen_by")
)  # fmt: skip
"""Columns that name an account: `WHO` wherever the doors wrote them."""
BY_DOORS = {
    "alert": "facts rules subject_key",
    "alert_event": "data",
    "alert_words": "search_text",
    "audit_entry": "key data",
    "audit_person": "name",
    "case_event": "data",
    "firm_entry": "firm_id folded_id",
    "lead": "sent",
    "person": "name",
    "rule_draft": "text",
    "rule_event": "note",
    # a draft becomes a version by a backtest; what alerts say of it is overwritten
    "rule_version": "text",
    "saved_search": "query",
}
"""Columns with somebody's words in them that `tests.browser.stocked` fills by the doors."""
FILED_TABLES = ("firms", "ownership", "market_positions", "tenders", "bids", "subcontracts",
    "merchants", "apps")  # fmt: skip
"""What a dossier and a network are made of."""


def file_everywhere(system: System, folder: Path) -> None:
    """Files one row a table: payloads in its texts, `FIRM` wherever an organisation stands."""
    signs = cycle(PAYLOADS)
    for table in FILED_TABLES:
        contract = CONTRACTS[table]
        row = good_row(contract)
        free = [c for c in contract.columns if c.name in row and _free(c)]
        row |= {c.name: FIRM if c.name in ORGANISATIONS else next(signs) for c in free}
        path = folder / f"{table}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row)
            writer.writeheader()
            writer.writerow(row)
        assert load_files(system.home, system.engine, table, [path]).quarantined == 0, table
    keep_index(system)


def _free(column: Column) -> bool:
    words = column.kind == "text" and not column.allowed and not column.person
    return words and column.unit != "ISO 4217"


def overwrite(system: System) -> dict[str, int]:
    """Puts payloads into every written column of every row, each ending in the column's name.

    Returns:
        How many rows each table has.
    """
    signs, rows = cycle(PAYLOADS), {}
    with writing(system.engine) as connection:
        for name, columns in WRITTEN.items():
            table = TABLES[name]
            changes = {c: _said(table.c[c], f" {name}.{c}", signs) for c in columns.split()}
            rows[name] = connection.execute(sa.update(table).values(changes)).rowcount
        _into_facts(connection)
    return rows


def _said(column: sa.Column[Any], tag: str, signs: Iterator[str]) -> Any:
    if column.name == "source_files":
        return json.dumps([next(signs) + tag])
    if not isinstance(column.type, sa.JSON):
        return next(signs) + tag
    both = {"en": next(signs) + tag, "zh": next(signs) + tag}
    return {"innocent": [both], "labels": [next(signs) + tag]}.get(column.name, both)


def _into_facts(connection: WriteConnection) -> None:
    """Facts name what was filed, rules what their authors called them."""
    alert = TABLES["alert"]
    title = {"en": PAYLOADS[0], "zh": PAYLOADS[1]}
    for row in connection.execute(sa.select(alert.c.id, alert.c.facts, alert.c.rules)).all():
        rules = [rule | {"title": title} for rule in row.rules]
        facts = [fact | {k: _filed(fact[k]) for k in FILED if k in fact} for fact in row.facts]
        connection.execute(
            sa.update(alert).where(alert.c.id == row.id).values(facts=facts, rules=rules)
        )


FILED = ("examples", "level")


def _filed(value: Any) -> Any:
    return list(PAYLOADS) if isinstance(value, list) else PAYLOADS[0]
