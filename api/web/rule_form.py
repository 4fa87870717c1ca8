"""The form beside the text of a rule. The text is the truth: fields are read from it, and what is
changed in the form is written back into it, with every comment and line that was not meant."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from features.errors import WardenError
from rules.expression import parse_condition
from rules.nodes import And, Arithmetic, Call, Column, Compare, Negative, Node, Peer, Prev
from rules.reader import read_yaml
from rules.writing import write

OPERATORS = ("<=", "<", ">=", ">", "=", "<>")
BLANK_ROWS = 1
"""Empty conditions offered for a new one."""
_PLAIN = ("title.en", "title.zh", "message.en", "message.zh", "scope", "condition")
_CHOICES = ("severity", "lane", "on_missing", "max_flag_rate")


@dataclass(frozen=True)
class RuleFields:
    """What the form shows.

    Attributes:
        values: text of each field by its name.
        rows: comparisons that must all hold as (left, sign, right); empty where the condition is
            more than that and is one field instead.
        parameters: name, unit and class of the limits the text itself sets.
        support: features with a smallest number of cases.
    """

    values: Mapping[str, str]
    rows: tuple[tuple[str, str, str], ...]
    parameters: tuple[tuple[str, str, str], ...]
    support: tuple[str, ...]


def fields_of(text: str) -> RuleFields | None:
    """Fields of a text; None where it cannot be read as a mapping."""
    document, issues = read_yaml(text, "typed")
    data = document.data
    if issues or not isinstance(data, dict):
        return None
    values = {name: _shown(_at(data, name)) for name in (*_PLAIN, *_CHOICES)}
    rows = comparisons(values["condition"])
    for number, row in enumerate([*rows, *[("", "<=", "")] * (BLANK_ROWS if rows else 0)]):
        for part, value in zip(("left", "sign", "right"), row, strict=True):
            values[f"row.{number}.{part}"] = value
    parameters = []
    for name, spec in _mapping(data, "parameters").items():
        if isinstance(spec, dict) and isinstance(spec.get("value"), int | float):
            values[f"parameters.{name}"] = _shown(spec["value"])
            told = (str(name), _shown(spec.get("unit")), _shown(spec.get("class")))
            parameters.append(told)
    support = _mapping(data, "min_support")
    values |= {f"min_support.{name}": _shown(least) for name, least in support.items()}
    values["innocent"] = _innocent(data.get("innocent_explanations"))
    return RuleFields(values, rows, tuple(parameters), tuple(map(str, support)))


def comparisons(condition: str) -> tuple[tuple[str, str, str], ...]:
    """A condition as rows where it is comparisons that must all hold; else none."""
    try:
        tree = parse_condition(condition)
    except WardenError:
        return ()
    operands = tree.operands if isinstance(tree, And) else (tree,)
    rows = []
    for one in operands:
        if not isinstance(one, Compare) or not _measured(one.left):
            return ()
        rows.append((write(one.left), str(one.op), write(one.right)))
    return tuple(rows)


def _measured(node: Node) -> bool:
    return isinstance(node, Column | Peer | Prev | Call | Arithmetic | Negative)


def with_fields(text: str, changed: Mapping[str, str]) -> str:
    """The text with some fields changed.

    Args:
        changed: new values by field name; names the text has no place for are refused.

    Raises:
        WardenError: `unreadable_rule` when the text is no mapping, `bad_field`.
    """
    if not changed:
        return text
    shown = fields_of(text)
    if shown is None:
        raise WardenError(
            "unreadable_rule", "The text cannot be read, so the form cannot be written into it.",
            "Mend the text first.",
        )  # fmt: skip
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    data = yaml.load(text)
    rows = {name: value for name, value in changed.items() if name.startswith("row.")}
    for name, value in changed.items():
        if name not in rows:
            _write(data, name, value.replace("\r\n", "\n").strip())
    if rows:
        data["condition"] = _block(_joined(shown, rows))
    written = io.StringIO()
    yaml.dump(data, written)
    return written.getvalue()


def _joined(shown: RuleFields, rows: Mapping[str, str]) -> str:
    """The rows of the form as one condition; a row without a left side is dropped."""
    values = {**shown.values, **rows}
    numbers = sorted({int(name.split(".")[1]) for name in values if name.startswith("row.")})
    parts = []
    for number in numbers:
        left, sign, right = (
            values.get(f"row.{number}.{part}", "").strip() for part in ("left", "sign", "right")
        )
        if left:
            parts.append(f"{left} {sign if sign in OPERATORS else '<='} {right or '0'}")
    return "\nAND ".join(parts) or "FALSE"


def _write(data: CommentedMap, name: str, value: str) -> None:
    head, _, rest = name.partition(".")
    if name in ("scope", "condition"):
        _set_or_drop(data, name, value, _block)
    elif head in ("title", "message"):
        data.setdefault(head, CommentedMap())[rest] = DoubleQuotedScalarString(value)
    elif name in ("severity", "max_flag_rate"):
        _set_or_drop(data, name, value, _number)
    elif name in ("lane", "on_missing"):
        data[name] = value
    elif head == "parameters" and rest in data.get("parameters", {}):
        data["parameters"][rest]["value"] = _number(value)
    elif head == "min_support":
        _set_or_drop(data.setdefault("min_support", CommentedMap()), rest, value, _number)
    elif name == "innocent":
        data["innocent_explanations"] = _explanations(value)
    else:
        raise WardenError("bad_field", f"The form has no field {name[:80]}.")


def _set_or_drop(data: CommentedMap, key: str, value: str, make: Callable[[str], Any]) -> None:
    if value:
        data[key] = make(value)
    else:
        data.pop(key, None)


def _block(text: str) -> Any:
    return LiteralScalarString(text.strip() + "\n")


def _number(text: str) -> Any:
    """A number as it is typed; what is none stays text, and lint says so."""
    plain = text.replace("−", "-").replace(",", "").strip()
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        return float(plain)
    except ValueError:
        return text


def _explanations(text: str) -> CommentedSeq:
    """Lines of `English | Chinese`."""
    found = CommentedSeq()
    for line in text.splitlines():
        en, _, zh = line.partition("|")
        if line.strip():
            one = CommentedMap(
                en=DoubleQuotedScalarString(en.strip()), zh=DoubleQuotedScalarString(zh.strip())
            )
            one.fa.set_flow_style()
            found.append(one)
    return found


def _innocent(found: Any) -> str:
    if not isinstance(found, list):
        return ""
    rows = [one for one in found if isinstance(one, dict)]
    return "\n".join(f"{_shown(one.get('en'))} | {_shown(one.get('zh'))}" for one in rows)


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _at(data: Mapping[str, Any], name: str) -> Any:
    head, _, rest = name.partition(".")
    found = data.get(head)
    return found.get(rest) if rest and isinstance(found, dict) else None if rest else found


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value}".strip() if not isinstance(value, dict | list) else ""


def with_head(text: str, changed: Mapping[str, str]) -> str:
    """The text with some of its quoted first lines changed: id, version, status, days."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    data = yaml.load(text)
    for name, value in changed.items():
        quoted = name in ("version", "created", "modified")
        data[name] = DoubleQuotedScalarString(value) if quoted else value
    written = io.StringIO()
    yaml.dump(data, written)
    return written.getvalue()
