"""An installation with nobody in it, whose clock stands until it is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.database import connect, upgrade
from detector.settings import Settings
from detector.system import System, create_home

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock a test moves."""

    now: datetime = field(default=START)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, span: timedelta) -> None:
        """Lets time pass."""
        self.now += span


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def system(tmp_path: Path, clock: Clock) -> Iterator[System]:
    create_home(tmp_path)
    engine = connect(f"sqlite:///{tmp_path / 'warden.db'}")
    upgrade(engine)
    opened = System(Settings(), tmp_path, engine, None, clock)  # type: ignore[arg-type]
    yield replace(opened)
    engine.dispose()
