"""A decision recorded wrongly is corrected; what was recorded before stays on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from alerts.audit_tables import audit_entry
from alerts.case_corrections import correct, one_intervention
from alerts.case_model import CaseHand, CaseState, NewCase
from alerts.case_remedies import (
    Followed,
    Intervention,
    InterventionKind,
    Target,
    Verdict,
    intervene,
    intervention_from,
    keep_follow_up,
)
from alerts.case_store import events_of
from alerts.cases import CaseChange, change_case, open_case
from detector.database import reading, writing
from features.errors import WardenError
from tests.alerts.samples import LATER, NOW

ANA, BEN = CaseHand("Ana", NOW), CaseHand("Ben", LATER)
STAYS = Target("cover_win_rate", "firm_y", "F1", "up", date(2026, 12, 1))
GOES = Target("cover_win_rate", "firm_y", "F2", "up", date(2026, 12, 1))
FINE = Intervention(
    InterventionKind.FINE, date(2026, 1, 5), "Fine.", "Art. 17", 5e6, "CNY", (STAYS, GOES)
)


@pytest.fixture
def number(engine: Engine) -> str:
    """A decided case with a fine, of whose targets one was found to have moved."""
    with writing(engine) as connection:
        made = open_case(connection, NewCase("road works"), [], {}, ANA).number
        for state in (CaseState.IN_PROGRESS, CaseState.DECIDED):
            change_case(connection, made, CaseChange(state=state), ANA)
        intervene(connection, made, FINE, ANA)
        for target in (1, 2):
            found = Followed(
                target, "run-1", Verdict.MOVED, None, {"effect": 0.2, "interval": None}
            )
            keep_follow_up(connection, made, found, ANA)
    return made


def corrected(
    engine: Engine, number: str, wanted: Intervention, version: int | None = None
) -> None:
    with writing(engine) as connection:
        hand = replace(BEN, version=version)
        correct(connection, number, 1, wanted, "A digit was missing.", hand)


def test_a_correction_counts_and_the_old_stays_on_record(engine: Engine, number: str) -> None:
    corrected(engine, number, replace(FINE, amount=5.5e6, targets=(STAYS,)))
    corrected(engine, number, replace(FINE, amount=5.5e6, text="Fine of five.", targets=(STAYS,)))
    with reading(engine) as connection:
        now = one_intervention(connection, number, 1)
        events = events_of(connection, number)
        query = sa.select(audit_entry.c.data).where(audit_entry.c.action == "case.corrected")
        entries = list(connection.scalars(query))
    assert (now["version"], now["amount"], now["text"]) == (3, 5.5e6, "Fine of five.")
    # who entered it stays who entered it
    assert (now["added_by"], now["corrected_at"]) == ("Ana", LATER.isoformat())
    first, second = now["earlier"]
    assert (first["version"], first["amount"], second["amount"]) == (1, 5e6, 5.5e6)
    assert first["corrected"] == {
        "by": "Ben", "at": LATER.isoformat(), "why": "A digit was missing.",
    }  # fmt: skip
    # what was found about a target that went stays with the version that had it
    assert [t["follow_up"]["verdict"] for t in first["targets"]] == ["moved", "moved"]
    assert [t["follow_up"]["verdict"] for t in now["targets"]] == ["moved"]
    assert events[-2]["data"]["fields"] == ["amount", "targets"]
    assert len(entries) == 2 and "Fine of five." not in entries[1]


def test_another_day_of_decision_asks_for_another_comparison(engine: Engine, number: str) -> None:
    corrected(engine, number, replace(FINE, decided_on=date(2026, 1, 6)))
    with reading(engine) as connection:
        now = one_intervention(connection, number, 1)
    assert [t["follow_up"] for t in now["targets"]] == [None, None]
    assert now["earlier"][0]["targets"][0]["follow_up"]["verdict"] == "moved"


def test_a_decision_is_read_back_as_it_was_made(engine: Engine, number: str) -> None:
    with reading(engine) as connection:
        assert intervention_from(one_intervention(connection, number, 1)) == replace(
            FINE, targets=[STAYS, GOES]
        )


@pytest.mark.parametrize(
    ("wanted", "version", "code"),
    [
        (FINE, None, "nothing_changed"),
        (replace(FINE, amount=1.0), 1, "stale_version"),
        (replace(FINE, currency=None), None, "bad_amount"),
        (replace(FINE, text=" "), None, "text_required"),
        (replace(FINE, decided_on=date(2999, 1, 1)), None, "bad_target"),
    ],
)
def test_what_is_no_correction_changes_nothing(
    engine: Engine, number: str, wanted: Intervention, version: int | None, code: str
) -> None:
    with pytest.raises(WardenError) as refused:
        corrected(engine, number, wanted, version)
    assert refused.value.code == code
    with reading(engine) as connection:
        assert one_intervention(connection, number, 1)["version"] == 1
        with pytest.raises(WardenError, match="no decision 2"):
            one_intervention(connection, number, 2)
