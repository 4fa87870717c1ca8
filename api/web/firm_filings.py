"""Filings about a firm with their versions: as filed, restated, and what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.visits import firm_address
from api.web.figures import moment, plain
from api.web.wording import Lang, known_word
from detector.dossier import whole

if TYPE_CHECKING:
    from detector.dossier.subject import Subject
    from detector.system import System

Row = dict[str, Any]
TABLES = 3
"""Tables of which the last amendments are shown together, those with the most."""
EACH = 5


def latest_changes(
    system: System, subject: Subject, tables: Sequence[Mapping[str, Any]], lang: Lang
) -> list[Row]:
    """The last amendments of the tables that have the most, by table."""
    most = sorted((one for one in tables if one["amended"]), key=lambda one: -one["amended"])
    told = []
    for one in most[:TABLES]:
        found = whole.rows_of(system, subject, one["table"], amended=True, limit=EACH, offset=0)
        told.append(
            {
                "title": known_word(lang, "firms.table", one["table"]),
                "href": f"{firm_address(subject.firm_id, 'filings/' + one['table'])}?amended=1",
                "amended": one["amended"],
                "rows": [row_view(row, lang) for row in found["items"]],
            }
        )
    return told


def row_view(row: Mapping[str, Any], lang: Lang) -> Row:
    """One row: its key, what it says, and by version what changed from which value to which."""
    versions, told = row["versions"], []
    for at, version in enumerate(versions):
        before = versions[at - 1]["values"] if at else {}
        told.append(
            {
                "first": at == 0,
                "learned": moment(version["learned"], lang),
                "happened": version["happened"] or "–",
                "source": ", ".join(version["files"]) or version["batch_id"][:12],
                "line": version["line"],
                "changed": [
                    {"column": name, "was": _said(before.get(name)),
                     "now": _said(version["values"].get(name))}
                    for name in version["changed"]
                ],
                "values": [(n, _said(v)) for n, v in version["values"].items()
                           if n not in row["key"]],
            }
        )  # fmt: skip
    return {
        "key": [(name, _said(value)) for name, value in row["key"].items()],
        "versions": list(reversed(told)),
        "amended": len(told) > 1,
    }


def _said(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return plain(value, 8)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
