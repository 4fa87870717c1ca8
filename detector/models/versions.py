"""Which set of models is in force, which one shadows, and who decided: one list, replaced whole.

`CURRENT.json` in the folder of models::

    sets      every set put into force, in that order: the last one is in force
    shadow    the set fitted last, until it is put into force or another one is fitted
    passed    sets that shadowed and were never put into force
    acts      what was done, by whom, when and why; only ever added to

A set is an entry with its digest and the hashes of its parts. Entries are moved, never dropped, so
that a result can be computed again with the set that made it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from detector.whole_files import replace_text
from features.errors import WardenError

CURRENT = "CURRENT.json"
NAME_DIGITS = 12
"""Digits of a digest by which people name a set."""
LEAST_DIGITS = 4
"""Fewer name nothing."""

Entry = dict[str, Any]
State = Literal["in force", "shadow", "retired"]
Kind = Literal["fitted", "extended", "promoted", "rolled_back"]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done with a set of models.

    Attributes:
        kind: ``fitted``; ``extended`` by models for tables nobody had filed before; ``promoted``;
            ``rolled_back`` to a set that was in force before.
        actor: a person, or ``system`` for a run.
        at: ISO 8601 text, UTC.
        data: for a promotion, what changes with it.
    """

    kind: Kind
    digest: str
    actor: str
    at: str
    note: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Versions:
    """The list as read."""

    sets: tuple[Entry, ...] = ()
    shadow: Entry | None = None
    passed: tuple[Entry, ...] = ()
    acts: tuple[Act, ...] = ()

    @property
    def in_force(self) -> Entry | None:
        """The set that scores; None before the first fit."""
        return self.sets[-1] if self.sets else None

    @property
    def everything(self) -> tuple[Entry, ...]:
        """Every set by its digest once, those in force last."""
        beside = (*self.passed, *([self.shadow] if self.shadow else []))
        return tuple({e["digest"]: e for e in (*beside, *self.sets)}.values())

    def known_by(self, moment: datetime | None) -> Entry | None:
        """The set put into force last among those that knew no more than at that moment."""
        fine = [e for e in self.sets if moment is None or _known(e) <= moment]
        return fine[-1] if fine else None

    def by_digest(self, digest: str) -> Entry | None:
        """A set by its digest, or the beginning of it; None where nobody or several are meant."""
        found = {e["digest"]: e for e in self.everything}
        if digest in found:
            return found[digest]
        named = [
            e for d, e in found.items() if len(digest) >= LEAST_DIGITS and d.startswith(digest)
        ]
        return named[0] if len(named) == 1 else None

    def state(self, digest: str) -> State:
        """Where a set stands."""
        if self.in_force is not None and self.in_force["digest"] == digest:
            return "in force"
        return "shadow" if self.shadow and self.shadow["digest"] == digest else "retired"

    def was_in_force(self, digest: str) -> bool:
        """Whether the set scores now, or did before."""
        return any(e["digest"] == digest for e in self.sets)

    def acts_of(self, digest: str) -> list[Act]:
        """What was done with a set, oldest first."""
        return [act for act in self.acts if act.digest == digest]

    def with_set(self, entry: Entry, act: Act | None) -> Versions:
        """The set put into force."""
        kept = self.shadow if self.shadow and self.shadow["digest"] != entry["digest"] else None
        return Versions(
            (*(e for e in self.sets if not _same(e, entry)), entry),
            kept,
            tuple(e for e in self.passed if e["digest"] != entry["digest"]),
            (*self.acts, *([act] if act else [])),
        )

    def with_shadow(self, entry: Entry, act: Act | None) -> Versions:
        """The set beside the one in force, in the place of the one that stood there."""
        before = [*self.passed, *([self.shadow] if self.shadow else [])]
        passed = tuple(e for e in before if e["digest"] != entry["digest"])
        return Versions(self.sets, entry, passed, (*self.acts, *([act] if act else [])))


def read_versions(models_dir: Path) -> Versions:
    """The list of a folder of models; empty where nothing was fitted.

    Raises:
        WardenError: `damaged_model` when it is not what was written.
    """
    path = models_dir / CURRENT
    if not path.exists():
        return Versions()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        acts = tuple(Act(**act) for act in data.get("acts", ()))
        return Versions(
            tuple(data["sets"]), data.get("shadow"), tuple(data.get("passed", ())), acts
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path) from error


@contextmanager
def locked(models_dir: Path) -> Iterator[None]:
    """Lets one process at a time change the folder."""
    models_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(str(models_dir / ".lock")):
        yield


def write_versions(models_dir: Path, versions: Versions) -> None:
    """Replaces the list; the caller holds `locked`."""
    data = {
        "sets": versions.sets,
        "shadow": versions.shadow,
        "passed": versions.passed,
        "acts": [asdict(act) for act in versions.acts],
    }
    replace_text(models_dir / CURRENT, json.dumps(data, indent=1, default=str))


def damaged(path: Path) -> WardenError:
    """The error for a file that is missing or not what was written."""
    return WardenError(
        "damaged_model",
        f"The model file {path.parent.name}/{path.name} is missing or was changed.",
        "Restore it from a backup, or fit anew with `warden models fit`.",
        "integrity",
    )


def _known(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["known_as_of"])


def _same(one: Entry, other: Entry) -> bool:
    """Whether two entries are one set as known at one moment."""
    return all(one.get(k) == other.get(k) for k in ("digest", "known_as_of"))
