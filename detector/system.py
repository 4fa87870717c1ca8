"""Wires one installation together, once, at the edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from detector.audit.keys import make_keys
from detector.settings import CONFIG_NAME, CONFIG_TEMPLATE, Settings, load_settings
from features.errors import WardenError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from detector.lake import Lake


@dataclass(frozen=True)
class System:
    """One installation, opened: passed along, never global."""

    settings: Settings
    home: Path
    engine: Engine
    lake: Lake
    clock: Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of the edge; nothing below the edge reads one."""
    return datetime.now(UTC)


def create_home(home: Path) -> bool:
    """Makes home, config and folders; harmless when repeated. Returns whether it was new."""
    new = not (home / CONFIG_NAME).exists()
    for part in ("lake", "results", "models", "keys", "staging", "inbox"):
        (home / part).mkdir(parents=True, exist_ok=True)
    (home / "keys").chmod(0o700)
    make_keys(home)
    if new:
        (home / CONFIG_NAME).write_text(CONFIG_TEMPLATE)
    return new


def _other_home(home: Path) -> str:
    """Where a home lies beneath, as after `warden demo`; empty when there is none."""
    beneath = home / "demo"
    if not (beneath / CONFIG_NAME).exists():
        return ""
    return f"The demonstration's home lies in it: add `--home {beneath}`. Or run `warden init`."


def open_system(
    home: Path, *, create: bool = False, clock: Callable[[], datetime] = utc_now
) -> System:
    """Opens the installation at `home`, bringing its database up to date.

    Raises:
        WardenError: `no_home` when there is none and `create` is false.
    """
    from detector.database import connect, upgrade

    home = home.resolve()
    if create:
        create_home(home)
    elif not (home / CONFIG_NAME).exists():
        raise WardenError(
            "no_home",
            f"There is no Marketwarden home at {home}.",
            _other_home(home) or "Run `warden init`, or name another place with --home.",
            kind="not_found",
        )
    settings = load_settings(home)
    engine = connect(settings.database_url or f"sqlite:///{home / 'warden.db'}")
    upgrade(engine)
    lake = cast("Lake", _LakeWhenAsked(home, engine))
    return System(settings, home, engine, lake, clock)


class _LakeWhenAsked:
    """A lake that opens when it is first used: half of what starts a command is its libraries."""

    def __init__(self, home: Path, engine: Engine) -> None:
        self._home, self._engine = home, engine

    @cached_property
    def _opened(self) -> Lake:
        from detector.lake import Lake

        return Lake(self._home, self._engine)

    def __getattr__(self, name: str) -> Any:
        # only what this class does not have comes here; copying and pickling ask for such names
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._opened, name)
