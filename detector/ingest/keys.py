"""The natural key of a row as one text, so that any table is joined the same way.

Parts are parted by a control character no text column may hold, an empty part has its own mark,
and the first letter says which kind of key it is: `i` the row's own id, `k` the natural key,
`a` the whole content of a row without any id (its occurrence number is added later).
"""

from __future__ import annotations

import polars as pl

from features.contracts import TableContract

KEY = "_key"
ANONYMOUS = "a\x1f"

_EMPTY = "\x00"


UNNUMBERED = (
    pl.when(pl.col(KEY).str.starts_with(ANONYMOUS))
    .then(pl.col(KEY).str.replace("\x1f#[0-9]+$", ""))
    .otherwise(pl.col(KEY))
)
"""Key as it was before `number_anonymous`."""


def key_expr(contract: TableContract) -> pl.Expr:
    """Key of a typed row."""
    key = _joined("k", contract.keys)
    if contract.anonymous_without:
        content = tuple(c.name for c in contract.columns)
        nobody = pl.col(contract.anonymous_without).is_null()
        key = pl.when(nobody).then(_joined("a", content)).otherwise(key)
    if contract.own_key:
        named = pl.col(contract.own_key).is_not_null()
        key = pl.when(named).then(_joined("i", (contract.own_key,))).otherwise(key)
    return key.alias(KEY)


def _joined(letter: str, columns: tuple[str, ...]) -> pl.Expr:
    parts = [pl.col(name).cast(pl.String).fill_null(_EMPTY) for name in columns]
    return pl.concat_str([pl.lit(letter), *parts], separator="\x1f")


def number_anonymous(rows: pl.DataFrame, *, per: str) -> pl.DataFrame:
    """Adds to each anonymous key its occurrence number inside `per` (the file)."""
    anonymous = pl.col(KEY).str.starts_with(ANONYMOUS)
    number = "#" + pl.int_range(pl.len()).over(KEY, per).cast(pl.String)
    return rows.with_columns(
        pl.when(anonymous).then(pl.col(KEY) + "\x1f" + number).otherwise(pl.col(KEY)).alias(KEY)
    )
