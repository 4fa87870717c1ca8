"""Rows of a chunk against the contract: good ones typed, bad ones with a sentence for a clerk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import dataframely as dy
import polars as pl

from detector.ingest import casting
from detector.ingest.faults import FAULT, SHOWN, shorten
from detector.ingest.limits import Limits
from detector.ingest.mapping import Mapping
from detector.ingest.readers import LINE
from detector.ingest.sources import BAD
from features.contracts import Column, TableContract

_NOUNS = {"money": "an amount", "share 0..1": "a share", "percent": "a percentage"}


@dataclass(frozen=True, slots=True)
class Judged:
    """A chunk after the checks.

    Attributes:
        good: typed contract columns and the line, defaults filled.
        raw: clean text of the filed columns and the line, of every row.
        faults: one row per broken rule, columns of `FAULT`.
    """

    good: pl.DataFrame
    raw: pl.DataFrame
    faults: pl.DataFrame


@lru_cache(maxsize=64)
def _lined(schema: type[dy.Schema]) -> type[dy.Schema]:
    """The schema with the line number, so that a failure can be named."""
    extra: dict[str, Any] = {"line_": dy.Int64(alias=LINE)}
    return cast("type[dy.Schema]", type(f"{schema.__name__}Lined", (schema,), extra))


def judge(
    raw: pl.DataFrame, contract: TableContract, mapping: Mapping, limits: Limits, *, flawed: bool
) -> Judged:
    """Checks the rows of a chunk.

    Args:
        raw: text columns under canonical names, and the line.
        flawed: cells may hold the mark of bytes that are no text.
    """
    filed = [c for c in contract.columns if c.name in raw.columns]
    raw = raw.with_columns([casting.clean(raw[c.name]) for c in filed])
    faults: list[pl.DataFrame] = []
    typed: dict[str, pl.Series] = {LINE: raw[LINE]}
    for column in filed:
        text = raw[column.name]
        text = _refuse(text, raw, faults, column, limits, flawed=flawed)
        values = casting.cast(text, column, mapping)
        if values.null_count() > text.null_count():
            faults.append(_unread(raw, text.is_not_null() & values.is_null(), column))
        typed[column.name] = values
    frame = _complete(pl.DataFrame(typed), contract)
    faults.append(_broken_keys(frame, raw, contract))
    lined = _lined(contract.schema)
    good, failure = lined.filter(frame.select(lined.column_names()))
    known = pl.concat(faults)
    everything = pl.concat([known, *_failures(failure, raw, contract, known)])
    bad = everything["line"].unique()
    return Judged(good.filter(~pl.col(LINE).is_in(bad.implode())), raw, _tidy(everything))


def _refuse(
    text: pl.Series,
    raw: pl.DataFrame,
    faults: list[pl.DataFrame],
    column: Column,
    limits: Limits,
    *,
    flawed: bool,
) -> pl.Series:
    """Cells that are not even looked into: bytes that are no text, and endless ones."""
    long = (text.str.len_bytes() > limits.cell_bytes).fill_null(False)
    if long.any():
        says = f"`{column.name}` is longer than {limits.cell_bytes >> 10} KiB; shorten it"
        faults.append(_fault(raw, long, "cell_too_long", column, pl.lit(says)))
        text = text.set(long, None)
    if flawed:
        bad = text.str.contains(BAD, literal=True).fill_null(False)
        if bad.any():
            says = (
                f"`{column.name}` holds bytes that are no text; the file's encoding is broken here"
            )
            faults.append(_fault(raw, bad, "wrong_encoding", column, pl.lit(says)))
            text = text.set(bad, None)
    return text


def _unread(raw: pl.DataFrame, where: pl.Series, column: Column) -> pl.DataFrame:
    wanted = casting.WANTED[column.kind]
    says = "`" + pl.lit(column.name) + "` is " + _shown(column) + f", which is not {wanted}"
    if column.kind in ("number", "whole"):
        marked = pl.col(column.name).str.contains(r"^[+-]?[\d.,' \u00a0]+$")
        hint = (
            "; if it has a decimal comma or marks between thousands, "
            "name them in a mapping file (`decimal`, `thousands`)"
        )
        says = pl.when(marked).then(says + hint).otherwise(says)
    if column.kind in ("date", "instant"):
        hint = "; another format can be named in a mapping file (`dates`)"
        shape = pl.col(column.name).str.contains(r"^\d{4}-\d{2}-\d{2}")
        says = pl.when(shape).then(says + " of the calendar").otherwise(says + hint)
    return _fault(raw, where, f"not_{column.kind}", column, says)


def _shown(column: Column) -> pl.Expr:
    """The value as shown: quoted text, shortened; a person's is withheld."""
    if column.person:
        return pl.lit("withheld")
    head = pl.col(column.name).str.slice(0, SHOWN)
    return pl.when(pl.col(column.name).is_null()).then(pl.lit("empty")).otherwise("'" + head + "'")


def _fault(
    raw: pl.DataFrame, where: pl.Series, rule: str, column: Column, says: pl.Expr
) -> pl.DataFrame:
    return raw.filter(where).select(
        pl.col(LINE).alias("line"),
        pl.lit(f"{column.name}|{rule}").alias("rule"),
        pl.lit(column.name).alias("column"),
        (pl.lit(None, pl.String) if column.person else pl.col(column.name)).alias("value"),
        says.alias("says"),
    )


def _complete(frame: pl.DataFrame, contract: TableContract) -> pl.DataFrame:
    """Missing columns as null, defaults where empty."""
    missing = [
        pl.lit(None, dtype=c.dtype).alias(c.name)
        for c in contract.columns
        if c.name not in frame.columns
    ]
    defaults = [
        pl.col(c.name).fill_null(c.default) for c in contract.columns if c.default is not None
    ]
    return frame.with_columns(missing).with_columns(defaults)


def _broken_keys(frame: pl.DataFrame, raw: pl.DataFrame, contract: TableContract) -> pl.DataFrame:
    """A line break inside an id is a torn line, not a name."""
    names = {*contract.keys, *([contract.own_key] if contract.own_key else [])}
    found = [pl.DataFrame(schema=FAULT)]
    for column in contract.columns:
        if column.name in names and column.name in raw.columns and column.kind == "text":
            torn = frame[column.name].str.contains(r"[\r\n]").fill_null(False)
            if torn.any():
                says = f"`{column.name}` has a line break inside; an id is one word"
                found.append(_fault(raw, torn, "line_break", column, pl.lit(says)))
    return pl.concat(found)


def _failures(
    failure: dy.FailureInfo, raw: pl.DataFrame, contract: TableContract, known: pl.DataFrame
) -> list[pl.DataFrame]:
    """Broken schema rules as faults, but for values that could not be read in the first place."""
    if not len(failure):
        return []
    details = failure.details()
    found = []
    for rule in failure.counts():
        name, _, kind = rule.partition("|")
        check = contract.checks.get(rule)
        unread = known.filter(pl.col("column").is_in(check.columns if check else (name,)))["line"]
        lines = details.filter((pl.col(rule) == "invalid") & ~pl.col(LINE).is_in(unread.implode()))[
            LINE
        ]
        column = contract.column(check.columns[0] if check else name)
        says = pl.lit(check.says) if check else _rule_says(kind, column, contract)
        shown = (
            raw
            if column.name in raw.columns
            else raw.with_columns(pl.lit(None, pl.String).alias(column.name))
        )
        if check:
            says = _with_values(says, check.columns, shown, contract)
        where = shown[LINE].is_in(lines.implode())
        fault = _fault(shown, where, "", column, says)
        found.append(fault.with_columns(pl.lit(rule.replace("check__", "")).alias("rule")))
    return found


def _with_values(
    says: pl.Expr, names: tuple[str, ...], shown: pl.DataFrame, contract: TableContract
) -> pl.Expr:
    """The sentence and, in brackets, the values it speaks of."""
    parts = [
        pl.format(f"{name} {{}}", _shown(contract.column(name)))
        for name in names
        if name in shown.columns
    ]
    return says + " (" + pl.concat_str(parts, separator=", ") + ")"


def _rule_says(kind: str, column: Column, contract: TableContract) -> pl.Expr:
    """The sentence for a rule of one column."""
    name, noun = column.name, _NOUNS.get(column.unit, "it")
    if kind == "nullability":
        return pl.lit(f"`{name}` is empty; every row must have it")
    limits: Any = contract.schema.columns()[name]
    wanted = {
        "min": lambda: f"{noun} must be {_word(limits.min)} or more",
        "min_exclusive": lambda: f"{noun} must be above {_word(limits.min_exclusive)}",
        "max": lambda: f"{noun} must be {_word(limits.max)} or less",
        "check__allowed": lambda: f"it must be one of {', '.join(column.allowed or ())}",
        "regex": lambda: (
            casting.WANTED["period"]
            if column.kind == "period"
            else "it must be three letters such as EUR, CNY or USD"
        ),
    }.get(kind, lambda: f"it breaks the rule {kind}")()
    if column.kind in ("number", "whole") and not column.person:
        return pl.format(f"`{name}` is {{}}; {wanted}", pl.col(name).str.slice(0, SHOWN))
    return pl.format(f"`{name}` is {{}}; {wanted}", _shown(column))


def _word(limit: float) -> str:
    return "zero" if limit == 0 else f"{limit:g}"


def _tidy(faults: pl.DataFrame) -> pl.DataFrame:
    """One row per bad line: its first rule, and every sentence."""
    return faults.group_by("line", maintain_order=True).agg(
        pl.col("rule", "column").first(),
        pl.col("value").first().map_elements(shorten, return_dtype=pl.String),
        pl.col("says").str.join("; also "),
    )
