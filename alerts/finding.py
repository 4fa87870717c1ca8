"""Alerts whose text holds what was typed, found by its pieces of three characters."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from alerts.connections import ReadConnection, WriteConnection
from alerts.tables import alert, alert_words

PIECE = 3
FEW = 2_000
_C = alert_words.c


def says(
    connection: ReadConnection | WriteConnection, text: str, *, counting: bool = False
) -> sa.ColumnElement[bool]:
    """True for alerts whose subject, typology or title holds the text, without case.

    Texts of three and more characters are looked up in the index of the database; shorter ones
    are looked for in the texts themselves, which are kept apart from the alerts. Up to `FEW` are
    named one by one, so that only they are read; of more, those are looked at that come first.

    Args:
        counting: all of them will be read, not those that come first.
    """
    phrase = text.strip().casefold()
    holds = _C.search_text.contains(phrase, autoescape=True)
    found = sa.select(_C.alert_id).where(holds)
    if len(phrase) >= PIECE:
        pieces = sorted({phrase[i : i + PIECE] for i in range(len(phrase) - PIECE + 1)})
        # the pieces may lie apart, so the whole is looked for in what has them
        found = found.where(_holds_pieces(_C.n, _C.search_text, sa.literal(json.dumps(pieces))))
    few = list(connection.scalars(found.limit(FEW + 1)))
    if len(few) <= FEW:
        return alert.c.id.in_(few) if few else sa.false()
    if counting:
        return alert.c.id.in_(found)
    return sa.exists().where(_C.alert_id == alert.c.id, holds).correlate(alert)


class _holds_pieces(FunctionElement[Any]):  # noqa: N801  named as the functions of SQL are
    """Whether the row numbered so, with that text, has every piece of a JSON list."""

    # not a Boolean: SQLite would be asked whether it is 1, and look at every row for it
    inherit_cache = True


@compiles(_holds_pieces, "sqlite")
def _by_words(element: _holds_pieces, compiler: SQLCompiler, **kw: Any) -> str:
    number, _, pieces = element.clauses
    quoted = "(SELECT group_concat('\"' || replace(value, '\"', '\"\"') || '\"', ' AND ')"
    every = f"{quoted} FROM json_each({compiler.process(pieces, **kw)}))"
    found = f"(SELECT rowid FROM alert_text WHERE alert_text MATCH {every})"  # noqa: S608  bound
    return f"{compiler.process(number, **kw)} IN {found}"


@compiles(_holds_pieces, "postgresql")
def _by_grams(element: _holds_pieces, compiler: SQLCompiler, **kw: Any) -> str:
    _, text, pieces = (compiler.process(one, **kw) for one in element.clauses)
    every = f"ARRAY(SELECT jsonb_array_elements_text(CAST({pieces} AS jsonb)))"
    return f"firm_grams({text}) @> {every}"
