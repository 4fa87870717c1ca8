"""Formulas in plain mathematics and worked numbers, for pages and `warden features show`.

`formulas.toml` holds a formula a feature, `golden.json` inputs in words with the value they give,
`worked.toml` small filings as they would be filed, with the values of one or more features. Tests
run all of them through `compute_features`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_HERE = "features.explained"


@dataclass(frozen=True, slots=True)
class Worked:
    """One example of a feature.

    Attributes:
        given: what was filed, in words and numbers.
        value: what comes out; None where the example shows a null.
    """

    given: str
    value: Any


@dataclass(frozen=True, slots=True)
class Filed:
    """One small filing whose features are known.

    Attributes:
        says: the filing in words.
        tables: rows by canonical table.
        gives: value by feature; a null is written as its reason after ``null:``.
        subject: whose features they are; empty where the filing is about one subject of a grain.
        period: first day of the period meant; empty where there is one.
    """

    says: str
    tables: Mapping[str, list[dict[str, Any]]]
    gives: Mapping[str, Any]
    subject: str
    period: str


_OF_SUBSETS = {"min": "min", "median": "med", "mean": "mean", "max": "max"}


@cache
def formulas() -> dict[str, str]:
    """Formula by feature, in plain mathematics."""
    found: dict[str, str] = tomllib.loads(_text("formulas.toml"))
    for screen in ("cv", "spread", "rd", "skew", "diffp"):
        for name, word in _OF_SUBSETS.items():
            found |= {
                f"bid_{screen}_{name}{k}": f"{word} of bid_{screen} over all subsets of {k} bids"
                for k in (3, 4)
            }
    return found


@cache
def golden() -> tuple[dict[str, Any], ...]:
    """Reference numbers: `feature`, `inputs` by name, `value`."""
    return tuple(json.loads(_text("golden.json")))


@cache
def filed() -> tuple[Filed, ...]:
    """Small filings with the values of their features."""
    read = tomllib.loads(_text("worked.toml"))["example"]
    return tuple(
        Filed(e["says"], e["tables"], e["gives"], e.get("subject", ""), e.get("period", ""))
        for e in read
    )


@cache
def examples() -> dict[str, tuple[Worked, ...]]:
    """All examples by feature, reference numbers first."""
    found: dict[str, list[Worked]] = {}
    for case in golden():
        given = "; ".join(f"{_words(k)} {shown(v)}" for k, v in case["inputs"].items())
        found.setdefault(case["feature"], []).append(Worked(given, case["value"]))
    for filing in filed():
        for name, value in filing.gives.items():
            found.setdefault(name, []).append(Worked(filing.says, value))
    return {name: tuple(each) for name, each in found.items()}


def shown(value: Any) -> str:
    """A value as a reader expects it: six digits, lists joined, yes and no."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | int):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(k)} {shown(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        inner = any(isinstance(v, list | tuple) for v in value)
        parts = ["(" + shown(v) + ")" if inner else shown(v) for v in value]
        return ", ".join(parts) if parts else "none"
    if isinstance(value, str) and value.startswith("null:"):
        return f"null (`{value.removeprefix('null:').strip()}`)"
    return str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(name: str) -> str:
    return files(_HERE).joinpath(name).read_text(encoding="utf-8")
