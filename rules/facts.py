"""Facts: every leaf of a condition with the figures it was judged on, as JSON text.

Written by joining text columns, because encoding structs one by one is some twenty times slower.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set

import narwhals as nw
import polars as pl

from rules.checking import Vocabulary
from rules.clauses import Sustain
from rules.compilation import Compiled, Leaf
from rules.engine import PORTABLE, Engine
from rules.parameters import Threshold

_AMONG_PEERS = {"m": "median", "p": "peers", "l": "level"}
"""Letters of the helper columns of what is known about a feature's peers."""


def fact_sides(
    compiled: Compiled,
    thresholds: Mapping[str, Threshold],
    columns: Set[str],
    prefix: str,
    engine: Engine = PORTABLE,
) -> dict[str, nw.Expr]:
    """By name, the columns facts need besides those of the compiled condition."""
    found: dict[str, nw.Expr] = {}
    for leaf in compiled.leaves:
        if leaf.parameter is not None:
            found[f"{prefix}k{leaf.index}"] = thresholds[leaf.parameter].class_
        if leaf.expression != leaf.feature and leaf.feature in columns:
            found[f"{prefix}a{leaf.index}"] = engine.col(leaf.feature)
        for kind, statistic in _AMONG_PEERS.items():
            if leaf.peer and f"{leaf.feature}__{statistic}" in columns:
                found[f"{prefix}{kind}{leaf.index}"] = engine.col(f"{leaf.feature}__{statistic}")
    return found


def facts_json(
    compiled: Compiled,
    columns: Set[str],
    prefix: str,
    *,
    rule: str,
    of_scope: bool = False,
    reference: str = "",
    extra: Sequence[pl.Expr] = (),
) -> pl.Expr:
    """JSON list of ``{feature, expression, value, op, threshold, n, holds, unit, parameter, rule,
    class}``, and ``actual`` where the judged side is not the plain feature. What is judged among
    peers brings ``peer_median``, ``peers`` (their number), ``level`` (the stratum used) and
    ``reference`` (version of the frozen peers). Comparisons of the scope of a rule that does not
    apply have ``part`` ``"scope"``.

    Args:
        compiled: the condition, its steps already applied.
        columns: columns of the frame, and the helper columns of `fact_sides`.
        prefix: prefix of the helper columns.
        rule: id of the rule the comparisons belong to.
        of_scope: whether they are those of its scope.
        reference: version of the frozen peers, empty where there are none.
        extra: facts besides the comparisons, each the text of an object; an empty text is none.
    """
    whose = {"rule": rule, "part": "scope"} if of_scope else {"rule": rule}
    if not compiled.leaves and not extra:
        return pl.lit("[]")
    parts: list[pl.Expr] = []
    for leaf in compiled.leaves:
        parts.append(pl.lit("," if parts else "["))
        peers = {"reference": reference} if leaf.peer and reference else {}
        parts.extend(_fact(leaf, columns, prefix, whose | peers))
    for one in extra:
        if parts:
            one = pl.when(one.str.len_bytes() > 0).then("," + one).otherwise(one)
        parts.append(one if parts else "[" + one)
    return pl.concat_str([*parts, pl.lit("]")], ignore_nulls=False)


def sustained_json(sustain: Sustain, mark: str, rule: str) -> pl.Expr:
    """In how many of the last periods the condition held, against how many it must."""
    start = {"feature": "periods", "expression": f"periods of {sustain.of} in which it held"}
    end = {"op": ">=", "threshold": sustain.k, "n": sustain.of}
    last = {"unit": "periods", "parameter": None, "rule": rule, "class": None}
    held = pl.col(f"{mark}held")
    return pl.concat_str(
        pl.lit(_open(start) + ', "value": '), held.cast(pl.String),
        pl.lit(", " + _inner(end) + ', "holds": '), (held >= sustain.k).cast(pl.String),
        pl.lit(", " + _inner(last) + "}"),
    )  # fmt: skip


def evidence_json(
    name: str, names: Vocabulary, columns: Set[str], rule: str, fired: pl.Expr
) -> pl.Expr:
    """The value of a feature or attribute told beside what a fired row was judged on."""
    quantity = names.columns[name].quantity
    start = {"feature": name, "expression": name}
    last = {
        "op": "", "threshold": None, "holds": None, "unit": quantity.unit or "",
        "parameter": None, "rule": rule, "part": "evidence", "class": None,
    }  # fmt: skip
    size = _json(f"{name}__n", is_text=False) if f"{name}__n" in columns else pl.lit("null")
    told = pl.concat_str(
        pl.lit(_open(start) + ', "value": '),
        _json(name, is_text=quantity.type in ("text", "any")),
        pl.lit(', "n": '), size, pl.lit(", " + _inner(last) + "}"),
    )  # fmt: skip
    return pl.when(fired).then(told).otherwise(pl.lit(""))


def _open(entries: Mapping[str, object]) -> str:
    return json.dumps(entries, ensure_ascii=False)[:-1]


def _inner(entries: Mapping[str, object]) -> str:
    return json.dumps(entries, ensure_ascii=False)[1:-1]


def _fact(leaf: Leaf, columns: Set[str], prefix: str, whose: Mapping[str, str]) -> list[pl.Expr]:
    def column(kind: str) -> str:
        return f"{prefix}{kind}{leaf.index}"

    start = {"feature": leaf.feature, "expression": leaf.expression}
    end = {"unit": leaf.unit, "parameter": leaf.parameter, **whose}
    parts = [pl.lit(_open(start) + ', "value": ')]
    parts.append(_json(column("v"), is_text=leaf.is_text))
    parts.append(pl.lit(', "op": ' + json.dumps(leaf.op) + ', "threshold": '))
    quoted = leaf.is_text or leaf.op == "in"
    known = leaf.has_threshold
    parts.append(_json(column("t"), is_text=quoted) if known else pl.lit("null"))
    parts += [pl.lit(', "n": '), _json(column("n"), is_text=False)]
    parts += [pl.lit(', "holds": '), _json(column("h"), is_text=False)]
    for name, kind in (("actual", "a"), ("peer_median", "m"), ("peers", "p"), ("level", "l")):
        if column(kind) in columns:
            parts += [pl.lit(f', "{name}": '), _json(column(kind), is_text=kind == "l")]
    parts.append(pl.lit(", " + _inner(end) + ', "class": '))
    known_class = leaf.parameter is not None
    parts.append(_json(column("k"), is_text=True) if known_class else pl.lit("null"))
    return [*parts, pl.lit("}")]


def _json(name: str, *, is_text: bool) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    if is_text:
        escaped = text.str.replace_many(
            ["\\", '"', "\n", "\r", "\t"], ["\\\\", '\\"', " ", " ", " "]
        )
        text = '"' + escaped.str.replace_all(r"[\x00-\x1f]", " ") + '"'
    return text.fill_null("null")
