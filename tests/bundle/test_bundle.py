"""A bundle verifies, verifies nowhere once a byte of it has changed, and tells each reader what is
for them."""

from __future__ import annotations

import ast
import contextlib
import csv
import hashlib
import io
import json
import random
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

from alerts.audit_tables import audit_entry
from alerts.tables import alert as alert_table
from api.app import create_app
from detector.audit.keys import signing_key
from detector.bundle import fonts, verify
from detector.bundle.archive import as_json, sealed
from detector.bundle.build import Asked, build, event, made_by
from detector.bundle.gather import Evidence
from detector.bundle.profiles import Profile, as_rows, redacted
from detector.bundle.verify import CHAIN, ENTRIES, MANIFEST, SIGNATURE, faults, packed, unpacked
from detector.bundle.wording import LANGS, words
from detector.cli.main import app
from detector.database import reading, writing
from detector.people.permissions import Role
from detector.system import System
from features.errors import WardenError
from tests.bundle.conftest import LATER, NAMES, PAYLOADS, SECRET, a_tender, an_incident
from tests.detector.homes import HONEST, RING
from tests.signed import enroll

TRIES = 500


def files_of(system: System, asked: Asked) -> dict[str, bytes]:
    return unpacked(build(system, asked, LATER))


def everything(files: Mapping[str, bytes]) -> str:
    """All that can be read as text; of PDFs there is an HTML twin."""
    kept = (b for n, b in files.items() if not n.endswith((".pdf", "verify.py")))
    return "\n".join(content.decode() for content in kept)


def test_a_bundle_is_refused_after_one_flipped_byte_anywhere(
    system: System, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file in turn, and every part of the archive around them."""
    files = unpacked(whole)
    assert faults(files, made_by(system)) == []
    assert {"report.zh.pdf", "report.en.html", "sources/bids.csv", CHAIN} <= set(files)
    # a pure function; most tries leave what is signed as it is
    monkeypatch.setattr(verify, "signed_by", lru_cache(verify.signed_by))
    draw, names = random.Random(5), sorted(files)
    for number in range(TRIES):
        name = names[number % len(names)]
        content = bytearray(files[name])
        place = draw.randrange(len(content))
        content[place] ^= 1 << draw.randrange(8)
        found = faults({**files, name: bytes(content)})
        assert found, f"{name} at {place}"
    for _ in range(60):
        place = draw.choice((draw.randrange(len(whole)), len(whole) - 1 - draw.randrange(1500)))
        changed = bytearray(whole)
        changed[place] ^= 1 << draw.randrange(8)
        # most are refused for the archive itself
        with contextlib.suppress(ValueError):
            assert faults(unpacked(bytes(changed))), place
    for name in names:
        assert faults({n: b for n, b in files.items() if n != name}), f"without {name}"
    assert faults({**files, "more.txt": b""}) == ["more.txt was added."]


def test_the_same_alert_at_the_same_moment_gives_the_same_bytes(system: System) -> None:
    asked = Asked(an_incident(system), langs=("zh",))
    one = build(system, asked, LATER)
    assert build(system, asked, LATER) == one
    other = unpacked(build(system, asked, LATER + timedelta(hours=1)))
    differing = {name for name, content in unpacked(one).items() if content != other[name]}
    assert differing == {
        MANIFEST, SIGNATURE, "audit/checkpoint.json", "ocsf.json", "report.zh.html",
        "report.zh.pdf",
    }  # fmt: skip


def test_the_verifier_stands_alone(system: System, tmp_path: Path) -> None:
    whole = build(system, Asked(an_incident(system), langs=("en",)), LATER)
    files = unpacked(whole)
    imported = {
        name.name.split(".")[0] if isinstance(node, ast.Import) else str(node.module).split(".")[0]
        for node in ast.walk(ast.parse(files["verify.py"]))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert imported <= sys.stdlib_module_names
    program, archive, folder = tmp_path / "v.py", tmp_path / "b.zip", tmp_path / "unpacked"
    program.write_bytes(files["verify.py"])
    archive.write_bytes(whole)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(program), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    fine = run(archive, "--key", made_by(system))
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert made_by(system) in fine.stdout
    assert run(folder).returncode == 0
    strange = run(archive, "--key", "0" * 16)
    assert (strange.returncode, "not by" in strange.stdout) == (4, True)
    (folder / "alert.json").write_bytes(files["alert.json"].replace(b"closed", b"opened"))
    broken = run(folder)
    assert (broken.returncode, "alert.json was changed." in broken.stdout) == (4, True)


def test_signatures_are_checked_as_the_library_checks_them() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    draw = random.Random(3)
    for size in (0, 1, 63, 64, 1000):
        key = Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))
        public, message = key.public_key().public_bytes_raw(), draw.randbytes(size)
        signature = key.sign(message)
        assert verify.signed_by(public, message, signature)
        assert not verify.signed_by(public, message + b"x", signature)
        for part in (signature, public):
            wrong = bytearray(part)
            wrong[draw.randrange(len(part))] ^= 1 << draw.randrange(8)
            pair = (public, bytes(wrong)) if part is signature else (bytes(wrong), signature)
            assert not verify.signed_by(pair[0], message, pair[1])
        # the same signature in a second spelling, which RFC 8032 forbids
        s = int.from_bytes(signature[32:], "little") + verify.Q
        assert not verify.signed_by(public, message, signature[:32] + s.to_bytes(32, "little"))
    # RFC 8032, section 7.1, test 2
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verify.signed_by(public, b"\x72", signature)


def test_who_holds_the_key_cannot_change_what_the_trail_says(system: System) -> None:
    """A bundle sealed anew around other entries contradicts its own checkpoint."""
    files = files_of(system, Asked(an_incident(system), langs=("en",)))
    assert b"alert.closed" in files[ENTRIES]
    inside = {n: b for n, b in files.items() if n not in (MANIFEST, SIGNATURE)}
    key = signing_key(system.home)
    for name, old, new in (
        (ENTRIES, b"explained", b"confirmed"),
        (CHAIN, b"explained", b"confirmed"),
        (ENTRIES, files[ENTRIES].splitlines(keepends=True)[0], b"x\n"),
    ):
        changed = {**inside, name: files[name].replace(old, new)}
        assert changed != inside
        found = faults(sealed(changed, {"subject": "x", "created": "x"}, key))
        assert found and all("audit trail" in one or "chain" in one for one in found), found


def test_another_key_is_another_bundle(system: System) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    other = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    forged = sealed({"alert.json": b"{}"}, {"subject": "x", "created": "x"}, other)
    assert faults(forged) == []
    assert "not by" in faults(forged, made_by(system))[0]


def test_who_works_on_it_sees_everything(whole: bytes) -> None:
    files = unpacked(whole)
    text = everything(files)
    for told in (SECRET, "Ben Decider", "Birch told us why.", "alert.closed", *RING):
        assert told in text
    bids = list(csv.DictReader(io.StringIO(files["sources/bids.csv"].decode())))
    assert {row["bidder_id"] for row in bids} == set(RING)
    rules = [n for n in files if n.startswith("rules/")]
    assert rules and all(b"condition:" in files[name] for name in rules)
    assert json.loads(files["replay.json"])["outcome"] == "identical"
    law = json.loads(files["law.json"])
    assert law and all(one["in_force"] for one in law)
    assert "涉嫌" in files["report.zh.html"].decode()
    for lang in LANGS:
        assert files[f"report.{lang}.pdf"].startswith(b"%PDF-")
        assert files[f"charts/{lang}-1.svg"].startswith(b"<svg")
    manifest = json.loads(files[MANIFEST])
    assert manifest["fonts"][0]["from"] == "shipped"
    assert manifest["not_shown"] == []


def test_the_firm_concerned_sees_itself_and_no_other(
    system: System, tender: Evidence, whole: bytes
) -> None:
    with pytest.raises(WardenError, match="exactly one firm"):
        redacted(tender, Profile.PARTY)
    with pytest.raises(WardenError, match="does not concern"):
        redacted(tender, Profile.PARTY, HONEST[0])
    internal = unpacked(whole)
    files = files_of(system, Asked(a_tender(system), Profile.PARTY, ("en",), "R2"))
    # references of rules number rules, too
    text = everything(files).replace("MON-BID-CV R1", "")
    bids = list(csv.DictReader(io.StringIO(files["sources/bids.csv"].decode())))
    assert [row["bidder_id"] for row in bids] == ["R2"]
    for row in csv.DictReader(io.StringIO(internal["sources/bids.csv"].decode())):
        assert (row["amount"] in text) == (row["bidder_id"] == "R2")
    for firm, name in NAMES.items():
        assert bool(re.search(rf"\b{firm}\b", text)) == (firm == "R2")
        assert (name in text) == (firm == "R2")
    for hidden in (SECRET, "Ann", "Ben", "Birch told us why.", "alert.commented"):
        assert hidden not in text.replace(NAMES["R2"], "")
    assert "alert.closed" in text and CHAIN not in files
    assert faults(files) == []


def test_the_public_learns_the_firm_and_no_rows_or_persons(system: System) -> None:
    files = files_of(system, Asked(an_incident(system), Profile.PUBLIC))
    text = everything(files)
    assert NAMES["R1"] in text
    assert not [name for name in files if name.startswith(("sources/", "audit/"))]
    for hidden in (SECRET, "Ann", "Ben", "Birch told us why.", "R2", NAMES["R2"]):
        assert hidden not in text
    assert "official 1" in text


@pytest.mark.parametrize("profile", list(Profile))
def test_restricted_limits_are_told_only_to_who_may_see_them(
    incident: Evidence, profile: Profile
) -> None:
    found = incident
    rules = {one["rule"] for one in found.features}
    assert found.closed == frozenset() and len(rules) > len(found.rules)
    restricted = [{**rule, "restricted": True} for rule in found.rules]
    closed = replace(found, rules=restricted, closed=frozenset(rules))
    shown = redacted(closed, profile, limits=False)
    assert all(one["threshold"] is None for one in shown.features if one.get("rule"))
    assert all(fact["threshold"] is None for fact in shown.alert["facts"] if fact.get("rule"))
    assert all(rule["text"] is None for rule in shown.rules)
    assert shown.alert["message"] == shown.alert["title"]
    assert shown.alert["suspicion"] is None and not shown.parameters
    if profile is Profile.INTERNAL:
        assert redacted(closed, profile, limits=True) == closed


def test_formulas_in_filings_stay_texts(tender: Evidence, whole: bytes) -> None:
    text = unpacked(whole)["sources/tenders.csv"].decode()
    (row,) = csv.DictReader(io.StringIO(text))
    for name in ("buyer_id", "region", "award_criteria", "source"):
        assert row[name].strip().strip("'").strip() in {p.strip() for p in PAYLOADS}
        assert row[name].startswith("'")
    rows = as_rows(tender)
    assert rows and all(row["feature"] for row in rows)


def test_an_alert_in_blind_review_is_not_handed_out(system: System) -> None:
    other = sa.update(alert_table).where(alert_table.c.state == "open").values(blind=True)
    with writing(system.engine) as connection:
        connection.execute(other)
        query = sa.select(alert_table.c.id).where(alert_table.c.blind)
        alert_id = connection.scalars(query).first()
    with pytest.raises(WardenError, match="blind review"):
        build(system, Asked(str(alert_id)), LATER)


def test_the_event_is_a_detection_finding(system: System) -> None:
    found = json.loads(event(system, Asked(an_incident(system)), LATER))
    required = {"activity_id", "category_uid", "class_uid", "finding_info", "metadata",
                "severity_id", "time", "type_uid"}  # fmt: skip
    assert required <= set(found)
    assert (found["class_uid"], found["category_uid"]) == (2004, 2)
    assert found["type_uid"] == 200403 and found["status_id"] == 4
    assert {"uid", "title"} <= set(found["finding_info"])
    assert found["finding_info"]["analytic"]["type_id"] == 1
    assert found["metadata"]["version"] and found["metadata"]["product"]["vendor_name"]
    assert (found["confidence_id"], found["confidence"]) == (99, str(found["confidence_score"]))
    assert all("uid" in one for one in found["resources"]) and found["metadata"]["uid"]
    assert found["evidences"][0]["data"]["value"] is not None
    assert [one["uid"] for one in found["resources"]] == ["R1"]
    assert found["time"] > 1_500_000_000_000


def test_what_no_font_holds_is_written_as_its_code(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {ord(c) for c in "Aé中国企业，≥Ω"} <= fonts.coverage(fonts.SHIPPED)
    assert fonts.choose("中国 A").fonts[0].shipped
    rare = fonts.choose("a\ue123\U000f1234")
    assert rare.shown("a\ue123") == "a[U+E123]"
    monkeypatch.setattr(fonts, "SHIPPED", Path("nowhere.otf"))
    monkeypatch.setattr(fonts, "_of_machine", lambda: ())
    assert fonts.choose("中").missing == {"中"}
    files = files_of(system, Asked(an_incident(system), langs=("zh",)))
    manifest = json.loads(files[MANIFEST])
    assert manifest["fonts"] == [] and "U+8BC1" in manifest["not_shown"]
    assert faults(files) == []


def test_both_languages_say_the_same_and_as_the_pages_say_it() -> None:
    from api.web.wording import words as of_pages

    assert set(words("en")) == set(words("zh"))
    for lang in LANGS:
        codes = {k for k in words(lang) if k.startswith(("unit.", "why.", "kind.", "instrument."))}
        assert {k for k in codes if words(lang)[k] != of_pages(lang).get(k)} == set()


def test_handing_out_is_entered_before_it_is_done(system: System, tmp_path: Path) -> None:
    alert_id, out = an_incident(system), tmp_path / "bundle.zip"
    system.engine.dispose()
    base = ["--home", str(system.home), "bundle", alert_id, "--lang", "en", "--out", str(out)]
    refused = CliRunner().invoke(app, base)
    assert isinstance(refused.exception, WardenError) and not out.exists()
    assert refused.exception.code == "actor_required"
    done = CliRunner().invoke(app, [*base, "--profile", "public", "--actor", "Ann"])
    assert done.exit_code == 0, done.output
    assert faults(unpacked(out.read_bytes()), made_by(system)) == []

    names = {role: enroll(system, role.value, [role]) for role in (Role.READER, Role.REGULATOR)}
    door = TestClient(create_app(system), base_url="http://127.0.0.1:8000")
    address = f"/api/v1/alerts/{alert_id}/bundle?format=ocsf"
    assert door.get(address).status_code == 401
    assert door.get(address, headers=names[Role.READER]).status_code == 403
    given = door.get(address, headers=names[Role.REGULATOR])
    assert given.status_code == 200 and given.json()["class_uid"] == 2004
    assert alert_id in given.headers["content-disposition"]
    missing = door.get("/api/v1/alerts/A-NONE/bundle", headers=names[Role.REGULATOR])
    assert missing.status_code == 404
    with reading(system.engine) as connection:
        query = sa.select(audit_entry.c.data).where(audit_entry.c.action == "bundle.exported")
        told = [json.loads(data) for data in connection.scalars(query.order_by(audit_entry.c.seq))]
    assert [one["form"] for one in told] == ["zip", "ocsf"]
    assert told[0]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert told[1]["sha256"] == hashlib.sha256(given.content).hexdigest()


def test_an_archive_has_one_spelling() -> None:
    files = {"b.txt": b"2", "a.txt": b"1"}
    assert unpacked(packed(files)) == dict(sorted(files.items()))
    with pytest.raises(ValueError, match="changed between"):
        unpacked(packed(files) + b" ")
    with pytest.raises(ValueError, match="cannot be read"):
        unpacked(b"PK nothing")
    assert as_json({"b": "é", "a": 1}) == '{\n "a": 1,\n "b": "é"\n}\n'.encode()
