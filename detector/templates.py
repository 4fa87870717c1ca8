"""Empty files a clerk can start from: a CSV with the columns of a table, a mapping to fill in."""

from __future__ import annotations

import csv
import io

from features.contracts import Column, TableContract

INTRO = """\
## Mapping of a source's columns to the table `{table}` ({title}).
## Take away "# " in front of what you need; lines with "##" stay remarks.
## Use: warden ingest {table} FILE --mapping THIS_FILE

# encoding: utf-8            ## or gb18030, latin-1, ...
# delimiter: ","
# timezone: UTC              ## of times without an offset, for example Asia/Shanghai
# decimal: "."
# thousands: ","             ## mark between thousands
"""


def csv_template(contract: TableContract) -> str:
    """One CSV line: the columns that can be filed, in the contract's order."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([c.name for c in _fileable(contract)])
    return line.getvalue()


def mapping_template(contract: TableContract) -> str:
    """A mapping in which everything is a remark; with the marks taken away it is valid too."""
    columns = _fileable(contract)
    parts = [INTRO.format(table=contract.name, title=contract.title)]
    parts.append("\n## column in your file -> column of the table\n# rename:\n")
    parts += [f"#   your {c.name}: {c.name}  ## {_explained(c)}\n" for c in columns]
    coined = [c.name for c in columns if c.unit == "ISO 4217"] or ["source"]
    value = "CNY" if coined != ["source"] else "my source"
    parts.append(f"\n## the same value in every row\n# constants:\n#   {coined[0]}: {value}\n")
    parts += _section(
        "your word -> the table's word",
        "values",
        [(c.name, f"{{your word: {c.allowed[0]}}}") for c in columns if c.allowed],
    )
    parts += _section(
        "how dates are written, where not like 2024-03-31",
        "dates",
        [(c.name, '"%d/%m/%Y"') for c in columns if c.kind in ("date", "instant")],
    )
    parts += _section(
        "the number in your file times this is the value, for example 10000 for amounts in 万",
        "units",
        [(c.name, "1") for c in columns if c.kind in ("number", "whole")],
    )
    return "".join(parts)


def column_notes(column: Column) -> list[str]:
    """What a person filling in a column must know beside its meaning."""
    notes = [
        "required" if not column.nullable else "",
        column.span,
        f"one of {', '.join(column.allowed)}" if column.allowed else "",
        "person, stored as a keyed hash" if column.person else "",
        f"{column.default} where empty".lower() if column.default is not None else "",
        f"computed from {column.derived_from}" if column.derived_from else "",
    ]
    return [note for note in notes if note]


def _fileable(contract: TableContract) -> list[Column]:
    return [c for c in contract.columns if c.derived_from is None]


def _explained(column: Column) -> str:
    return "; ".join([f"{column.description} [{column.unit}]", *column_notes(column)])


def _section(remark: str, name: str, lines: list[tuple[str, str]]) -> list[str]:
    if not lines:
        return []
    body = "".join(f"#   {column}: {value}\n" for column, value in lines)
    return [f"\n## {remark}\n# {name}:\n{body}"]
