"""What a condition of a grain may name: features, attributes, functions and their meaning."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from features.catalogue import Feature, catalogue
from features.errors import WardenError
from features.vocabulary import GRAINS
from rules.errors import nearest
from rules.nodes import PEER_FUNCTIONS, PREVIOUS, SCALAR_FUNCTIONS

SHARES = frozenset({"0-1", "share", "probability"})
COUNTS = frozenset({"count", "number", "n"})


@lru_cache(maxsize=256)
def words_of(grain: str) -> tuple[dict[str, Any], ...]:
    """What may be named, by name: features first, then attributes and functions.

    Each has `name`, `kind` (feature, attribute or function), `title` by language, `unit`, `range`
    (None where it is open), `min_n` (0 where a count of nothing is an answer) and `direction`.

    Raises:
        WardenError: `unknown_grain`.
    """
    if grain not in GRAINS:
        raise WardenError(
            "unknown_grain", f"There is no grain `{grain[:40]}`.", nearest(grain, GRAINS),
            "not_found",
        )  # fmt: skip
    features = catalogue().of_grain(grain)
    known = {f.name for f in features}
    bases = [b for b in catalogue().bases.values() if b.grain == grain]
    attributes = sorted({a for b in bases for a in b.attributes} - known)
    found = [_feature(f) for f in sorted(features, key=lambda f: f.name)]
    found += [_other(name, "attribute") for name in attributes]
    functions = (*PEER_FUNCTIONS, PREVIOUS, *SCALAR_FUNCTIONS)
    return (*found, *(_other(name, "function") for name in functions))


def _feature(one: Feature) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": "feature",
        "title": one.title,
        "unit": one.unit,
        "range": range_of(one),
        "min_n": one.min_n,
        "direction": one.direction,
    }


def range_of(one: Feature) -> list[float | None] | None:
    """Smallest and largest value the unit allows; None where it allows any."""
    if one.kind == "bool" or one.unit in SHARES:
        return [0.0, 1.0]
    if one.unit in COUNTS:
        return [0.0, None]
    return None


def _other(name: str, kind: str) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "title": {},
        "unit": "",
        "range": None,
        "min_n": 0,
        "direction": "none",
    }
    return {"name": name, "kind": kind, **empty}
