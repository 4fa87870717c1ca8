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
    found = _saying(text.strip())
    few = list(connection.scalars(found.limit(FEW + 1)))
    if len(few) <= FEW:
        return alert.c.id.in_(few) if few else sa.false()
    if counting:
        return alert.c.id.in_(found)
    return sa.exists().where(_C.alert_id == alert.c.id, _holds(text.strip())).correlate(alert)


def subjects_saying(connection: ReadConnection, text: str) -> list[str]:
    """Keys of the subjects of alerts that say the text, each once; among them every key that
    holds it."""
    named = sa.select(alert.c.subject_key).where(alert.c.id.in_(_saying(text))).distinct()
    return list(connection.scalars(named))


def _holds(text: str) -> sa.ColumnElement[bool]:
    return _C.search_text.contains(text.casefold(), autoescape=True)


def _saying(text: str) -> sa.Select[tuple[str]]:
    """Ids of the alerts that say it."""
    phrase = text.casefold()
    found = sa.select(_C.alert_id).where(_holds(text))
    if len(phrase) < PIECE:
        return found
    pieces = sorted({phrase[i : i + PIECE] for i in range(len(phrase) - PIECE + 1)})
    # the pieces may lie apart, so the whole is looked for in what has them
    return found.where(_holds_pieces(_C.n, _C.search_text, sa.literal(json.dumps(pieces))))


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
