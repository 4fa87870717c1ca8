"""Typologies for which no scheme is planted, and why: none is left out silently."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from features.vocabulary import TYPOLOGIES
from rules.ruleset import load_library
from rules.spec import Status


def not_injected(measured: Collection[str]) -> dict[str, list[str]]:
    """Typologies without a curve, by the reason."""
    found = dict[str, list[str]]()
    for typology in TYPOLOGIES:
        if typology not in measured:
            found.setdefault(why(typology), []).append(typology)
    return found


@cache
def live() -> frozenset[str]:
    """Typologies that a rule in force or an active model judges."""
    from detector.models.base import specs

    rules = {r.spec.typology for r in load_library().rules if r.spec.status is Status.ACTIVE}
    return frozenset(rules | {spec.typology for spec in specs() if spec.active})


def why(typology: str) -> str:
    """Why no scheme of a typology is planted."""
    if TYPOLOGIES[typology].context_only:
        return "sets the scene and raises no alert"
    return "no scheme with a strength is written"
