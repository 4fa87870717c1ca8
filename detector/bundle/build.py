"""Makes the bundle of an alert, or the same evidence as one OCSF event, and enters that it did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Literal

from alerts.audit_chain import stamp
from detector import second_person
from detector.audit.keys import signing_key
from detector.bundle.archive import archive, as_csv, as_json, sealed
from detector.bundle.gather import Evidence, gather
from detector.bundle.leaving import leave
from detector.bundle.ocsf import finding
from detector.bundle.prints import html, pdf
from detector.bundle.profiles import Profile, as_rows, redacted
from detector.bundle.proof import Proof
from detector.bundle.verify import CHAIN, CHECKPOINT, ENTRIES, fingerprint
from detector.bundle.view import Made, Report, report
from detector.bundle.wording import LANGS, Lang
from detector.second_person import Outgoing

if TYPE_CHECKING:
    from detector.system import System

Files = dict[str, bytes]
Format = Literal["zip", "ocsf"]


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Attributes:
        party: the firm a `party` bundle is for; may be left out where only one is concerned.
        limits: whether the reader may see restricted limits.
    """

    alert_id: str
    profile: Profile = Profile.INTERNAL
    langs: tuple[Lang, ...] = LANGS
    party: str | None = None
    limits: bool = True


def make(
    system: System, asked: Asked, actor: str, form: Format = "zip", approval: int | None = None
) -> bytes:
    """The bytes to hand out; entered as `bundle.exported`, with their hash, before they are.

    Args:
        approval: number of the request a second person has approved, where that takes one.

    Raises:
        WardenError: `alert_not_found`, `blind_review`, `party_required`, `not_concerned`,
            `audit_broken`; `second_person_needed` and what `detector.second_person.admit` says;
            `actor_required`, `audit_unavailable`, and then nothing may be handed out.
    """
    now = system.clock()
    found = _evidence(system, asked, now)
    out = _outgoing(found, asked, form)
    second_person.require(system, out, actor, approval)
    if form == "zip":
        made = _packed(system, found, asked, now)
    else:
        made = as_json(finding(found, asked.profile, now))
    return leave(system, made, out, "alert", actor, approval, now)


def made_by(system: System) -> str:
    """Fingerprint of the key that signs bundles here."""
    return fingerprint(signing_key(system.home).public_key().public_bytes_raw())


def event(system: System, asked: Asked, created: datetime) -> bytes:
    """The alert as an OCSF Detection Finding; enters nothing."""
    return as_json(finding(_evidence(system, asked, created), asked.profile, created))


def outgoing(system: System, asked: Asked, form: Format = "zip") -> Outgoing:
    """What would leave, measured; enters nothing."""
    return _outgoing(_evidence(system, asked, system.clock()), asked, form)


def _outgoing(found: Evidence, asked: Asked, form: Format) -> Outgoing:
    options = {
        "profile": asked.profile.value, "form": form, "languages": list(asked.langs),
        "party": asked.party, "limits": asked.limits,
    }  # fmt: skip
    rows, digest = contents_of([found])
    return Outgoing("alert_bundle", asked.alert_id, 1, rows, digest, options)


def contents_of(found: Collection[Evidence]) -> tuple[int, str]:
    """How many filed rows stand behind some alerts, and the hash of what they and the rows say."""
    said = [
        {
            "alert": one.alert["id"],
            "version": one.alert["version"],
            "filed": {name: table.rows for name, table in one.sources.tables.items()},
        }
        for one in found
    ]
    rows = sum(len(t.rows) for one in found for t in one.sources.tables.values())
    return rows, second_person.sha256(as_json(said))


def build(system: System, asked: Asked, created: datetime) -> bytes:
    """The archive; enters nothing. The same alert at the same moment gives the same bytes."""
    return _packed(system, _evidence(system, asked, created), asked, created)


def _packed(system: System, found: Evidence, asked: Asked, created: datetime) -> bytes:
    key = signing_key(system.home)
    made = Made(asked.profile, created.isoformat(timespec="seconds"), made_by(system))
    fonts: dict[str, dict[str, object]] = {}
    missing: set[str] = set()
    files = {**data_files(found, asked.profile, created), **common_files(found.proof)}
    for lang in asked.langs:
        shown = report(found, made, lang)
        files[f"report.{lang}.html"] = html(shown)
        files[f"report.{lang}.pdf"], choice = pdf(shown, created)
        fonts |= {font.family: font.as_dict() for font in choice.fonts}
        missing |= choice.missing
        files |= chart_files(shown, lang)
    told = {
        "subject": asked.alert_id,
        "alert_version": found.alert["version"],
        "created": stamp(created),
        "made_by": f"Marketwarden {version('marketwarden')}",
        "profile": asked.profile.value,
        "languages": list(asked.langs),
        "fonts": [fonts[name] for name in sorted(fonts)],
        "not_shown": [f"U+{ord(c):04X}" for c in sorted(missing)],
        "left_out": {
            name: one.left_out for name, one in found.sources.tables.items() if one.left_out
        },
    }
    return archive(sealed(files, told, key))


def _evidence(system: System, asked: Asked, created: datetime) -> Evidence:
    found = gather(system, asked.alert_id, created)
    return redacted(found, asked.profile, asked.party, limits=asked.limits)


def data_files(found: Evidence, profile: Profile, created: datetime) -> Files:
    """Everything about an alert that is the same in every language."""
    rows = as_rows(found)
    files: Files = {
        "alert.json": as_json(found.alert),
        "law.json": as_json(found.law),
        "decisions.json": as_json(found.history),
        "replay.json": as_json(found.replay),
        "ocsf.json": as_json(finding(found, profile, created)),
    }
    if rows:
        files["features.csv"] = as_csv(list(rows[0]), rows)
    for rule in found.rules:
        if rule["text"]:
            files[f"rules/{rule['id']}@{rule['version']}.yaml"] = rule["text"].encode()
    files |= {f"parameters/{n}.json": f"{t}\n".encode() for n, t in found.parameters.items()}
    for name, one in found.sources.tables.items():
        files[f"sources/{name}.csv"] = as_csv(one.columns, one.rows)
    return files


def common_files(proof: Proof) -> Files:
    """The verifier, and the entries of the audit trail with what proves them."""
    files = {"verify.py": resources("detector.bundle").joinpath("verify.py").read_bytes()}
    if proof.lines:
        files[CHECKPOINT] = proof.checkpoint
        files[ENTRIES] = _lines(proof.lines)
        files |= {CHAIN: _lines(proof.chain)} if proof.chain else {}
    return files


def _lines(lines: Collection[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def chart_files(shown: Report, lang: Lang) -> Files:
    """The pictures of a report."""
    drawn = [b["svg"] for s in shown.sections for b in s.blocks if b["kind"] == "chart"]
    return {f"charts/{lang}-{n}.svg": svg.encode() for n, svg in enumerate(drawn, 1)}
