"""The judges of one run: the rules in force and the fitted models, and what tells them apart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from detector.known_cases import KnownCases
from detector.owners import OWNED, Groups
from detector.planning import LIVE, Plan

if TYPE_CHECKING:
    from detector.models.fitted import FittedSet
    from detector.system import System
    from features.compute import Computed
    from rules.ruleset import RuleSet


@dataclass(frozen=True)
class Panel:
    """The judges of one run; `digests` tells by typology whether they are the same as before."""

    ruleset: RuleSet
    fitted: FittedSet
    digests: dict[str, str]

    def looking_back(self) -> dict[tuple[str, str], int]:
        """(Typology, grain) of judging rules that read earlier periods, with how many.

        Such grains are computed whole, and a change is judged in the periods after it, too.
        """
        found: dict[tuple[str, str], int] = {}
        for rule in self.ruleset.judging():
            key = (rule.spec.typology, rule.spec.grain)
            if rule.periods_back:
                found[key] = max(found.get(key, 0), rule.periods_back)
        return found

    def native(self) -> set[tuple[str, str]]:
        """(Typology, grain) that a rule or an active model judges, rather than a roll-up."""
        rules = {(r.spec.typology, r.spec.grain) for r in self.ruleset.live()}
        return rules | {(m.spec.typology, m.spec.grain) for m in self.fitted if m.spec.active}


def poor_grains(current: FittedSet | None) -> set[str]:
    """Grains with a model that was fitted on too few rows."""
    return set() if current is None else {m.spec.grain for m in current if not m.usable}


def models_in_force(system: System, plan: Plan) -> FittedSet | None:
    """The frozen models known at the plan's moment."""
    from detector.models.artifacts import load_current

    return load_current(system.home / "models", plan.known_at)


def assemble(system: System, plan: Plan, computed: Computed, current: FittedSet | None) -> Panel:
    """Rules in force and models as fitted; what no model knows yet is fitted now."""
    from detector.rule_releases import remember

    ruleset = remember(system).in_force()
    fitted = fitted_for(system, plan, computed, current)
    groups = fitted.reference.groups.digest()
    digests = {t: judges_digest(t, ruleset, fitted, groups) for t in plan.typologies}
    return Panel(ruleset, fitted, digests)


def fitted_for(
    system: System, plan: Plan, computed: Computed, current: FittedSet | None
) -> FittedSet:
    """The frozen models, with what is missing among them.

    Grains that no model was fitted on (or on too few rows) are fitted now and join the set; what
    is fitted already stays as it is, so no old score moves. A look back never becomes current.
    """
    from detector.model_audit import entered
    from detector.models import artifacts
    from detector.models.fit import fit_in_memory
    from detector.models.fitted import FittedSet
    from detector.models.versions import Act, Kind
    from detector.peers import Reference

    folder = system.home / "models"
    frames, groups = dict(computed.frames), Groups.known(system.lake, plan.snapshot)
    if current is not None:
        current = current.beside(groups)
        have = set(current.reference.grains) - poor_grains(current)
        frames = {grain: frame for grain, frame in frames.items() if grain not in have}
    if not frames and current is not None:
        return current
    cases = KnownCases.known(system, plan.known_at, computed.memberships)
    fitted = fit_in_memory(frames, plan.snapshot.id, plan.known_at, models_in_use(), groups, cases)
    if current is not None:
        grains = {**current.reference.grains, **fitted.reference.grains}
        models = {**current.models, **fitted.models}
        reference = Reference(grains, groups)
        fitted = FittedSet(reference, models, plan.snapshot.id, plan.known_at)
    if plan.target == LIVE and (current is None or fitted.digest != current.digest):
        kind: Kind = "fitted" if current is None else "extended"
        act = Act(kind, fitted.digest, "system", system.clock().isoformat())
        artifacts.store(folder, fitted, act=act, around=entered(system, act))
    return fitted


def models_in_use() -> set[str]:
    """Ids of models whose suspicion counts; challengers are fitted by `refit` and on request."""
    from detector.models.base import specs

    return {spec.id for spec in specs() if spec.active}


def judges_digest(typology: str, ruleset: RuleSet, fitted: FittedSet, groups: str) -> str:
    """Hash of everything that decides about a typology besides the features of its subjects.

    Behind the colon stand the rules in shadow: they are judged anew when they change, and move
    nothing else.

    Args:
        groups: digest of the economic groups, which decide whom owned subjects are compared with.
    """
    from rules.evaluate import peer_features
    from rules.spec import Status

    mine = [r for r in ruleset.judging() if r.spec.typology == typology]
    named = [(r.spec.status, f"{r.id}@{r.version}:{r.content_hash}") for r in mine]
    parts = [name for status, name in named if status is Status.ACTIVE]
    shadows = sorted(name for status, name in named if status is Status.SHADOW)
    compared = {r.spec.grain for r in mine if peer_features([r])}
    compared |= {m.spec.grain for m in fitted if m.spec.typology == typology}
    parts += [groups] if compared & set(OWNED) else []
    peers = fitted.reference.grains
    parts += [peers[grain].digest() for grain in sorted(compared & set(peers))]
    parts += [t.model_dump_json() for t in ruleset.parameters.tables.values()]
    parts += [fitted.digest_of(typology), _release()]
    live = hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()
    beside = hashlib.sha256("\n".join(shadows).encode()).hexdigest()
    return f"{live}:{beside}" if shadows else live


@cache
def _release() -> str:
    """The installed version of this package, looked up among all packages once."""
    from importlib.metadata import version

    return version("marketwarden")
