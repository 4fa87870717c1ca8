"""Typologies for which no scheme is planted, and why: none is left out silently."""

from __future__ import annotations

from collections.abc import Collection

from detector.demo.world import LOAD_ORDER
from features.catalogue import catalogue
from features.vocabulary import TYPOLOGIES
from rules.ruleset import load_library
from rules.spec import Status


def not_injected(measured: Collection[str]) -> dict[str, list[str]]:
    """Typologies without a curve, by the reason."""
    judged, found = live(), dict[str, list[str]]()
    for typology in TYPOLOGIES:
        if typology not in measured:
            found.setdefault(why(typology, judged), []).append(typology)
    return found


def live() -> frozenset[str]:
    """Typologies that a rule in force or an active model judges."""
    from detector.models.base import specs

    rules = {r.spec.typology for r in load_library().rules if r.spec.status is Status.ACTIVE}
    return frozenset(rules | {spec.typology for spec in specs() if spec.active})


def why(typology: str, judged: Collection[str]) -> str:
    """Why no scheme of a typology is planted; the first reason that holds."""
    if TYPOLOGIES[typology].context_only:
        return "sets the scene and raises no alert"
    if typology not in judged:
        return "no live rule or model judges it"
    bases = catalogue().bases_for([typology])
    if not any(set(base.tables) <= set(LOAD_ORDER) for base in bases):
        return "the simulator files none of its tables, and no real set with labels does"
    return "its tables are filed, but no scheme with a strength is written"
