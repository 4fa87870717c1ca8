"""Examples of the description: those the shapes give, and the rest put together from the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

DEEPEST = 8
WORDS: Mapping[str, Any] = {
    "id": "AL-2417",
    "alert_id": "AL-2417",
    "name": "li.wei",
    "actor": "li.wei",
    "assignee": "li.wei",
    "en": "Offers lie closer together than in any tender of the market.",
    "zh": "各投标报价的接近程度高于该市场任何一次招标。",
    "run_id": "detect-2026-11-23",
    "snapshot_id": "S-118",
    "typology": "MON-BID-CV",
    "rule_id": "MON-BID-CV-01",
    "firm_id": "F-0042",
    "fingerprint": "3f8a6c0d9b2e4f71",
    "note": "The tender was re-run with other bidders.",
    "reason": "explained",
    "currency": "CNY",
    "p_value": 0.004,
    "q_value": 0.08,
    "suspicion": 0.97,
}
"""By name of a field without an example of its own; used where the schema allows it."""
FORMATS: Mapping[str, Any] = {
    "date": "2026-11-23",
    "date-time": "2026-11-23T05:30:00Z",
    "uuid": "6f1d2c9e-0d2b-4a0e-9a53-0c5a4f0f3c11",
    "uri": "https://example.org/",
    "binary": "...",
}


def example(schema: Schema, shapes: Mapping[str, Schema], name: str = "", depth: int = 0) -> Any:
    """A value the schema allows.

    Args:
        shapes: what a `$ref` names.
        name: of the field it is for.
    """
    if "$ref" in schema:
        return example(shapes[schema["$ref"].rsplit("/", 1)[-1]], shapes, name, depth + 1)
    for word in ("examples", "enum"):
        if schema.get(word):
            return _completed(schema[word][0], schema, shapes, depth)
    for word in ("example", "const", "default"):
        if schema.get(word) is not None:
            return schema[word]
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.get(word):
            return _choice(schema[word], shapes, name, depth)
    return _by_type(schema, shapes, name, depth)


def _completed(told: Any, schema: Schema, shapes: Mapping[str, Schema], depth: int) -> Any:
    """A shape that builds on another inherits its example, which lacks what is added."""
    if not isinstance(told, dict):
        return told
    fields = schema.get("properties", {})
    missing = [key for key in schema.get("required", ()) if key not in told and key in fields]
    return told | {key: example(fields[key], shapes, key, depth + 1) for key in missing}


def _choice(choices: list[Schema], shapes: Mapping[str, Schema], name: str, depth: int) -> Any:
    told = next((one for one in choices if one.get("type") != "null"), choices[0])
    # a pattern says what is refused, not what is meant: a field that may be left out is
    unsure = depth > DEEPEST or ("pattern" in told and "examples" not in told)
    if unsure and {"type": "null"} in choices:
        return None
    return example(told, shapes, name, depth + 1)


def _by_type(schema: Schema, shapes: Mapping[str, Schema], name: str, depth: int) -> Any:
    match schema.get("type"):
        case "object":
            return _object(schema, shapes, depth)
        case "array":
            items = schema.get("items")
            wanted = max(schema.get("minItems", 0), 1 if items and depth <= DEEPEST else 0)
            return [example(items or {}, shapes, name, depth + 1)] * wanted
        case "boolean":
            return True
        case "integer" | "number" as kind:
            return _number(schema, name, kind)
        case "null":
            return None
        case "string":
            return _text(schema, name)
        case _:
            return {}


def _object(schema: Schema, shapes: Mapping[str, Schema], depth: int) -> dict[str, Any]:
    fields = schema.get("properties")
    if fields:
        return {key: example(part, shapes, key, depth + 1) for key, part in fields.items()}
    more = schema.get("additionalProperties")
    if not isinstance(more, dict) or not more:
        return {}
    keys = ["en", "zh"] if more.get("type") == "string" else ["open"]
    if "propertyNames" in schema:
        keys = [example(schema["propertyNames"], shapes, "", depth + 1)]
    return {key: example(more, shapes, key, depth + 1) for key in keys}


def _number(schema: Schema, name: str, kind: str) -> float:
    word = WORDS.get(name)
    if isinstance(word, float) and kind == "number":
        return word
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    return int(min(max(least, 1), schema.get("maximum", least + 1)))


def _text(schema: Schema, name: str) -> str:
    word = FORMATS.get(schema.get("format", ""), WORDS.get(name, "text"))
    text = word if isinstance(word, str) else "text"
    text = text[: schema.get("maxLength", len(text))]
    return text.ljust(schema.get("minLength", 0), "x")
