"""Every act of the machine and its operators has its entry, and without the trail is not done."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import sqlalchemy as sa

from alerts.audit_people import names
from alerts.audit_tables import audit_entry
from alerts.lifecycle import second_review
from alerts.tables import alert
from detector import curves, planning
from detector.audit.trail import verify_trail
from detector.database import reading, writing
from detector.extracts import enter_export, extract
from detector.model_audit import curve_entered
from detector.models.versions import CURRENT
from detector.publishing import current
from detector.run import refit, run_detection
from detector.sampling import draw_sample
from detector.shadow_models import promote
from detector.system import System
from features.errors import WardenError
from tests.detector.homes import LATER, file, opened, procurement

Act = Callable[[System], object]


@pytest.fixture(scope="module", autouse=True)
def bids_alone() -> Iterable[None]:
    """One typology is enough here; every fit and run of all takes long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(planning, "judged_typologies", lambda _: {"MON-BID-CV"})
        yield


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    return opened(tmp_path_factory.mktemp("acts") / "home")


def ingest(system: System) -> None:
    for table, rows in zip(("tenders", "bids"), procurement(60, 10), strict=True):
        file(system, system.home.parent / "filed", table, rows)


def ingest_more(system: System) -> None:
    for table, rows in zip(("tenders", "bids"), procurement(70, 10, seed=8), strict=True):
        file(system, system.home.parent / "filed", table, rows, LATER)


def export(system: System) -> None:
    enter_export(system, "scores", extract(system, "scores"), "Ann")


def drop_curve(system: System) -> None:
    with curve_entered(system, None, "Ann"):
        curves.put_in_force(system.home, None)


def review_again(system: System) -> None:
    with writing(system.engine) as connection:
        one = connection.scalar(sa.select(alert.c.id).limit(1))
        closed = {"state": "closed", "close_reason": "confirmed"}
        connection.execute(sa.update(alert).where(alert.c.id == one).values(closed))
        second_review(connection, str(one), "Ben", "confirmed", None, system.clock())


ACTS: tuple[tuple[str, Act, str], ...] = (
    ("batch.taken_in", ingest, "system"),
    ("run.published", lambda s: run_detection(s, actor="Ann"), "Ann"),
    ("batch.taken_in", ingest_more, "system"),
    ("models.fitted", lambda s: refit(s, actor="Ann"), "Ann"),
    ("models.promoted", lambda s: promote(s, None, "Ben", "fresher peers"), "Ben"),
    ("reviews.drawn", lambda s: draw_sample(s, 3, "Ann"), "Ann"),
    ("data.exported", export, "Ann"),
    ("curve.dropped", drop_curve, "Ann"),
    ("alert.second_review", review_again, "Ben"),
)
"""In the order in which an installation does them."""


def stands(system: System) -> tuple[object, ...]:
    """What judges, what is in force and what is filed."""
    listed = system.home / "models" / CURRENT
    with reading(system.engine) as connection:
        alerts = connection.execute(sa.select(alert.c.id, alert.c.version, alert.c.state)).all()
        batches = connection.scalar(sa.text("SELECT count(*) FROM batch"))
        pointers = connection.execute(sa.text("SELECT * FROM lake_pointer")).all()
    text = listed.read_text() if listed.exists() else ""
    return current(system), alerts, batches, pointers, text


def renamed(system: System, old: str, new: str) -> None:
    with writing(system.engine) as connection:
        connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_every_act_has_its_entry_and_without_the_trail_is_not_done(system: System) -> None:
    for action, act, actor in ACTS:
        before = stands(system)
        renamed(system, "audit_entry", "audit_gone")
        with pytest.raises(WardenError) as refused:
            act(system)
        assert refused.value.code == "audit_unavailable", action
        assert stands(system) == before, action
        renamed(system, "audit_gone", "audit_entry")
        act(system)
        with reading(system.engine) as connection:
            query = sa.select(audit_entry.c.action, audit_entry.c.actor)
            rows = connection.execute(query.order_by(audit_entry.c.seq)).all()
            known = names(connection)
        assert (action, actor) in {(row.action, known[row.actor]) for row in rows[-3:]}, action
    assert verify_trail(system).fault is None


def test_no_name_stands_in_the_entries(system: System) -> None:
    """After the acts above: entries name nobody."""
    with reading(system.engine) as connection:
        rows = connection.execute(sa.select(audit_entry)).all()
    assert len(rows) > len(ACTS)
    for row in rows:
        assert not {"Ann", "Ben"} & set(map(str, row))
        assert '"Ann"' not in row.data and '"Ben"' not in row.data
