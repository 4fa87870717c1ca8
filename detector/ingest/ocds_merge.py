"""Releases of one contracting process, merged: what is known after each of them.

A release says what changed. Merging follows the OCDS merging rules in short: objects field by
field, lists of objects with an id by that id, other lists as a whole, null removes.
https://standard.open-contracting.org/1.1/en/schema/merging/
"""

from __future__ import annotations

from typing import Any

DEPTH = 32
"""Objects inside each other beyond which they are replaced as a whole; the standard has seven."""

_WHOLE = frozenset({"compiled"})
_FIRST = frozenset({"planning", "tender"})


def is_partial(release: dict[str, Any]) -> bool:
    """Whether it tells a later part only; one without a tag is taken to be whole."""
    tags = _tags(release)
    return bool(tags) and not tags & (_WHOLE | _FIRST)


def _tags(release: dict[str, Any]) -> set[str]:
    tags = release.get("tag")
    listed = tags if isinstance(tags, list) else [tags]
    return {tag for tag in listed if isinstance(tag, str)}


def merged(before: dict[str, Any] | None, release: dict[str, Any]) -> dict[str, Any]:
    """What is known after `release`; nothing given is changed."""
    if before is None or _tags(release) & _WHOLE:
        return release
    return _object(before, release)


def _object(before: dict[str, Any], after: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    result = dict(before)
    for name, value in after.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _value(before.get(name), value, depth + 1)
    return result


def _value(before: Any, after: Any, depth: int) -> Any:
    if depth > DEPTH:
        return after
    if isinstance(before, dict) and isinstance(after, dict):
        return _object(before, after, depth)
    if isinstance(before, list) and isinstance(after, list) and _identified(before + after):
        return _list(before, after, depth)
    return after


def _identified(items: list[Any]) -> bool:
    return bool(items) and all(
        isinstance(i, dict) and isinstance(i.get("id"), str | int) for i in items
    )


def _list(
    before: list[dict[str, Any]], after: list[dict[str, Any]], depth: int
) -> list[dict[str, Any]]:
    known = {str(item["id"]): item for item in before}
    for item in after:
        name = str(item["id"])
        known[name] = _object(known[name], item, depth) if name in known else item
    return list(known.values())
