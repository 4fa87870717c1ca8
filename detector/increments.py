"""What a run must compute: the cells that filings since the last run can have moved.

A manifest keeps, by typology, a stamp of what the features in force were computed from: the
snapshot, the day of the judgement, the code of the features. The filings between that snapshot
and the present one touch some months; what a base declares about its reach (`features.reach`)
tells which of its cells depend on them. All others are as published and are not computed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from features.windows import Changes, Scope

if TYPE_CHECKING:
    from detector.lake import Snapshot
    from detector.planning import Plan
    from detector.results import Manifest
    from detector.system import System

ENGINES = ("polars", "narwhals", "numpy", "scipy", "rustworkx", "ruptures")
"""Libraries whose release may move the last digits of a feature."""

Stamp = dict[str, Any]


@dataclass(frozen=True)
class Moved:
    """What lies between the features in force and a plan; None in place of it: everything."""

    changes: tuple[Changes, ...]

    def scope(self, plan: Plan, whole: Collection[str]) -> Scope:
        """Months to compute by grain; `whole` grains are computed whole for other reasons."""
        from features.catalogue import catalogue

        bases = catalogue().bases_for(plan.typologies)
        found: Scope = dict.fromkeys(whole)
        for one in self.changes:
            more = one.scope(bases, whole, plan.snapshot.filled)
            found = both(found, more)
        return found


def both(a: Scope, b: Scope) -> Scope:
    """All cells of two scopes."""
    merged = dict(a)
    for grain, months in b.items():
        before = merged.get(grain, frozenset())
        merged[grain] = None if months is None or before is None else before | months
    return merged


def moved_since(system: System, plan: Plan) -> Moved | None:
    """What changed since the features in force; None where all must be computed.

    Everything is computed on the first run, for periods the user names, after a change of the
    features' code, and where the snapshot of before cannot be found again.
    """
    base = plan.base
    if base is None or plan.windowed:
        return None
    names = {base.stamped.get(t) for t in plan.typologies}
    stamps = [base.stamps[n] for n in sorted(n for n in names if n)]
    if None in names or any(s["code"] != features_code() for s in stamps):
        return None
    changes = []
    for stamp in stamps:
        old = snapshot_of(system, stamp)
        if old is None:
            return None
        changes.append(changes_between(system, plan, old, stamp, base.reads))
    return Moved(tuple(changes))


def snapshot_of(system: System, stamp: Stamp) -> Snapshot | None:
    """The snapshot a stamp names, None when the lake does not give it any more."""
    known = stamp["known_as_of"]
    moment = datetime.fromisoformat(known) if known else None
    old = system.lake.pinned(stamp["versions"], moment)
    return old if old.id == stamp["snapshot"] else None


def changes_between(
    system: System, plan: Plan, old: Snapshot, stamp: Stamp, reads: Mapping[str, list[str]]
) -> Changes:
    """The filings between two snapshots, and what the features in force had read."""
    new = plan.snapshot
    return Changes(
        tables={name: system.lake.scan(new, name) for name in new.versions},
        before={name: system.lake.scan(old, name) for name in old.versions},
        changed=system.lake.changed_since(old, new),
        fresh=new.filled - set(stamp["filled"]),
        reads=reads,
        new_day=stamp["as_of"] != plan.context.as_of.isoformat(),
    )


def stamped(plan: Plan) -> tuple[dict[str, str], dict[str, Stamp]]:
    """By typology the stamp that holds after this run, and the stamps.

    A run over periods the user named says nothing about the others: it leaves stamps as they are.
    """
    names = dict(plan.base.stamped) if plan.base else {}
    stamps = dict(plan.base.stamps) if plan.base else {}
    if not plan.windowed:
        known = plan.snapshot.known_as_of
        stamp: Stamp = {
            "snapshot": plan.snapshot.id,
            "versions": dict(plan.snapshot.versions),
            "known_as_of": known.isoformat() if known else None,
            "as_of": plan.context.as_of.isoformat(),
            "filled": sorted(plan.snapshot.filled),
            "code": features_code(),
        }
        name = hashlib.sha256(json.dumps(stamp, sort_keys=True).encode()).hexdigest()[:16]
        stamps[name] = stamp
        names |= dict.fromkeys(plan.typologies, name)
    return names, {name: stamps[name] for name in sorted(set(names.values()))}


@cache
def features_code() -> str:
    """Hash of everything that decides a feature besides the filings and the day."""
    import features

    total = hashlib.sha256()
    root = Path(str(features.__file__)).parent
    for path in sorted(root.rglob("*.py")):
        total.update(f"{path.relative_to(root)}\n".encode())
        total.update(path.read_bytes())
    total.update("\n".join(f"{n} {metadata.version(n)}" for n in ENGINES).encode())
    return total.hexdigest()


def in_scope(scope: Scope | None, grain: str) -> pl.Expr:
    """Whether a stored row lies in a computed cell of the grain."""
    from features.windows import inside

    months = None if scope is None else scope.get(grain)
    return pl.lit(value=True) if months is None else inside(months)


def reads_after(
    base: Manifest | None, computed: Mapping[str, Collection[str]]
) -> dict[str, list[str]]:
    """By base, the tables its features in force looked at."""
    before = dict(base.reads) if base else {}
    return {**before, **{name: sorted(tables) for name, tables in computed.items()}}
