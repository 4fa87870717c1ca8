"""The rules and parameters of one installation, read together and named by one digest."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from features.errors import WardenError
from rules.errors import RuleFilesError, RuleIssue, nearest
from rules.load import Rule, load_rule, load_table
from rules.parameters import ParameterBook, ParameterTable
from rules.reader import MAX_BYTES
from rules.spec import Status

HERE = Path(__file__).resolve().parent
SHIPPED_RULES = HERE / "library"
SHIPPED_TABLES = HERE / "parameters"


@dataclass(frozen=True)
class RuleSet:
    """Rules in the order of their ids.

    Attributes:
        rules: every rule that was read without fault, whatever its status.
        digest: SHA-256 over the content of all rules and parameter tables.
        parameters: the dated tables.
        issues: faults of files that could not be used.
    """

    rules: tuple[Rule, ...]
    digest: str
    parameters: ParameterBook = field(default_factory=ParameterBook)
    issues: tuple[RuleIssue, ...] = ()

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def get(self, rule_id: str) -> Rule:
        """Raises: WardenError `unknown_rule`, naming the nearest id."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise WardenError(
            "unknown_rule",
            f"There is no rule `{rule_id}`.",
            nearest(rule_id, (rule.id for rule in self.rules)),
            "not_found",
        )

    def of_typology(self, typology: str) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.spec.typology == typology)

    def live(self) -> tuple[Rule, ...]:
        """Rules whose firings may raise an alert."""
        return tuple(rule for rule in self.rules if rule.spec.status is Status.ACTIVE)

    def judging(self) -> tuple[Rule, ...]:
        """Rules that are evaluated: active ones, and shadow ones whose firings are set apart."""
        live = (Status.ACTIVE, Status.SHADOW)
        return tuple(rule for rule in self.rules if rule.spec.status in live)


def load_library(
    extra_dirs: Iterable[Path | str] = (), *, shipped: bool = True, strict: bool = False
) -> RuleSet:
    """Read the shipped rules and those of further directories.

    A directory holds rule files at any depth; a folder ``parameters`` inside it holds dated
    tables, and a table there replaces a shipped one of the same name. A folder ``overlays`` is
    read by `rules.overlays`.

    Args:
        extra_dirs: directories of local rules, or single files; a missing one is ignored.
        shipped: whether the library of this software is read too.
        strict: raise instead of setting faulty files aside.

    Raises:
        RuleFilesError: with `strict`, when any file has an error.
    """
    extra = [Path(d) for d in extra_dirs]
    issues: list[RuleIssue] = []
    hashes: list[tuple[str, str]] = []
    tables: dict[str, ParameterTable] = {}
    roots = [SHIPPED_TABLES] if shipped else []
    for root in [*roots, *(d / "parameters" for d in extra)]:
        _read_tables(root, tables, hashes, issues)
    rules: dict[str, Rule] = {}
    seen: set[Path] = set()
    for root in [*([SHIPPED_RULES] if shipped else []), *extra]:
        _read_rules(root, seen, rules, hashes, issues)
    if strict and issues:
        raise RuleFilesError(issues)
    ordered = tuple(rules[name] for name in sorted(rules))
    digest = hashlib.sha256(json.dumps(sorted(hashes)).encode()).hexdigest()
    return RuleSet(ordered, digest, ParameterBook(tables), tuple(sorted(issues)))


def named_files(paths: Iterable[Path | str]) -> frozenset[str]:
    """Rule and table files in or at some paths, as findings name them."""
    return frozenset(name_of(file) for path in paths for file in _files(Path(path)))


def _files(root: Path) -> Sequence[Path]:
    if root.is_file():
        return (root,)
    if not root.is_dir():
        return ()
    found = (Path(folder, name) for folder, _, names in os.walk(root) for name in names)
    return sorted(p for p in found if p.suffix in (".yaml", ".yml") and p.is_file())


def _text(path: Path, name: str, issues: list[RuleIssue]) -> str | None:
    """Content of a file of acceptable size in UTF-8, else None and a finding."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"the file is larger than {MAX_BYTES // 1024} kB")
        return path.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        issues.append(RuleIssue(name, 1, 1, "yaml", "error", reason))
        return None


def name_of(path: Path) -> str:
    """A file's name in findings: relative to this package when shipped, else as given."""
    return _name_of(path, path.resolve())


def _name_of(path: Path, whole: Path) -> str:
    """The same where the resolved path is known: resolving takes longer than reading a rule."""
    inside = whole.as_posix().removeprefix(f"{HERE.as_posix()}/")
    return str(path) if inside == whole.as_posix() else f"rules/{inside}"


def file_named(name: str) -> Path:
    """The file a finding or a rule names."""
    shipped = HERE / name.removeprefix("rules/")
    return shipped if name.startswith("rules/") and shipped.is_file() else Path(name)


@lru_cache(maxsize=4096)
def _rule_of(text: str, path: str) -> tuple[Rule | None, tuple[RuleIssue, ...]]:
    """A rule by its text: the same text is read only once in a process."""
    rule, issues = load_rule(text, path)
    return rule, tuple(issues)


@lru_cache(maxsize=1024)
def _table_of(text: str, path: str) -> tuple[ParameterTable | None, tuple[RuleIssue, ...]]:
    """The same for a parameter table."""
    table, issues = load_table(text, path)
    return table, tuple(issues)


def _read_tables(
    root: Path,
    tables: dict[str, ParameterTable],
    hashes: list[tuple[str, str]],
    issues: list[RuleIssue],
) -> None:
    for path in _files(root):
        name = name_of(path)
        text = _text(path, name, issues)
        if text is None:
            continue
        table, found = _table_of(text, name)
        issues.extend(found)
        if table is None:
            continue
        if table.table != path.stem:
            message = f"the table `{table.table}` stands in a file named `{path.stem}`"
            issues.append(RuleIssue(name, 1, 1, "D1", "error", message))
        tables[table.table] = table
        hashes.append((f"table:{table.table}", hashlib.sha256(text.encode()).hexdigest()))


def _read_rules(
    root: Path,
    seen: set[Path],
    rules: dict[str, Rule],
    hashes: list[tuple[str, str]],
    issues: list[RuleIssue],
) -> None:
    """Read what was not read yet, so that naming a folder of the library twice does no harm."""
    for path in _files(root):
        if {"parameters", "overlays"} & set(path.parent.parts[len(root.parts) :]):
            continue
        whole = path.resolve()
        if whole in seen:
            continue
        seen.add(whole)
        name = _name_of(path, whole)
        text = _text(path, name, issues)
        if text is None:
            continue
        rule, found = _rule_of(text, name)
        issues.extend(found)
        if rule is None:
            continue
        if rule.id in rules:
            message = f"the id `{rule.id}` is taken by {rules[rule.id].path}"
            issues.append(rule.issue("D1", message, ("id",)))
            continue
        rules[rule.id] = rule
        hashes.append((f"rule:{rule.id}", rule.content_hash))
