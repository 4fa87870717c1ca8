"""Opening a dossier: for a purpose and a case, by a named person, with an entry in the audit trail.

The entry is written before anything is read: where it cannot be written, nothing is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerts import audit
from alerts.jurisdictions import reach
from alerts.store import storable
from detector.concerned import seats_of
from detector.database import reading, writing
from detector.dossier.alerts import alerts_about
from detector.dossier.subject import Subject, find_subject, firm_not_found
from detector.people.limits import limits_of
from features.errors import WardenError

if TYPE_CHECKING:
    from alerts.connections import ReadConnection
    from detector.system import System

LONGEST_PURPOSE = 200
LONGEST_CASE = 64
LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Visit:
    """Who opens a dossier and why.

    Attributes:
        purpose: in a few words, without names of persons: the audit trail keeps them as they are.
        case: number of the case, alert or request it belongs to.
    """

    actor: str
    purpose: str
    case: str


def visit_of(actor: str, purpose: str | None, case: str | None) -> Visit:
    """The visit, checked.

    Raises:
        WardenError: `purpose_required` without either, or with one that cannot be kept.
    """
    why, number = (purpose or "").strip(), (case or "").strip()
    fine = 0 < len(why) <= LONGEST_PURPOSE and 0 < len(number) <= LONGEST_CASE
    if not fine or not storable(why + number):
        raise WardenError(
            "purpose_required",
            "A dossier is opened for a purpose and a case; one of them is missing or too long.",
            "Say both: `purpose` in a few words (up to 200 characters, no names of persons) and "
            "`case`, the number of the case or alert (up to 64). Over HTTP as query fields, or as "
            "the headers X-Purpose and X-Case.",
        )
    return Visit(actor, why, number)


def open_dossier(system: System, firm_id: str, visit: Visit, part: str) -> Subject:
    """The subject of a dossier, once the visit is in the audit trail.

    Args:
        part: what is read: `dossier`, `network`, `timeline`, `coverage`, `filings` or `peers`.

    Raises:
        WardenError: `firm_not_found`; `audit_unavailable`, and then nothing was shown.
    """
    if len(firm_id) > LONGEST_ID or not storable(firm_id):
        raise firm_not_found(firm_id[:LONGEST_ID].encode(errors="replace").decode())
    subject = find_subject(system, firm_id)
    with reading(system.engine) as connection:
        within = limits_of(connection, visit.actor, system.settings)
        subject = replace(subject, within=within)
        if not _within_reach(connection, system, subject):
            raise firm_not_found(firm_id)
    with writing(system.engine) as connection:
        audit.record(
            connection,
            actor=visit.actor,
            action="dossier.read",
            kind="firm",
            key=firm_id,
            data={"part": part, "purpose": visit.purpose, "case": visit.case},
            now=system.clock(),
        )
    return subject


def _within_reach(connection: ReadConnection, system: System, subject: Subject) -> bool:
    """Whether whoever is limited to jurisdictions may know of the firm: by where it has its seat,
    or by an alert about it that is theirs."""
    if subject.within.jurisdictions is None:
        return True
    seats = seats_of(system.lake, subject.snapshot, subject.own | {subject.firm_id})
    codes = reach(set().union(*seats.values()))
    return subject.within.reach(codes) or alerts_about(connection, subject)["n"] > 0
