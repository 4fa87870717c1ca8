"""A filing before it is taken in, as its page shows it; and the mapping a form of it describes."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from typing import Any

from detector.ingest.mapping import Mapping
from detector.ingest.preview import ColumnLook, Preview
from features.contracts import TableContract
from features.errors import WardenError

_TARGET, _UNIT, _DATE, _CONSTANT = "to.", "unit.", "date.", "constant."
NUMERIC = ("number", "whole")
DATED = ("date", "instant")
KEPT = ("values",)
"""Parts of a mapping the form does not show; they stay as they are."""


def column_views(seen: Preview, mapping: Mapping) -> list[dict[str, Any]]:
    """The columns of the file: where each goes, and what its check says."""
    return [_column(number, look, seen, mapping) for number, look in enumerate(seen.columns)]


def _column(number: int, look: ColumnLook, seen: Preview, mapping: Mapping) -> dict[str, Any]:
    target = look.target
    name = target.name if target else ""
    formats = mapping.formats(name)
    return {
        "number": number,
        "name": look.name,
        "target": name,
        "kind": target.kind if target else "",
        "unit": target.unit if target else "",
        "meaning": target.description if target else "",
        "person": bool(target and target.person),
        "numeric": bool(target and target.kind in NUMERIC),
        "dated": bool(target and target.kind in DATED),
        "factor": f"{mapping.units[name]:g}" if name in mapping.units else "",
        "format": formats[0] if formats else "",
        "first": ", ".join(look.first),
        "checks": _checks(look, seen, mapping),
        "unread": look.unread,
        "rows": seen.rows,
        "scale": f"{look.scale:,.0f}" if look.scale else "",
    }


def _checks(look: ColumnLook, seen: Preview, mapping: Mapping) -> list[tuple[str, str]]:
    """Colour and word of everything found; that all is read where nothing is."""
    if look.target is None:
        return [("", "kept_out")]
    found = {
        "unread": ("bad", look.unread > 0),
        "converted": ("warn", look.target.name in mapping.units),
        "scale": ("warn", look.scale is not None),
        "empty": ("warn", not look.filled and seen.rows > 0),
    }
    told = [(tone, name) for name, (tone, holds) in found.items() if holds]
    return told or [("ok", "read") if seen.faulty is not None else ("", "waits")]


def mapping_of_form(
    form: MappingOf[str, str], names: tuple[str, ...], wanted: TableContract, before: Mapping
) -> dict[str, Any]:
    """The mapping a form describes.

    Args:
        names: columns of the file, by which the form's fields are numbered.
        before: the mapping so far; parts the form does not show stay.

    Raises:
        WardenError: `bad_mapping` for a factor that is no number or a column chosen twice.
    """
    known = {c.name for c in wanted.columns if c.derived_from is None}
    rename: dict[str, str] = {}
    units: dict[str, float] = {}
    dates: dict[str, str] = {}
    for number, name in enumerate(names):
        target = form.get(f"{_TARGET}{number}", "")
        if target not in known:
            if name in known:
                rename[name] = ""  # a column of that name that is to be kept out
            continue
        if target in rename.values():
            raise WardenError(
                "bad_mapping", f"Two columns of the file go to `{target}`.", "Keep one of them out."
            )
        rename[name] = target
        if factor := form.get(f"{_UNIT}{number}", ""):
            units[target] = _factor(name, factor)
        if text := form.get(f"{_DATE}{number}", ""):
            dates[target] = text
    aside = [name for name, target in rename.items() if not target]
    rename = {name: target for name, target in rename.items() if target}
    if dropped := [name for name in aside if name not in rename.values()]:
        raise WardenError(
            "bad_mapping",
            f"`{dropped[0]}` has the name of a column of the table and goes there by itself.",
            "Choose its own name, or another column for it.",
        )
    constants = {
        name.removeprefix(_CONSTANT): value
        for name, value in form.items()
        if name.startswith(_CONSTANT) and value and name.removeprefix(_CONSTANT) in known
    }
    kept = before.model_dump(include=set(KEPT), exclude_defaults=True)
    plain = {k: form[k] for k in ("encoding", "delimiter", "timezone", "thousands") if form.get(k)}
    told: dict[str, Any] = {
        **kept, **plain, "rename": {k: v for k, v in rename.items() if k != v},
        "constants": constants, "units": units, "dates": dates,
    }  # fmt: skip
    if form.get("decimal") == ",":
        told["decimal"] = ","
    return told


def _factor(name: str, text: str) -> float:
    plain = re.sub(r"[,\s]", "", text)
    try:
        return float(plain)
    except ValueError:
        raise WardenError(
            "bad_mapping", f"The factor of `{name}` is no number.", "Write for example 10000."
        ) from None
