"""What each kind of reader of a case may see; whatever is not for them never enters the file."""

from __future__ import annotations

from dataclasses import replace

from alerts.case_model import PartyRole
from detector.bundle.case_gather import CaseEvidence
from detector.bundle.gather import Row
from detector.bundle.profiles import (
    ACTIONS,
    DECISIONS,
    Mask,
    Profile,
    everyone_in,
    numbered,
    outside,
    without_limits,
)
from detector.bundle.proof import Proof
from detector.case_parties import firms_in
from features.errors import WardenError
from features.vocabulary import GRAINS

CASE_DECISIONS = ("opened", "moved", "closed", "reopened", "intervened", "corrected")
"""What is told of a case's life outside the authority."""
CASE_ACTIONS = ACTIONS | {"case.moved", "case.closed", "case.reopened"}
"""Entries that are told: those of the other acts name parties."""
OF_CASE = ("number", "title", "jurisdiction", "state", "outcome", "version", "opened_at",
           "updated_at")  # fmt: skip
"""Of the case itself; unit and owner are about the work on it."""


def redacted_case(
    found: CaseEvidence, profile: Profile, party: str | None = None, *, limits: bool = True
) -> CaseEvidence:
    """The case as a profile shows it.

    Args:
        party: the firm a `party` bundle is for; may be left out where the case has one party.
        limits: whether the reader may see restricted limits; outside the authority nobody may.

    Raises:
        WardenError: `party_required`, `not_concerned`.
    """
    internal = profile is Profile.INTERNAL
    if not (internal and limits):
        found = replace(found, alerts=[without_limits(one) for one in found.alerts])
    if internal:
        return found
    own = _own(found, profile, party)
    shown = [one for one in found.alerts if profile is Profile.PUBLIC or own & everyone_in(one)]
    firms = {one["firm"] for one in found.parties} | set(found.names)
    moved = (target for one in found.interventions for target in one["targets"])
    everyone = firms.union(*map(everyone_in, found.alerts), *map(_named, moved))
    mask = Mask(everyone - own, found.names)
    officials: dict[str, str] = {}
    alerts = [outside(one, profile, own & everyone_in(one), mask, officials) for one in shown]
    ids = {str(one.alert["id"]) for one in shown}
    return CaseEvidence(
        case=mask.of({name: found.case[name] for name in OF_CASE}),
        parties=_parties(found, own, mask),
        alerts=alerts,
        timeline=mask.of(_timeline(found, ids, officials)),
        tasks=[],
        notes=[],
        interventions=mask.of(_interventions(found, own)),
        proof=_proof(found, profile, ids, mask),
        names={firm: told for firm, told in found.names.items() if firm in own},
        left_out=len(found.alerts) - len(shown),
    )


def _own(found: CaseEvidence, profile: Profile, party: str | None) -> frozenset[str]:
    """Firms that may be named: to the public those the case is against."""
    firms = [str(one["firm"]) for one in found.parties]
    subjects = [str(p["firm"]) for p in found.parties if p["role"] == PartyRole.SUBJECT]
    if profile is Profile.PUBLIC:
        return frozenset(subjects)
    if party is None and len(firms) == 1:
        return frozenset(firms)
    number = found.case["number"]
    if party is None:
        raise WardenError(
            "party_required",
            f"Case {number} has {len(firms)} parties.",
            "Say which firm the bundle is for with --party (in a request: `party`).",
        )
    if party not in firms:
        raise WardenError(
            "not_concerned", f"{party} is no party of case {number}.", "Check the id."
        )
    return frozenset({party})


def _parties(found: CaseEvidence, own: frozenset[str], mask: Mask) -> list[Row]:
    """Who complained or bore witness is nobody's business outside; a reader sees itself."""
    kept = [p for p in found.parties if p["firm"] in own or p["role"] == PartyRole.SUBJECT]
    return [{**one, "firm": mask.of(one["firm"])} for one in kept]


def _timeline(found: CaseEvidence, ids: set[str], officials: dict[str, str]) -> list[Row]:
    told = []
    for event in found.timeline:
        about = event["alert"]
        kinds = CASE_DECISIONS if about is None else DECISIONS
        if event["kind"] in kinds and (about is None or about in ids):
            who = numbered(str(event["actor"]), officials)
            told.append({**event, "actor": who, "note": None, "data": {}})
    return told


def _named(target: Row) -> set[str]:
    """The firms whose figure is to move."""
    return set(firms_in(GRAINS[target["grain"]].subject_kind, target["subject_key"]))


def _interventions(found: CaseEvidence, own: frozenset[str]) -> list[Row]:
    """Without who entered them, and without what another firm is to move."""
    left = ("added_by", "earlier")
    return [
        {name: value for name, value in one.items() if name not in left}
        | {"targets": [t for t in one["targets"] if not _named(t) or own & _named(t)]}
        for one in found.interventions
    ]


def _proof(found: CaseEvidence, profile: Profile, ids: set[str], mask: Mask) -> Proof:
    """Entries that name no other firm, of the case and of the alerts shown."""
    if profile is Profile.PUBLIC:
        return Proof()
    keys = ids | {str(found.case["number"])}
    mine = {
        line: one["key"] in keys
        for one, line in zip(found.proof.entries, found.proof.lines, strict=True)
    }

    def told(line: str) -> bool:
        return mine[line.encode()] and mask.of(line) == line

    return found.proof.only(CASE_ACTIONS, told)
