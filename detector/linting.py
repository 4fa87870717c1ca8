"""Lint of a whole installation: files, overlays, exceptions and the locks beside them.

The command line and the HTTP interface both read their findings here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import WardenError
from rules.lint import Around, ExceptionNote, lint_rules, lint_text
from rules.lock import LOCK_FILE, read_lock, shipped_lock
from rules.ruleset import RuleSet, load_library, named_files

if TYPE_CHECKING:
    from detector.system import System
    from rules.errors import RuleIssue
    from rules.lock import LockEntry
    from rules.overlays import Overlay


@dataclass(frozen=True)
class Surface:
    """What is linted: the rules of files, what stands around them, and faults found already."""

    library: RuleSet
    around: Around
    issues: tuple[RuleIssue, ...] = ()


def of_files(folders: Sequence[Path], *, shipped: bool = True) -> Surface:
    """Rules of folders beside the shipped ones, without an installation."""
    return Surface(load_library(folders, shipped=shipped), Around(lock=locks(folders)))


def of_installation(system: System, folders: Sequence[Path] = ()) -> Surface:
    """Rules of an installation and of further folders, with its overlays and exceptions."""
    from alerts.exceptions import listed
    from detector.database import reading
    from detector.rulebook import rulebook

    book = rulebook(system)
    with reading(system.engine) as connection:
        notes = tuple(
            ExceptionNote(e.rule_id, e.subject_key or e.subject_kind or "", e.owner, e.reason,
                          e.expires)
            for e in listed(connection)
        )  # fmt: skip
    dirs = [*system.settings.rule_dirs, *folders]
    overlays: tuple[Overlay, ...] = tuple(book.overlays.values())
    around = Around(lock=locks(dirs), exceptions=notes, overlays=overlays)
    return Surface(load_library(dirs), around, tuple(book.issues))


def locks(folders: Sequence[Path]) -> dict[str, LockEntry]:
    """The lock of the shipped rules, and those that stand in folders of local ones."""
    found = shipped_lock()
    for folder in folders:
        path = Path(folder) / LOCK_FILE.name
        if path.is_file():
            found |= read_lock(path.read_text(encoding="utf-8"))
    return found


def findings(surface: Surface, paths: Sequence[Path] = ()) -> list[RuleIssue]:
    """Everything lint has to say, or what it says of some files and folders.

    Raises:
        WardenError: `no_rules` when a path holds no rule.
    """
    from features.catalogue import catalogue

    wanted = files_at(paths) if paths else None
    issues = lint_rules(surface.library, catalogue(), around=surface.around, paths=wanted)
    more = [i for i in surface.issues if wanted is None or i.path in wanted]
    return sorted({*issues, *more})


def typed(surface: Surface, text: str, name: str) -> list[RuleIssue]:
    """What lint has to say of a rule as somebody typed it."""
    from features.catalogue import catalogue

    return lint_text(text, name, surface.library, catalogue(), around=surface.around)


def files_at(paths: Sequence[Path]) -> Collection[str]:
    """Rule files in or at paths, as findings name them.

    Raises:
        WardenError: `no_rules` when a path holds none.
    """
    for path in paths:
        if not named_files([path]):
            raise WardenError(
                "no_rules", f"{path} holds no rule.", "Name a folder of .yaml files, or one."
            )
    return named_files(paths)
