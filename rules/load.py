"""From YAML text to a rule, with every fault of a file found at once and placed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from features.vocabulary import GRAINS, TYPOLOGIES
from rules.errors import ExpressionError, IssueSeverity, RuleIssue, nearest, place
from rules.expression import parse_condition
from rules.nodes import Node, Prev, walk
from rules.parameters import ParameterTable
from rules.reader import Document, Place, read_yaml
from rules.refused import refused_at
from rules.spec import RuleSpec

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Rule:
    """A rule that was read without fault.

    Attributes:
        spec: everything the file says.
        condition: checked tree of `spec.condition`.
        scope: checked tree of `spec.scope`, or None when every row is in scope.
        bands: trees of `spec.bands`, in order.
        score: tree of `spec.score`.
        path: the file, as given to the loader.
        text: the file's content.
        content_hash: SHA-256 of the content with unified line ends.
        document: places of the values, for findings.
    """

    spec: RuleSpec
    condition: Node
    scope: Node | None
    path: str
    text: str
    content_hash: str
    document: Document
    bands: tuple[Node, ...] = ()
    score: Node | None = None

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def version(self) -> str:
        return self.spec.version

    def issue(
        self,
        code: str,
        message: str,
        place: Place = (),
        *,
        hint: str = "",
        warning: bool = False,
    ) -> RuleIssue:
        """A finding about this rule at a place of its file."""
        line, column = self.document.at(place)
        severity: IssueSeverity = "warning" if warning else "error"
        return RuleIssue(self.path, line, column, code, severity, message, hint, self.id)

    @property
    def periods_back(self) -> int:
        """How many periods before its own the rule reads."""
        spec, found = self.spec, [0]
        found += [n.periods for _, tree in self.trees() for n in walk(tree) if isinstance(n, Prev)]
        if spec.sustain is not None:
            found.append(spec.sustain.of - 1 + max(found))
        if spec.absence is not None:
            found.append(spec.absence.seen + spec.absence.missing - 1)
        return max(found)

    def trees(self) -> Iterator[tuple[Place, Node]]:
        """Every expression of the rule with its place in the file."""
        if self.scope is not None:
            yield ("scope",), self.scope
        yield ("condition",), self.condition
        for index, band in enumerate(self.bands):
            yield ("bands", index, "when"), band
        if self.score is not None:
            yield ("score",), self.score

    def issue_at(self, where: str | Place, offset: int, message: str, hint: str = "") -> RuleIssue:
        """A finding at a character of the expression that stands at a place of the file."""
        at: Place = (where,) if isinstance(where, str) else where
        line, column = _inside(self.document, at, *place(self._text(at), offset))
        return RuleIssue(self.path, line, column, "D5", "error", message, hint, self.id)

    def _text(self, at: Place) -> str:
        if at[0] == "bands" and len(at) > 1:
            return self.spec.bands[int(at[1])].when
        return str(getattr(self.spec, str(at[0])))


def load_rule(text: str, path: str) -> tuple[Rule | None, list[RuleIssue]]:
    """Read one rule; None when there are errors."""
    document, issues = read_yaml(text, path)
    data = document.data
    if issues:
        return None, issues
    rule_id = str(data.get("id", "")) if isinstance(data, dict) else ""
    spec = _validate(RuleSpec, document, issues)
    trees: dict[Place, Node] = {}
    for at, source in _sources(data):
        _parse(document, at, source, trees, issues)
    if issues or spec is None:
        return None, sorted(_named(issue, rule_id) for issue in issues)
    if ("condition",) not in trees:
        trees["condition",] = parse_condition(spec.condition)
    digest = hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8")).hexdigest()
    bands = tuple(trees["bands", index, "when"] for index in range(len(spec.bands)))
    rule = Rule(
        spec, trees["condition",], trees.get(("scope",)), path, text, digest, document,
        bands, trees.get(("score",)),
    )  # fmt: skip
    return rule, []


def _sources(data: Any) -> Iterator[tuple[Place, str]]:
    """The expressions a file holds, whatever else is wrong with it."""
    if not isinstance(data, dict):
        return
    for key in ("scope", "condition", "score"):
        if isinstance(data.get(key), str):
            yield (key,), data[key]
    bands = data.get("bands")
    for index, band in enumerate(bands if isinstance(bands, list) else ()):
        if isinstance(band, dict) and isinstance(band.get("when"), str):
            yield ("bands", index, "when"), band["when"]


def load_table(text: str, path: str) -> tuple[ParameterTable | None, list[RuleIssue]]:
    """Read one dated parameter table; None when there are errors."""
    document, issues = read_yaml(text, path)
    if issues:
        return None, issues
    table = _validate(ParameterTable, document, issues)
    return (None, sorted(issues)) if issues else (table, [])


def _parse(
    document: Document,
    at: Place,
    source: str,
    trees: dict[Place, Node],
    issues: list[RuleIssue],
) -> None:
    try:
        trees[at] = parse_condition(source)
    except ExpressionError as error:
        line, column = _inside(document, at, error.line, error.column)
        message = f"{'.'.join(map(str, at))}: {error.message}"
        code = "D6" if refused_at(source, error.line, error.column) else "condition"
        issues.append(RuleIssue(document.path, line, column, code, "error", message, error.hint))


def _inside(document: Document, place: Place, line: int, column: int) -> tuple[int, int]:
    """Place in the file of a place inside a text value."""
    first, start = document.at(place)
    if place in document.folded:
        return first, start
    if place in document.blocks:
        return document.inside(first + line, start_of_block(document, place) + column - 1)
    return document.inside(first, start + column - 1)


def start_of_block(document: Document, place: Place) -> int:
    """Column at which the lines of a block text begin: two right of its key's mapping."""
    _, column = document.at(place[:-1])
    return column + 2


def _validate(model: type[Model], document: Document, issues: list[RuleIssue]) -> Model | None:
    if not isinstance(document.data, dict):
        issues.append(
            RuleIssue(document.path, 1, 1, "schema", "error", "the file must be a mapping of keys")
        )
        return None
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        issues.extend(_issue(model, document, one) for one in found)
        return None


def _issue(model: type[BaseModel], document: Document, found: Any) -> RuleIssue:
    place: Place = tuple(found["loc"])
    line, column = document.at(place)
    where = ".".join(str(part) for part in place) or "file"
    message, hint = str(found["msg"]), ""
    kind = found["type"]
    last = str(place[-1]) if place else ""
    if kind == "extra_forbidden":
        message = f"unknown key `{last}`"
        hint = nearest(last, known_keys(model, place[:-1]))
    elif kind == "missing":
        message = f"the key `{last}` is missing"
    elif kind in ("enum", "literal_error"):
        hint = nearest(str(found.get("input")), _expected(found))
    elif last in ("typology", "grain"):
        known: Iterable[str] = TYPOLOGIES if last == "typology" else GRAINS
        hint = nearest(str(found.get("input")), known)
    elif last == "version":
        hint = 'Quote it and use three numbers: version: "1.0.0".'
    message = message.removeprefix("Value error, ")
    return RuleIssue(document.path, line, column, "schema", "error", f"{where}: {message}", hint)


def _expected(found: Any) -> list[str]:
    text = str((found.get("ctx") or {}).get("expected", ""))
    return [part.strip(" '") for part in text.replace(" or ", ", ").split(",")]


def known_keys(model: type[BaseModel], place: Place) -> list[str]:
    """Keys a mapping at a place of a model may have."""
    current: type[BaseModel] | None = model
    for part in place:
        if isinstance(part, int) or current is None:
            continue
        field = current.model_fields.get(part)
        current = _inner_model(field.annotation) if field is not None else current
    if current is None:
        return []
    return [field.alias or name for name, field in current.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()) or ():
        found = _inner_model(inner)
        if found is not None:
            return found
    return None


def _named(issue: RuleIssue, rule_id: str) -> RuleIssue:
    return RuleIssue(
        issue.path, issue.line, issue.column, issue.code, issue.severity, issue.message,
        issue.hint, rule_id,
    )  # fmt: skip
