"""A new fit of the models shadows: it is compared on the rows in force, then a person decides.

The first fit of an installation goes into force at once, since there is nothing to compare it
with; so do models for tables that nobody had filed before (`detector.panel`), which move no score.
Every other fit stands beside the set in force until `promote`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alerts.changing import same_person
from detector.model_audit import entered
from detector.models.versions import (
    NAME_DIGITS,
    Act,
    Entry,
    Kind,
    State,
    Versions,
    locked,
    read_versions,
    write_versions,
)
from detector.promotion import named
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.models.fitted import FittedSet
    from detector.system import System

SYSTEM = "system"
"""Who fits where nobody is named: the job, or a run."""


def keep(system: System, fitted: FittedSet, actor: str = SYSTEM) -> State:
    """Stores a new fit and says where it stands: in force where none was, else in shadow.

    A fit equal to the set in force changes nothing.
    """
    from detector.models.artifacts import store

    folder = system.home / "models"
    now = read_versions(folder).in_force
    if now is not None and now["digest"] == fitted.digest:
        return "in force"
    act = Act("fitted", fitted.digest, actor, system.clock().isoformat())
    store(folder, fitted, shadow=now is not None, act=act, around=entered(system, act))
    return "in force" if now is None else "shadow"


def sets_of(system: System) -> list[dict[str, Any]]:
    """Every set of models: the one in force first, then the shadow, then the retired, newest first.

    Each has ``set`` (the beginning of its digest), ``state``, ``fitted_on`` (what was known),
    ``models`` (how many), ``digest``, and who put it where it stands: ``actor``, ``at``, ``note``.
    """
    known = read_versions(system.home / "models")
    order = {"in force": 0, "shadow": 1, "retired": 2}
    rows = [_row(known, entry) for entry in reversed(known.everything)]
    return sorted(rows, key=lambda row: order[row["state"]])


def _row(known: Versions, entry: Entry) -> dict[str, Any]:
    acts = known.acts_of(entry["digest"])
    last = acts[-1] if acts else None
    return {
        "set": entry["digest"][:NAME_DIGITS],
        "state": known.state(entry["digest"]),
        "fitted_on": entry["known_as_of"],
        "models": len(entry["models"]),
        "actor": last.actor if last else None,
        "at": last.at if last else None,
        "note": last.note if last else None,
        "digest": entry["digest"],
    }


def acts_of(system: System) -> list[dict[str, Any]]:
    """Everything that was done with sets of models, oldest first."""
    return [
        {"set": a.digest[:NAME_DIGITS], "kind": a.kind, "actor": a.actor, "at": a.at,
         "note": a.note, "data": dict(a.data)}
        for a in read_versions(system.home / "models").acts
    ]  # fmt: skip


def chosen(known: Versions, version: str | None) -> Entry:
    """The set a person means: the one in shadow where none is named.

    Raises:
        WardenError: `no_shadow`, `unknown_version`.
    """
    if version is None:
        if known.shadow is None:
            raise WardenError(
                "no_shadow", "No set of models is in shadow.",
                "Next: warden models fit; or name a set of `warden models list --all`.",
                "not_found",
            )  # fmt: skip
        return known.shadow
    found = known.by_digest(version)
    if found is None:
        raise WardenError(
            "unknown_version", f"There is no one set of models {version}.",
            "See `warden models list --all`.", "not_found",
        )  # fmt: skip
    return found


def promote(system: System, version: str | None, actor: str, note: str | None) -> dict[str, Any]:
    """Puts a set into force; the next run judges everything it speaks for anew.

    What changes with it is computed first and kept with the decision. Whoever had it fitted by
    name does not decide alone. A set that was in force before was decided about then, so going
    back to it takes one person.

    Returns:
        Its row of `sets_of`.

    Raises:
        WardenError: `actor_required`, `bad_actor`, `note_required`, `no_shadow`,
            `unknown_version`, `already_there`, `second_person`, `stale_version`.
    """
    actor, folder = named(actor), system.home / "models"
    if not (note or "").strip():
        raise WardenError(
            "note_required", "To say why is part of putting models into force.", "Add --note WHY."
        )
    before = read_versions(folder)
    entry = chosen(before, version)
    name = entry["digest"][:NAME_DIGITS]
    if before.state(entry["digest"]) == "in force":
        raise WardenError("already_there", f"The set {name} is in force already.", kind="conflict")
    again = before.was_in_force(entry["digest"])
    if not again:
        _by_another(before, entry, actor)
    kind: Kind = "rolled_back" if again else "promoted"
    data = {
        "from": before.in_force["digest"] if before.in_force else None,
        "models": _what_changes(system, entry),
    }
    at = system.clock().isoformat()
    act = Act(kind, entry["digest"], actor, at, (note or "").strip(), data)
    with locked(folder):
        now = read_versions(folder)
        if now.in_force != before.in_force:
            raise WardenError(
                "stale_version", "Another set of models was put into force meanwhile.",
                "Compare again, then decide again.", "conflict",
            )  # fmt: skip
        with entered(system, act):
            write_versions(folder, now.with_set(entry, act))
    return _row(read_versions(folder), entry)


def _what_changes(system: System, entry: Entry) -> list[dict[str, Any]]:
    """The comparison a decision rests on; none where nothing was judged yet."""
    from detector.model_comparison import compare

    try:
        return list(compare(system, entry["digest"])["models"])
    except WardenError as error:
        if error.code != "nothing_judged":
            raise
        return []


def _by_another(known: Versions, entry: Entry, actor: str) -> None:
    fitters = [a.actor for a in known.acts_of(entry["digest"]) if a.kind == "fitted"]
    if any(one != SYSTEM and same_person(one, actor) for one in fitters):
        raise WardenError(
            "second_person",
            f"{actor} had the set {entry['digest'][:NAME_DIGITS]} fitted; putting it into force "
            "takes another person.",
            "By another person: warden models promote --actor NAME --note WHY.",
            "conflict",
        )
