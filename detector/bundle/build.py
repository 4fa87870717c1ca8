"""Makes the bundle of an alert, or the same evidence as one OCSF event, and enters that it did."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Any, Literal

from alerts import audit
from alerts.audit_chain import stamp
from detector.audit.keys import signing_key
from detector.bundle.archive import archive, as_csv, as_json, sealed
from detector.bundle.gather import Evidence, gather
from detector.bundle.ocsf import finding
from detector.bundle.prints import html, pdf
from detector.bundle.profiles import Profile, as_rows, redacted
from detector.bundle.proof import EXPORTED, Proof
from detector.bundle.verify import CHAIN, CHECKPOINT, ENTRIES, fingerprint
from detector.bundle.view import Made, Report, report
from detector.bundle.wording import LANGS, Lang
from detector.database import writing

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


def make(system: System, asked: Asked, actor: str, form: Format = "zip") -> bytes:
    """The bytes to hand out; entered as `bundle.exported`, with their hash, before they are.

    Raises:
        WardenError: `alert_not_found`, `blind_review`, `party_required`, `not_concerned`,
            `audit_broken`; `actor_required`, `audit_unavailable`, and then nothing may be handed
            out.
    """
    now = system.clock()
    made = build(system, asked, now) if form == "zip" else event(system, asked, now)
    told: dict[str, Any] = {
        "profile": asked.profile.value, "form": form, "languages": list(asked.langs),
        "party": asked.party, "sha256": hashlib.sha256(made).hexdigest(),
    }  # fmt: skip
    with writing(system.engine) as connection:
        audit.record(
            connection, actor=actor, action=EXPORTED, kind="alert", key=asked.alert_id,
            data=told, now=now,
        )  # fmt: skip
    return made


def made_by(system: System) -> str:
    """Fingerprint of the key that signs bundles here."""
    return fingerprint(signing_key(system.home).public_key().public_bytes_raw())


def event(system: System, asked: Asked, created: datetime) -> bytes:
    """The alert as an OCSF Detection Finding; enters nothing."""
    return as_json(finding(_evidence(system, asked, created), asked.profile, created))


def build(system: System, asked: Asked, created: datetime) -> bytes:
    """The archive; enters nothing. The same alert at the same moment gives the same bytes."""
    found = _evidence(system, asked, created)
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
