"""Whether anything a rulebook is read from changed: files by size and time, decisions by number."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from detector.tables import rule_draft, rule_event, rule_version
from rules import ruleset
from rules.overlays import FOLDER

if TYPE_CHECKING:
    from collections.abc import Hashable

    from detector.database import ReadConnection
    from detector.system import System

Stamp = tuple[str, int, int, int]


def mark_of(connection: ReadConnection, system: System) -> Hashable:
    """Equal as long as rule files, overlays, kept texts, decisions and drafts are the same.

    A file counts as the same while its name, size, time of change and inode are: reading the
    library again takes thirty times as long, and pages ask for it at every request.
    """
    folders = [ruleset.SHIPPED_RULES, ruleset.SHIPPED_TABLES, *map(Path, system.settings.rule_dirs)]
    files = tuple(stamp for folder in (*folders, overlay_folder(system.home))
                  for stamp in _stamps(folder))  # fmt: skip
    versions = sa.select(sa.func.count()).select_from(rule_version).scalar_subquery()
    events = sa.select(sa.func.max(rule_event.c.id)).scalar_subquery()
    decided = tuple(connection.execute(sa.select(versions, events)).one())
    drafts = sa.select(rule_draft.c.rule_id, rule_draft.c.revision, rule_draft.c.content_hash)
    written = frozenset(map(tuple, connection.execute(drafts)))
    return files, decided, written


def overlay_folder(home: Path) -> Path:
    """Where an installation sets figures of shipped rules."""
    return home / "rules" / FOLDER


def _stamps(folder: Path) -> Iterator[Stamp]:
    """Of every file below a folder, or of a single file; nothing where it is missing."""
    try:
        if not folder.is_dir():
            yield _stamp(str(folder), folder.stat())
            return
        places = sorted(os.scandir(folder), key=lambda place: place.name)
        for place in places:
            if place.is_dir():
                yield from _stamps(Path(place.path))
            else:
                yield _stamp(place.path, place.stat())
    except FileNotFoundError:
        return


def _stamp(name: str, found: os.stat_result) -> Stamp:
    return name, found.st_size, found.st_mtime_ns, found.st_ino
