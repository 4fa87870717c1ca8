"""Innocent explanations answered with a reason, and how alerts of one kind ended."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from alerts.alike import ended_alike
from alerts.changing import Hand
from alerts.doubts import Standing, answer, doubts
from alerts.inbox import export_alerts, get_alert
from alerts.lifecycle import decide
from alerts.limits import Limits
from detector.database import reading, writing
from features.errors import WardenError
from features.intervals import wilson
from tests.alerts.samples import LATER, NOW, run, signal

TWO = ({"en": "a regulated price", "zh": "政府定价"}, {"en": "a small market", "zh": "市场很小"})


def ids(engine: sa.Engine) -> dict[str, str]:
    with reading(engine) as connection:
        return {a["subject"]["key"]: a["id"] for a in export_alerts(connection)}


def test_the_newest_answer_stands_and_the_older_stay_in_the_history(engine: sa.Engine) -> None:
    run(engine, [signal(innocent=TWO)])
    one = ids(engine)["F1"]
    with writing(engine) as connection:
        answer(connection, one, Hand("lin", 1, NOW), 2, Standing.FITS, "Three sellers in all.")
    with writing(engine) as connection:
        after = answer(
            connection, one, Hand("Reviewer 3", 2, LATER), 2, Standing.DOES_NOT_FIT, "It is five."
        )
    assert after.version == 3
    with reading(engine) as connection:
        alert, history = get_alert(connection, one)
    first, second = doubts(alert.signal.innocent, history)
    assert (first.standing, first.by) == (Standing.NOT_CHECKED, None)
    assert (second.standing, second.note, second.by, second.at) == (
        Standing.DOES_NOT_FIT, "It is five.", "Reviewer 3", LATER,
    )  # fmt: skip
    # a later run that tells them in another order keeps each answer beside its explanation
    assert doubts(TWO[::-1], history)[0].standing == Standing.DOES_NOT_FIT
    assert [event.kind.value for event in history] == ["opened", "answered", "answered"]


@pytest.mark.parametrize(
    ("version", "number", "standing", "note", "code"),
    [
        (1, 3, Standing.FITS, "Seen.", "explanation_not_found"),
        (1, 0, Standing.FITS, "Seen.", "explanation_not_found"),
        (1, 1, Standing.DOES_NOT_FIT, " ", "note_required"),
        (2, 1, Standing.FITS, "Seen.", "stale_version"),
    ],
)
def test_an_answer_names_what_it_rests_on(
    engine: sa.Engine, version: int, number: int, standing: Standing, note: str, code: str
) -> None:
    run(engine, [signal(innocent=TWO)])
    one = ids(engine)["F1"]
    with pytest.raises(WardenError) as caught, writing(engine) as connection:
        answer(connection, one, Hand("lin", version, NOW), number, standing, note)
    assert caught.value.code == code


def test_like_alerts_tell_how_they_ended_with_the_interval_of_their_share(
    engine: sa.Engine,
) -> None:
    others = [signal(f"F{i}", severity=2) for i in range(7)]
    new_year = {"period_start": date(2026, 1, 1), "period_end": date(2026, 12, 31)}
    run(engine, [*others, signal("F1", typology="MON-BID-RD"), signal("F1", **new_year)])
    with reading(engine) as connection:
        told = export_alerts(connection)
    kind = {(a["subject"]["key"], a["typology"]): a["id"] for a in told if a["severity"] == 2}
    reasons = ["confirmed", "confirmed", "explained", "data_error", "insufficient", "referred"]
    for i, reason in enumerate(reasons):
        with writing(engine) as connection:
            one = kind[f"F{i}", "MON-BID-CV"]
            decide(connection, one, "lin", "close", reason, "Seen.", 1, LATER)
    [new] = [a["id"] for a in told if a["severity"] == 3 and a["typology"] == "MON-BID-CV"]
    with reading(engine) as connection:
        alert = get_alert(connection, new).alert
        found = ended_alike(connection, alert)
        nothing = ended_alike(connection, alert, Limits(typologies=frozenset({"MON-BID-RD"})))
    assert (found.looked_at, found.decided, found.share) == (6, 4, 0.5)
    assert (found.low, found.high) == wilson(2, 4)
    assert not found.enough
    assert found.by_reason["referred"] == 1
    assert found.latest[0].same_subject
    assert found.latest[0].subject["key"] == "F1"
    assert {one.days for one in found.latest} == {1}
    assert (nothing.looked_at, nothing.share, nothing.low) == (0, None, None)
