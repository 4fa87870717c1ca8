"""The bundle of a case: whole for who works on it, and for others no more than concerns them."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

from alerts.audit_tables import audit_entry
from alerts.case_model import CaseHand, CaseState, NewCase, PartyRole
from alerts.case_remedies import Intervention, InterventionKind
from alerts.case_work import add_note, add_task
from alerts.cases import CaseChange, change_case
from alerts.limits import Limits
from api.app import create_app
from detector.bundle.build import made_by
from detector.bundle.case_build import AskedCase, build_case, is_number, pack_case
from detector.bundle.case_gather import CaseEvidence, gather_case
from detector.bundle.case_profiles import redacted_case
from detector.bundle.ocsf import incident
from detector.bundle.profiles import Profile
from detector.bundle.verify import ENTRIES, MANIFEST, faults, unpacked
from detector.case_parties import open_on_alerts
from detector.cli.main import app
from detector.database import reading, writing
from detector.people.permissions import Role
from detector.remedies.targets import Goal, decide
from detector.system import System, open_system
from features.errors import WardenError
from tests.bundle.conftest import LATER, NAMES, SECRET, a_tender, an_incident
from tests.bundle.test_bundle import everything
from tests.detector.homes import HONEST
from tests.signed import enroll

ANN = CaseHand("Ann Opener", LATER)
SUBJECT, OTHER, COMPLAINS = "R1", "R2", HONEST[0]


@dataclass(frozen=True)
class Told:
    """An installation with a decided case, and everything about it."""

    system: System
    number: str
    found: CaseEvidence

    def files(self, asked: AskedCase) -> dict[str, bytes]:
        """The bundle, without gathering again."""
        shown = redacted_case(self.found, asked.profile, asked.party)
        return unpacked(pack_case(self.system, shown, asked, LATER))


@pytest.fixture(scope="module")
def told(bundled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A decided case on a tender and an incident, against two firms, on a complaint."""
    home = Path(shutil.copytree(bundled, tmp_path_factory.mktemp("case") / "home"))
    system = open_system(home, clock=lambda: LATER)
    parties = {SUBJECT: PartyRole.SUBJECT, OTHER: PartyRole.SUBJECT,
               COMPLAINS: PartyRole.COMPLAINANT}  # fmt: skip
    ids = [a_tender(system), an_incident(system)]
    title = NewCase(f"Ring around {NAMES[OTHER]}", "north")
    number = open_on_alerts(system, title, ids, ANN, parties).number
    with writing(system.engine) as connection:
        add_task(connection, number, "Call the courier.", ANN)
        add_note(connection, number, "**Envelopes** of one hand.", ANN)
        for state in (CaseState.IN_PROGRESS, CaseState.DECIDED):
            change_case(connection, number, CaseChange(state=state), ANN)
    order = Intervention(InterventionKind.FINE, date(2026, 5, 1), "Stop.", "Art. 17", 5e6, "CNY")
    goals = [Goal("cover_win_rate", "up", date(2027, 1, 1), firm) for firm in (SUBJECT, OTHER)]
    decide(system, number, order, goals, ANN)
    yield Told(system, number, gather_case(system, number, LATER))
    system.engine.dispose()


def test_a_case_is_handed_out_whole_and_refused_after_any_flip(told: Told) -> None:
    files = told.files(AskedCase(told.number))
    assert faults(files, made_by(told.system)) == []
    ids = (a_tender(told.system), an_incident(told.system))
    for alert_id in ids:
        inside = {"alert.json", "law.json", "report.zh.html", "replay.json", "ocsf.json"}
        assert {f"alerts/{alert_id}/{name}" for name in inside} <= set(files)
        assert alert_id in files["report.en.html"].decode()
    text = everything(files)
    for shown in ("Call the courier.", "Envelopes", "Ann Opener", SECRET, "Stop.", COMPLAINS):
        assert shown in text
    assert "案件证据报告" in files["report.zh.html"].decode()
    assert files["report.zh.pdf"].startswith(b"%PDF-")
    entries = files[ENTRIES].decode()
    assert "case.opened" in entries and "alert.closed" in entries
    assert json.loads(files[MANIFEST])["alerts_left_out"] == 0
    draw, names = random.Random(7), sorted(files)
    for name in names[:: max(1, len(names) // 40)]:
        content = bytearray(files[name])
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        assert faults({**files, name: bytes(content)}), name


def test_a_manifest_that_is_not_as_it_was_signed_is_refused_whatever_it_says(told: Told) -> None:
    """Also where a name in it is gone: nothing in it is looked at."""
    files = told.files(AskedCase(told.number, Profile.PUBLIC, ("en",)))
    manifest = files[MANIFEST].replace(b'"bytes"', b'"bytez"')
    assert "was changed" in faults({**files, MANIFEST: manifest})[0]


def test_a_party_sees_what_is_about_it_and_nobody_else(told: Told) -> None:
    with pytest.raises(WardenError, match="3 parties"):
        redacted_case(told.found, Profile.PARTY)
    with pytest.raises(WardenError, match="no party"):
        redacted_case(told.found, Profile.PARTY, "R3")
    files = told.files(AskedCase(told.number, Profile.PARTY, ("en",), OTHER))
    assert faults(files) == []
    # the incident is of R1 alone
    assert json.loads(files[MANIFEST])["alerts_left_out"] == 1
    assert not [name for name in files if an_incident(told.system) in name]
    text = everything(files).replace("MON-BID-CV R1", "")
    for hidden in (
        NAMES[SUBJECT],
        COMPLAINS,
        "Ann Opener",
        "north",
        "Envelopes",
        "courier",
        SECRET,
    ):
        assert hidden not in text, hidden
    assert NAMES[OTHER] in text and "Stop." in text
    goals = json.loads(files["interventions.json"])[0]["targets"]
    assert [one["subject_key"] for one in goals] == [OTHER]
    roles = [one["role"] for one in json.loads(files["parties.json"])]
    assert roles == ["subject", "subject"]
    entries = files[ENTRIES].decode()
    assert "case.moved" in entries and "case.opened" not in entries


def test_the_public_learns_the_subjects_alone(told: Told) -> None:
    files = told.files(AskedCase(told.number, Profile.PUBLIC, ("en",)))
    text = everything(files)
    assert NAMES[SUBJECT] in text and NAMES[OTHER] in text
    assert not [name for name in files if "sources/" in name or name.startswith("audit/")]
    for hidden in (COMPLAINS, NAMES["R3"], "Ann Opener", "Ben Decider", "courier", SECRET):
        assert hidden not in text, hidden


def test_a_case_as_one_event_names_its_findings(told: Told) -> None:
    """Required of an incident finding by the schema, and its constraint."""
    found = incident(told.found, Profile.INTERNAL, LATER)
    required = {"activity_id", "category_uid", "class_uid", "finding_info_list", "metadata",
                "severity_id", "status_id", "time", "type_uid"}  # fmt: skip
    assert required <= set(found) and "assignee_group" in found
    assert (found["class_uid"], found["type_uid"], found["status_id"]) == (2005, 200502, 4)
    assert {one["uid"] for one in found["finding_info_list"]} == {
        a_tender(told.system), an_incident(told.system),
    }  # fmt: skip
    assert all(one["analytic"]["type_id"] in (1, 4) for one in found["finding_info_list"])


def test_a_case_is_handed_out_whole_or_not_at_all(told: Told) -> None:
    few = Limits(frozenset({"PRIV-BREACH-LATE"}))
    with pytest.raises(WardenError, match="1 alerts you may not see"):
        build_case(told.system, AskedCase(told.number, within=few), LATER)


def test_both_doors_take_the_number_of_a_case(told: Told, tmp_path: Path) -> None:
    system, number = told.system, told.number
    assert is_number(number) and not is_number(a_tender(system))
    out = tmp_path / "case.json"
    base = ["--home", str(system.home), "bundle", number, "--format", "ocsf", "--out", str(out)]
    done = CliRunner().invoke(app, [*base, "--profile", "public", "--actor", "Ann"])
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text())["metadata"]["labels"] == ["profile:public"]
    door = TestClient(create_app(system), base_url="http://127.0.0.1:8000")
    names = {role: enroll(system, role.value, [role]) for role in (Role.READER, Role.REGULATOR)}
    address = f"/api/v1/cases/{number}/bundle?lang=en"
    assert door.get(address, headers=names[Role.READER]).status_code == 403
    given = door.get(address, headers=names[Role.REGULATOR])
    assert faults(unpacked(given.content), made_by(system)) == []
    missing = door.get("/api/v1/cases/C-2026-0099/bundle", headers=names[Role.REGULATOR])
    assert missing.json()["code"] == "case_not_found"
    with reading(system.engine) as connection:
        columns = audit_entry.c
        query = sa.select(columns.key).where(columns.action == "bundle.exported")
        assert list(connection.scalars(query)) == [number, number]
