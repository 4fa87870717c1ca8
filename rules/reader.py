"""Strict YAML: plain data with a place for every value, and nothing else.

Refused: anchors, aliases, tags, several documents, duplicate keys, deep nesting, large files.
Dates stay text, so that the schema alone decides what a date is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from rules.errors import RuleIssue, place
from rules.plain import hidden_character

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
MAX_NODES = 2500
MAX_OPEN = 64
"""Brackets open at once; more than the depth allows, since prose may hold some."""
MAX_FOUND = 20
"""Findings after which a file is read no further."""

Place: TypeAlias = tuple[str | int, ...]

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_OLD = re.compile(
    r"(yes|no|on|off|true|false|null|[-+]?\.(inf|nan)|[-+]?0[xob]?[0-9a-f_]+|[-+]?[0-9][0-9_]*_[0-9_.]*"
    r"|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?)\Z",
    re.IGNORECASE,
)
"""Plain words that some readers of YAML take for truths or numbers, and others for text."""
_BRACKET = re.compile(r"[\[\]{}]")
_DISPUTED = re.compile(r"[\t\r]|[|>][-+0-9]*(\s*#|\n(?! )|\Z)")
"""Spellings in which the two parsers of YAML differ: tabs, and blocks that open on nothing."""
_DIGIT = re.compile(r"[1-9]")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,19})(\.[0-9]{0,20})?([eE][-+]?[0-9]{1,3})?\Z")


@dataclass(slots=True)
class Document:
    """What a file holds.

    Attributes:
        path: the file as named by the caller.
        data: mappings, lists, text, numbers, booleans and None.
        marks: place of a value in `data` to its 1-based (line, column).
        blocks: places of texts written as ``|`` blocks, whose lines keep their numbers.
        folded: places of other texts over several lines, whose own places are lost.
        widths: length of each line of the file.
    """

    path: str
    data: Any = None
    marks: dict[Place, tuple[int, int]] = field(default_factory=dict)
    blocks: set[Place] = field(default_factory=set)
    folded: set[Place] = field(default_factory=set)
    widths: tuple[int, ...] = ()

    def at(self, place: Place) -> tuple[int, int]:
        """Line and column of a place, or of the nearest place above it."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.marks:
                return self.marks[place[:end]]
        return 1, 1

    def inside(self, line: int, column: int) -> tuple[int, int]:
        """The place itself where the file has it, else the nearest one."""
        line = min(max(line, 1), max(len(self.widths), 1))
        width = self.widths[line - 1] if self.widths else 0
        return line, min(max(column, 1), width + 1)


def read_yaml(text: str, path: str) -> tuple[Document, list[RuleIssue]]:
    """Read one file; with findings the document holds what could be read, or None."""
    document = Document(path, widths=tuple(map(len, text.split("\n"))))
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        return document, [_issue(path, 1, 1, f"the file is larger than {MAX_BYTES // 1024} kB")]
    issues = list(_unreadable(text, path))
    if issues:
        return document, issues
    if not _DISPUTED.search(text):
        quick = Document(path, widths=document.widths)
        if not _built(quick, text, pure=False):
            return quick, []
    # The pure parser words its findings better, and decides what is disputed.
    return document, _built(document, text, pure=True)


def _built(document: Document, text: str, *, pure: bool) -> list[RuleIssue]:
    """Fills the document from the text; what was found wrong on the way."""
    path, issues = document.path, list[RuleIssue]()
    try:
        events: list[Event] = []
        issues.extend(_refused(text, path, events, pure=pure))
        if not issues:
            values = [e for e in events if isinstance(e, NodeEvent | CollectionEndEvent)]
            if not values:
                issues.append(_issue(path, 1, 1, "the file is empty"))
            else:
                document.data = _Builder(document, issues, iter(values)).build(())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        issues.append(
            _issue(path, line, column, f"not valid YAML: {error.problem or 'unreadable'}")
        )
    except (YAMLError, ValueError, RecursionError, LookupError, AttributeError, TypeError) as error:
        reason = str(error).strip().splitlines()
        issues.append(_issue(path, 1, 1, f"not valid YAML: {(reason or ['unreadable'])[0][:120]}"))
    return issues


def _unreadable(text: str, path: str) -> Iterator[RuleIssue]:
    """What no parser should see: characters nobody sees, and brackets that only ever open."""
    at = hidden_character(text)
    if at is not None:
        name = f"U+{ord(text[at]):04X}"
        yield _issue(path, *place(text, at), f"the character {name} is not allowed", "Remove it.")
        return
    opened = 0
    for found in _BRACKET.finditer(text):
        opened += 1 if found[0] in "[{" else -1
        if opened > MAX_OPEN:
            yield _issue(path, *place(text, found.start()), "nested too deeply")
            return


def _refused(text: str, path: str, events: list[Event], *, pure: bool) -> Iterator[RuleIssue]:
    """Constructs a rule file may not use, found on the flat event stream, before building.

    Keeps what it saw in `events`: reading is slow, so it is done once.
    """
    depth = documents = told = 0
    for count, event in enumerate(YAML(typ="safe", pure=pure).parse(text)):
        events.append(event)
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        documents += isinstance(event, DocumentStartEvent)
        if depth > MAX_DEPTH or count > MAX_NODES or documents > 1:
            problem = (
                "nested too deeply" if depth > MAX_DEPTH
                else "too many values" if count > MAX_NODES
                else "only one document per file"
            )  # fmt: skip
            yield _issue(path, line, column, problem)
            return
        if told >= MAX_FOUND:
            return
        if isinstance(event, AliasEvent):
            told += 1
            yield _issue(path, line, column, "aliases are not allowed", "Write the value out.")
        elif isinstance(event, NodeEvent):
            if event.anchor is not None:
                told += 1
                yield _issue(path, line, column, "anchors are not allowed", "Write the value out.")
            if _tag(event):
                told += 1
                yield _issue(path, line, column, "tags are not allowed", "Remove the `!...` tag.")


def _tag(event: NodeEvent) -> bool:
    found = getattr(event, "tag", None)
    return found is not None and str(found) != "!" and str(found) != ""


class _Builder:
    """Values and their places from the events of a file already known to be plain."""

    def __init__(
        self, document: Document, issues: list[RuleIssue], events: Iterator[Event]
    ) -> None:
        self.document = document
        self.issues = issues
        self.events = events

    def build(self, place: Place) -> Any:
        return self._value(next(self.events), place)

    def _value(self, event: Event, place: Place) -> Any:
        self.document.marks[place] = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, MappingStartEvent):
            return self._mapping(place)
        if isinstance(event, SequenceStartEvent):
            items = enumerate(self._until(SequenceEndEvent))
            return [self._value(item, (*place, i)) for i, item in items]
        if isinstance(event, ScalarEvent):
            return self._scalar(event, place)
        raise TypeError("unknown kind of value")

    def _until(self, end: type[Event]) -> Iterator[Event]:
        for event in self.events:
            if isinstance(event, end):
                return
            yield event

    def _mapping(self, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._until(MappingEndEvent):
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            if not isinstance(event, ScalarEvent):
                self._report(line, column, "keys are plain words")
                self._skip(event)
                self._skip(next(self.events))
                continue
            key = str(event.value)
            if key == "<<" or hidden_character(key) is not None:
                self._report(line, column, "keys are plain words, and none is merged")
                self._skip(next(self.events))
                continue
            if key in found:
                self._report(line, column, f"the key `{key}` stands twice")
                self._skip(next(self.events))
                continue
            found[key] = self.build((*place, key))
        return found

    def _skip(self, event: Event) -> None:
        """Passes over one value without a trace."""
        _Builder(Document(""), [], self.events)._value(event, ())

    def _scalar(self, event: ScalarEvent, place: Place) -> Any:
        text = str(event.value)
        unseen = hidden_character(text)
        if unseen is not None:
            name = f"U+{ord(text[unseen]):04X}"
            self._report(*self.document.marks[place], f"the character {name} is not allowed")
        if event.style == "|":
            self.document.blocks.add(place)
        elif event.start_mark.line != event.end_mark.line:
            self.document.folded.add(place)
        if event.style in ("|", ">"):
            return text
        if event.style in ("'", '"'):
            line, column = self.document.marks[place]
            self.document.marks[place] = (line, column + 1)
            return text
        return self._plain(text, place)

    def _plain(self, text: str, place: Place) -> Any:
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            number = float(text)
            if _OLD.match(text) or (number == 0 and _DIGIT.search(text.lower().partition("e")[0])):
                self._report(*self.document.marks[place], f"`{text[:40]}` is not a plain number")
            if not math.isfinite(number):
                self._report(*self.document.marks[place], f"`{text[:40]}` is not a finite number")
            return number
        if _OLD.match(text):
            self._report(
                *self.document.marks[place], f"`{text[:40]}` is read in different ways",
                'Quote a text ("no"), and write yes and no as true and false.',
            )  # fmt: skip
        return text

    def _report(self, line: int, column: int, message: str, hint: str = "") -> None:
        self.issues.append(_issue(self.document.path, line, column, message, hint))


def _issue(path: str, line: int, column: int, message: str, hint: str = "") -> RuleIssue:
    return RuleIssue(path, line, column, "yaml", "error", message, hint)
