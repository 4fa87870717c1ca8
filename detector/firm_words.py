"""How names are folded for the search, the same for what is kept and for what is typed."""

from __future__ import annotations

import unicodedata

import polars as pl


def folded(text: str) -> str:
    """Lower case, half width, without accents: what people type differently means the same."""
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in apart if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFKC", bare).lower()


def folded_column(column: pl.Expr) -> pl.Expr:
    """The same of a column of texts."""
    bare = column.str.normalize("NFKD").str.replace_all(r"\p{Mn}", "")
    return bare.str.normalize("NFKC").str.to_lowercase()
