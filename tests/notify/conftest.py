"""An installation with people who listen, a mail server and a receiver of webhooks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from alerts.model import Signal
from alerts.notify.tables import message
from detector.database import connect, reading, upgrade, writing
from detector.notifying import choices
from detector.notifying.settings import Notify, Smtp
from detector.people import accounts
from detector.people.permissions import Role
from detector.settings import Settings
from detector.system import System, create_home
from tests.alerts.samples import NOW, run, signal
from tests.notify.servers import MailServer, Receiver, certificate, running

ANN, BEN = "Ann", "Ben"


@dataclass
class Desk:
    """The installation and both servers; its clock is set by hand."""

    system: System
    mail: MailServer
    hooks: Receiver
    now: list[datetime] = field(default_factory=list)

    def later(self, **by: float) -> None:
        self.now[0] += timedelta(**by)

    def found(self, *subjects: str, run_id: str = "run-1", **fields: Any) -> list[Signal]:
        """One run's alerts."""
        signals = [signal(one, **fields) for one in subjects]
        run(self.system.engine, signals, run_id=run_id, now=self.now[0])
        return signals

    def rows(self, table: sa.Table = message) -> list[Any]:
        with reading(self.system.engine) as connection:
            return list(connection.execute(sa.select(table)))

    def states(self) -> list[str]:
        return sorted(row.state for row in self.rows())

    def listens(self, name: str, role: Role = Role.REGULATOR, **chosen: Any) -> str:
        """Gives a person an account and an address; the id."""
        with writing(self.system.engine) as connection:
            made = accounts.add(
                connection, name, [role], "tests", NOW, units=chosen.pop("units", ())
            )
        given = {"email": f"{name.lower()}@example.org", "kinds": {"alert.opened": "immediate"}}
        wanted = replace(choices.NOTHING, **{**given, **chosen})
        choices.choose(self.system, made.id, name, wanted, 0)
        return made.id


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture
def mail(pem: Path) -> Iterator[MailServer]:
    with running(MailServer(pem)) as server:
        yield server


@pytest.fixture
def hooks() -> Iterator[Receiver]:
    with running(Receiver()) as server:
        yield server


Open = Callable[[Engine], Desk]


@pytest.fixture
def opening(mail: MailServer, hooks: Receiver, pem: Path, tmp_path: Path) -> Open:
    """Makes the desk on a database."""
    smtp = Smtp(
        host="localhost", port=mail.server_address[1], sender="Marketwarden <warden@example.org>",
        username="warden", password="open sesame", ca_file=str(pem),
    )  # fmt: skip
    settings = Settings(
        notify=Notify(
            base_url="https://warden.example.org", smtp=smtp, allow_http=True, seconds=1,
            hosts=[f"hooks.example.org:{hooks.server_address[1]}"], networks=["127.0.0.0/8"],
        )
    )  # fmt: skip

    def opened(engine: Engine) -> Desk:
        now = [datetime(2026, 11, 23, 8, 0, tzinfo=UTC)]
        home = tmp_path / "home"
        create_home(home)
        return Desk(System(settings, home, engine, None, lambda: now[0]), mail, hooks, now)  # type: ignore[arg-type]

    return opened


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database made once and copied for each test."""
    path = tmp_path_factory.mktemp("empty") / "warden.db"
    engine = connect(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def desk(empty: Path, tmp_path: Path, opening: Open) -> Iterator[Desk]:
    """On SQLite."""
    engine = connect(f"sqlite:///{shutil.copy(empty, tmp_path / 'warden.db')}")
    yield opening(engine)
    engine.dispose()


@pytest.fixture
def either(engine: Engine, opening: Open) -> Desk:
    """Once on SQLite and once on PostgreSQL, for what locks decide."""
    return opening(engine)
