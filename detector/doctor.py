"""Examines one installation and says what is wrong, what it means, and what to do next."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from detector.settings import CONFIG_NAME, hide_password, load_settings
from features.errors import WardenError

PACKAGES = ("alerts", "api", "detector", "features", "rules")


@dataclass(frozen=True)
class Finding:
    """One check: `result` is ok, warning or error."""

    check: str
    result: str
    detail: str
    next: str = ""


def examine(home: Path) -> list[Finding]:
    """Every check in order; one that breaks is itself a finding, the others go on."""
    checks: tuple[tuple[str, Callable[[Path], Iterator[Finding]]], ...] = (
        ("python", python_version),
        ("packages", packages),
        ("home", home_folder),
        ("keys", keys),
        ("rules", shipped_rules),
        ("database", database),
        ("models", model_sets),
    )
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += check(home)
        except WardenError as error:
            found.append(Finding(name, "error", error.message, error.hint))
        except Exception as error:  # noqa: BLE001 - a doctor reports what broke, whatever it is
            found.append(Finding(name, "error", f"{type(error).__name__}: {error}"))
    return found


def python_version(_home: Path) -> Iterator[Finding]:
    """Python 3.11 or newer."""
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Finding("python", "ok" if good else "error", version, "" if good else "Install 3.11.")


def packages(_home: Path) -> Iterator[Finding]:
    """Our package names are plain words: a stray folder of the same name must not win."""
    places = {}
    for name in PACKAGES:
        spec = find_spec(name)
        places[name] = Path(spec.origin).parent.parent if spec and spec.origin else None
    ours = places["detector"]
    strays = [f"{name} from {place}" for name, place in places.items() if place != ours]
    if strays:
        yield Finding(
            "packages",
            "error",
            f"Shadowed: {', '.join(strays)}.",
            "Start warden from a folder without a folder of that name.",
        )
    else:
        yield Finding("packages", "ok", f"all five from {ours}")


def home_folder(home: Path) -> Iterator[Finding]:
    """The home exists and its settings read."""
    if not (home / CONFIG_NAME).exists():
        yield Finding("home", "error", f"No home at {home}.", "Run `warden init`.")
        return
    settings = load_settings(home)
    url = hide_password(settings.database_url) or "SQLite in the home"
    yield Finding("home", "ok", f"{home.resolve()}, database: {url}")


def keys(home: Path) -> Iterator[Finding]:
    """Key files are the owner's alone."""
    files = sorted((home / "keys").glob("*")) if (home / "keys").exists() else []
    for path in files:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077 and path.suffix != ".pub":
            yield Finding(
                "keys", "error", f"{path.name} is readable by others ({mode:o}).",
                f"Run: chmod 600 {path}",
            )  # fmt: skip
        else:
            yield Finding("keys", "ok", f"{path.name} ({mode:o})")


def shipped_rules(home: Path) -> Iterator[Finding]:
    """Every rule reads and passes its checks."""
    from features.catalogue import catalogue
    from rules.lint import lint_rules
    from rules.ruleset import load_library

    ruleset = load_library(list(load_settings(home).rule_dirs))
    issues = lint_rules(ruleset, catalogue())
    for issue in issues:
        yield Finding("rules", "warning", f"{issue.path}:{issue.line} {issue.message}", issue.hint)
    if not issues:
        yield Finding("rules", "ok", f"{len(ruleset.rules)} rules, no issue")


def database(home: Path) -> Iterator[Finding]:
    """The database answers, the lake agrees with it, and no run is stuck."""
    if not (home / CONFIG_NAME).exists():
        return
    from detector.database import reading
    from detector.ledger import state_counts
    from detector.system import open_system

    system = open_system(home)
    with reading(system.engine) as connection:
        states = state_counts(connection)
    yield Finding("database", "ok", system.engine.dialect.name)
    broken = sum(n for (_, state), n in states.items() if state == "failed")
    yield Finding(
        "runs",
        "warning" if broken else "ok",
        f"{sum(states.values())} in the ledger, {broken} failed",
        "See `warden jobs ledger`." if broken else "",
    )
    for table in system.lake.unfinished():
        yield Finding(
            "lake",
            "warning",
            f"{table}: an ingest broke off; nothing of it is visible.",
            "It is cleared by the next ingest; load the file again.",
        )


def model_sets(home: Path) -> Iterator[Finding]:
    """Which models judge, and whether newer ones wait for a person."""
    from detector.models.versions import read_versions

    known = read_versions(home / "models")
    states = [known.state(entry["digest"]) for entry in known.everything]
    if "in force" not in states:
        yield Finding("models", "ok", "none yet; the first detection fits them")
        return
    waits = "shadow" in states
    yield Finding(
        "models",
        "warning" if waits else "ok",
        f"{len(states)} {'set' if len(states) == 1 else 'sets'} fitted"
        + (", a newer one shadows" if waits else ""),
        "See `warden models compare`, then `warden models promote`." if waits else "",
    )
