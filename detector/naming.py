"""A rule by what a person calls it: an id, an id with a version, or a file not yet installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import WardenError
from rules.errors import RuleFilesError
from rules.load import Rule, load_rule
from rules.reader import MAX_BYTES

if TYPE_CHECKING:
    from detector.rulebook import Rulebook
    from detector.system import System


def find_rule(system: System, name: str) -> Rule:
    """A rule by its id, by ``id@version``, or by the path of a YAML file not yet installed.

    A bare id is the text that may be promoted: that of the file, with the overlay where there is
    one; else the version in force.

    Raises:
        WardenError: `unknown_rule`, `unknown_version`, or the faults of the file.
    """
    return find_rules(system, (name,))[0]


def find_rules(system: System, names: Sequence[str]) -> list[Rule]:
    """Several rules, each as `find_rule` finds it, from one reading of the rules."""
    from detector.rule_texts import stamped
    from detector.rulebook import rulebook

    book: Rulebook | None = None
    found: list[Rule] = []
    for name in names:
        if name.endswith((".yaml", ".yml")):
            found.append(rule_in(Path(name)))
            continue
        book = book or rulebook(system)
        rule_id, _, version = name.partition("@")
        rule = book.version(rule_id, version) if version else book.candidate(rule_id)
        found.append(stamped(rule, book.status(rule)))
    return found


def rule_in(path: Path) -> Rule:
    """The rule of one file.

    Raises:
        WardenError: `unknown_rule` when there is no such file; RuleFilesError for its faults.
    """
    if not path.is_file():
        raise WardenError("unknown_rule", f"There is no file {path}.", kind="not_found")
    if path.stat().st_size > MAX_BYTES:
        raise WardenError("invalid_rules", f"{path} is larger than {MAX_BYTES // 1024} kB.")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise WardenError("invalid_rules", f"{path} is not UTF-8 text.") from error
    rule, issues = load_rule(text, str(path))
    if rule is None:
        raise RuleFilesError(issues)
    return rule
