"""Makes the bundle of a case, or the case as one OCSF event, and enters that it did."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from alerts.audit_chain import stamp
from alerts.case_model import EVERYWHERE, CaseReach
from alerts.limits import NONE, Limits
from detector import second_person
from detector.audit.keys import signing_key
from detector.bundle.archive import archive, as_json, sealed
from detector.bundle.build import (
    Files,
    Format,
    chart_files,
    common_files,
    contents_of,
    data_files,
    made_by,
)
from detector.bundle.case_gather import CaseEvidence, gather_case
from detector.bundle.case_profiles import redacted_case
from detector.bundle.case_view import case_report, folder_of
from detector.bundle.leaving import leave
from detector.bundle.ocsf import incident
from detector.bundle.prints import html, pdf
from detector.bundle.profiles import Profile
from detector.bundle.view import Made, report
from detector.bundle.wording import LANGS, Lang
from detector.second_person import Outgoing

if TYPE_CHECKING:
    from detector.system import System


@dataclass(frozen=True)
class AskedCase:
    """What is asked for.

    Attributes:
        party: the firm a `party` bundle is for; may be left out where the case has only one.
        limits: whether the reader may see restricted limits.
        reach, within: the cases and alerts the reader may see.
    """

    number: str
    profile: Profile = Profile.INTERNAL
    langs: tuple[Lang, ...] = LANGS
    party: str | None = None
    limits: bool = True
    reach: CaseReach = EVERYWHERE
    within: Limits = NONE


def is_number(text: str) -> bool:
    """Whether a text looks like the number of a case, not like the id of an alert."""
    return re.fullmatch(r"C-\d{4}-\d{4,}", text) is not None


def make_case(
    system: System,
    asked: AskedCase,
    actor: str,
    form: Format = "zip",
    approval: int | None = None,
) -> bytes:
    """The bytes to hand out; entered as `bundle.exported`, with their hash, before they are.

    Args:
        approval: number of the request a second person has approved, where that takes one.

    Raises:
        WardenError: `case_not_found`, `hidden_alerts`, `blind_review`, `party_required`,
            `not_concerned`, `audit_broken`; `second_person_needed` and what
            `detector.second_person.admit` says; `actor_required`, `audit_unavailable`, and then
            nothing may be handed out.
    """
    now = system.clock()
    found = _evidence(system, asked, now)
    out = _outgoing(found, asked, form)
    second_person.require(system, out, actor, approval)
    if form == "zip":
        made = pack_case(system, found, asked, now)
    else:
        made = as_json(incident(found, asked.profile, now))
    return leave(system, made, out, "case", actor, approval, now)


def outgoing_case(system: System, asked: AskedCase, form: Format = "zip") -> Outgoing:
    """What would leave, measured; enters nothing."""
    return _outgoing(_evidence(system, asked, system.clock()), asked, form)


def _outgoing(found: CaseEvidence, asked: AskedCase, form: Format) -> Outgoing:
    options = {
        "profile": asked.profile.value, "form": form, "languages": list(asked.langs),
        "party": asked.party, "limits": asked.limits, "version": found.case["version"],
    }  # fmt: skip
    rows, digest = contents_of(found.alerts)
    return Outgoing("case_bundle", asked.number, len(found.alerts), rows, digest, options)


def build_case(system: System, asked: AskedCase, created: datetime) -> bytes:
    """The archive; enters nothing. The same case at the same moment gives the same bytes."""
    return pack_case(system, _evidence(system, asked, created), asked, created)


def _evidence(system: System, asked: AskedCase, created: datetime) -> CaseEvidence:
    found = gather_case(system, asked.number, created, asked.reach, asked.within)
    return redacted_case(found, asked.profile, asked.party, limits=asked.limits)


def pack_case(system: System, found: CaseEvidence, asked: AskedCase, created: datetime) -> bytes:
    """The archive of evidence that was already redacted."""
    made = Made(asked.profile, created.isoformat(timespec="seconds"), made_by(system))
    fonts: dict[str, dict[str, object]] = {}
    missing: set[str] = set()
    files = {**_data(found, asked.profile, created), **common_files(found.proof)}
    for lang in asked.langs:
        shown = case_report(found, made, lang)
        files[f"report.{lang}.html"] = html(shown)
        files[f"report.{lang}.pdf"], choice = pdf(shown, created)
        fonts |= {font.family: font.as_dict() for font in choice.fonts}
        missing |= choice.missing
        files |= chart_files(shown, lang)
        for one in found.alerts:
            own = report(one, made, lang)
            inside = {f"report.{lang}.html": html(own), **chart_files(own, lang)}
            files |= _under(str(one.alert["id"]), inside)
    told = {
        "subject": asked.number,
        "case_version": found.case["version"],
        "alerts": {str(one.alert["id"]): one.alert["version"] for one in found.alerts},
        "alerts_left_out": found.left_out,
        "created": stamp(created),
        "made_by": f"Marketwarden {version('marketwarden')}",
        "profile": asked.profile.value,
        "languages": list(asked.langs),
        "fonts": [fonts[name] for name in sorted(fonts)],
        "not_shown": [f"U+{ord(c):04X}" for c in sorted(missing)],
        "left_out": {
            f"{one.alert['id']}/{name}": table.left_out
            for one in found.alerts
            for name, table in one.sources.tables.items()
            if table.left_out
        },
    }
    return archive(sealed(files, told, signing_key(system.home)))


def _data(found: CaseEvidence, profile: Profile, created: datetime) -> Files:
    """Everything that is the same in every language."""
    files: Files = {
        "case.json": as_json(found.case),
        "parties.json": as_json(found.parties),
        "interventions.json": as_json(found.interventions),
        "timeline.json": as_json(found.timeline),
        "ocsf.json": as_json(incident(found, profile, created)),
    }
    if profile is Profile.INTERNAL:
        files |= {"tasks.json": as_json(found.tasks), "notes.json": as_json(found.notes)}
    for one in found.alerts:
        files |= _under(str(one.alert["id"]), data_files(one, profile, created))
    return files


def _under(alert_id: str, files: Files) -> Files:
    return {f"{folder_of(alert_id)}{name}": content for name, content in files.items()}
