"""Whose rules apply to a subject: what a rule pinned to the law of one place asks first.

A place is told by who filed it or by the register of firms, never guessed: where nobody filed it
the attribute is empty, and a pinned rule then says that it cannot judge.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

import narwhals as nw

from features.operators import Lazy
from features.parameters.procurement_limits import EU_MEMBERS

if TYPE_CHECKING:
    from features.tables import Tables

JURISDICTION = "jurisdiction"
_SEATED, _SEAT = "_seated", "_seat"


def union_wide(place: nw.Expr) -> nw.Expr:
    """Member States of the European Union as `EU`, every other code as filed."""
    members = place.is_in(EU_MEMBERS).fill_null(value=False)
    return nw.when(members).then(nw.lit("EU")).otherwise(place)


def covering(place: str) -> tuple[str, ...]:
    """Codes within which a place lies, itself first: of ``US-CA`` also ``US``, of ``DE`` ``EU``."""
    parts = place.split("-")
    found = ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return (*found, "EU") if found[-1] in EU_MEMBERS else tuple(found)


def seats(t: Tables) -> Lazy | None:
    """Firms with a filed jurisdiction: `_seated`, `_seat`; None without a register."""
    firms = t.get("firms")
    if firms is None:
        return None
    known = firms.filter(~nw.col(JURISDICTION).is_null())
    place = union_wide(nw.col(JURISDICTION)).alias(_SEAT)
    rows = known.select(nw.col("firm_id").alias(_SEATED), place)
    return rows.group_by(_SEATED).agg(nw.col(_SEAT).max())


def with_jurisdiction(t: Tables, rows: Lazy, firm: str) -> Lazy:
    """Add `jurisdiction`: as the rows file it themselves, else that of the firm they name."""
    from features.tables import collect

    own = JURISDICTION in rows.collect_schema().names()
    filed = union_wide(nw.col(JURISDICTION)) if own else nw.lit(None, dtype=nw.String)
    rows = rows.with_columns(filed.alias(JURISDICTION))
    register = seats(t)
    if register is None:
        return rows
    if rows.implementation != register.implementation:
        register = nw.from_native(collect(register).lazy())
    joined = rows.join(register, left_on=firm, right_on=_SEATED, how="left")
    place = nw.coalesce(nw.col(JURISDICTION), nw.col(_SEAT)).alias(JURISDICTION)
    return joined.with_columns(place).drop(_SEAT)


def placed(fn: Callable[[Tables], Lazy], firm: str) -> Callable[[Tables], Lazy]:
    """The base `fn` with the jurisdiction of the firm in one of its columns."""

    @wraps(fn)
    def rows(t: Tables) -> Lazy:
        return with_jurisdiction(t, fn(t), firm)

    return rows
