"""The page of the rule format: every key of a rule file, written from the format itself."""

from __future__ import annotations

from typing import Any

from detector.markdown import table

Schema = dict[str, Any]

INTRODUCTION = """# The rule file

One rule is one YAML file, named after its id. Unknown keys are refused, so a typing error never
passes in silence; anchors, aliases, tags, duplicate keys and several documents are refused, too.
Dates and versions are quoted. Editors check a file while it is written with the schema in
`rules/schema.json`. The language of `scope`, `condition`, `bands` and `score` is described in
[conditions](conditions.md), what lint looks for in [lint](lint.md), and how to write one in
[add a rule](../howto/add-a-rule.md)."""

TIME = """## Rules that look back

`prev(x, k)` is the value of a feature `k` periods before, `sustain` asks the whole condition of
several periods, `absence` looks for silence. One period follows another where it starts on the day
after the other's end and is of the same length; a gap is a gap. A period that was never filed is
unknown to `sustain`: a row whose outcome hangs on it is `not_evaluable`, never `clear`. Grains
whose subjects are judged once (a tender, a deal, an incident) have no earlier periods. When a
filing corrects a period, the periods after it are judged again as far as the rule looks back."""


def format_page() -> str:
    """Keys of a rule file and of every part of it, in the order of the format."""
    from rules.spec import RuleSpec

    schema = RuleSpec.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    parts = [INTRODUCTION, "## Keys", _keys(schema, definitions)]
    for name, part in _parts(schema).items():
        said = str(part.get("description", "")).strip().replace("``", "`")
        parts += [f"### {name}", said, _keys(part, definitions)]
    return "\n\n".join([*parts, TIME])


def _parts(schema: Schema) -> dict[str, Schema]:
    """Schemas of the mappings inside a rule, by the key under which they stand."""
    found: dict[str, Schema] = {}
    for field, value in schema["properties"].items():
        for name in _references(value):
            part = schema["$defs"][name]
            if "properties" in part and part not in found.values():
                found[field] = part
    return found


def _references(value: Any) -> list[str]:
    """Names of the definitions a schema points to."""
    if isinstance(value, dict):
        own = [str(value["$ref"]).rsplit("/", 1)[-1]] if "$ref" in value else []
        return own + [name for inner in value.values() for name in _references(inner)]
    if isinstance(value, list):
        return [name for inner in value for name in _references(inner)]
    return []


def _keys(schema: Schema, definitions: Schema) -> str:
    needed = set(schema.get("required", ()))
    rows = [
        (
            f"`{key}`",
            _kind(value, definitions),
            "yes" if key in needed else "",
            str(value.get("description") or _first_line(value, definitions)),
        )
        for key, value in schema["properties"].items()
    ]
    return table(("key", "value", "needed", "meaning"), rows)


def _first_line(value: Schema, definitions: Schema) -> str:
    """What the mapping under a key is, where the key itself does not say."""
    said = [str(definitions[name].get("description", "")) for name in _references(value)]
    return said[0].partition("\n")[0] if said else ""


def _kind(value: Schema, definitions: Schema) -> str:
    """What stands under a key, in words."""
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if "anyOf" in value:
        kinds = [_kind(one, definitions) for one in value["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        listed = "enum" in definitions[name]
        other = "text in `en` and `zh`" if name == "Words" else "mapping, see below"
        return _kind(definitions[name], definitions) if listed else other
    if value.get("type") == "array":
        return f"list of {_kind(value.get('items', {}), definitions)}"
    if value.get("type") == "object":
        return "mapping"
    named = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes/no"}
    kind = "day" if value.get("format") == "date" else named.get(str(value.get("type")), "any")
    least = value.get("minimum", value.get("exclusiveMinimum"))
    most = value.get("maximum", value.get("exclusiveMaximum"))
    return kind if least is None or most is None else f"{kind} {least} to {most}"
