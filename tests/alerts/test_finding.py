"""Free text finds what holds it, through every change of an alert, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from alerts import finding
from alerts.finding import says
from alerts.inbox import QueueFilter, counts
from alerts.pipeline import process
from alerts.tables import alert, alert_words
from detector.database import reading, writing
from tests.alerts.samples import NOW, signal

TITLES = {
    "T-1": {"en": 'Paving "Lot 7" & 50% more', "zh": "城东道路铺装"},
    "T-2": {"en": "Ständige Straße_works", "zh": "学校午餐"},
    "T-3": {"en": "a", "zh": "中"},
}


@pytest.fixture
def filled(engine: sa.Engine) -> sa.Engine:
    signals = [signal(subject_key=key, title=title) for key, title in TITLES.items()]
    with writing(engine) as connection:
        process(connection, signals, run_id="R-1", now=NOW)
    return engine


def found(engine: sa.Engine, text: str) -> set[str]:
    with reading(engine) as connection:
        named = sa.select(alert.c.subject_key)
        keys = set(connection.scalars(named.where(says(connection, text))))
        assert counts(connection, QueueFilter(text=text)).total == len(keys)
        with pytest.MonkeyPatch.context() as patched:
            # as where too many say it to be named
            patched.setattr(finding, "FEW", -1)
            assert set(connection.scalars(named.where(says(connection, text)))) == keys
    return keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("paving", {"T-1"}),
        ('"lot 7" & 50%', {"T-1"}),
        ("PAVING  ", {"T-1"}),
        ("道路铺", {"T-1"}),
        ("道路", {"T-1"}),
        ("学校午餐", {"T-2"}),
        ("STRASSE_", {"T-2"}),
        ("STÄND", {"T-2"}),
        ("中", {"T-3"}),
        ("t-", {"T-1", "T-2", "T-3"}),
        ("pav lot", set()),
        ("paving lot", set()),
        ("AND", set()),
        ("lot*", set()),
        ("a_n", set()),
        ("%", {"T-1"}),
        ('"', {"T-1"}),
        ('"""', set()),
    ],
)
def test_text_is_found_wherever_it_stands(filled: sa.Engine, text: str, keys: set[str]) -> None:
    assert found(filled, text) == keys


def test_what_changes_is_found_by_what_it_says_now(filled: sa.Engine) -> None:
    one = alert.c.subject_key == "T-1"
    with writing(filled) as connection:
        connection.execute(sa.update(alert).where(one).values(search_text="bridge lights"))
    assert (found(filled, "paving"), found(filled, "bridge")) == (set(), {"T-1"})
    with writing(filled) as connection:
        connection.execute(sa.update(alert).where(one).values(state="acknowledged"))
    assert found(filled, "bridge") == {"T-1"}
    with reading(filled) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(alert_words)) == 3
