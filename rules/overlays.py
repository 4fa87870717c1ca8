"""Parameters an installation sets for a shipped rule, merged anew with every release.

An overlay names the text it was written against. When a release changes the same figure, that
figure is left as shipped and reported (D21); everything else of the overlay goes on to hold.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError
from ruamel.yaml import YAML

from features.errors import WardenError
from rules.errors import RuleIssue, nearest
from rules.load import Rule, load_rule
from rules.parameters import Figure, LocalName, ParameterSpec, Strict, ThresholdClass
from rules.reader import Document, Place, read_yaml
from rules.ruleset import RuleSet
from rules.spec import RuleId, RuleSpec

FOLDER = "overlays"
MARK = "+local."
"""Between a shipped version and the hash of what an installation set."""


class OverlaySpec(Strict):
    """What an overlay file may say; everything else of a rule is the release's."""

    rule: RuleId
    base_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    parameters: dict[LocalName, Figure] = Field(default_factory=dict)
    max_flag_rate: Annotated[float | None, Field(gt=0, le=1)] = None
    owner: str | None = None
    reason: str | None = None

    def fields(self) -> dict[str, Figure]:
        """Value by field: parameters by name, and the cap."""
        found: dict[str, Figure] = {f"parameters.{n}": v for n, v in self.parameters.items()}
        return found | ({} if self.max_flag_rate is None else {"max_flag_rate": self.max_flag_rate})


@dataclass(frozen=True)
class Overlay:
    """An overlay that was read without fault.

    Attributes:
        base: the rule it was written against; None where that text is not known.
    """

    spec: OverlaySpec
    path: str
    document: Document
    base: Rule | None = None

    @property
    def rule(self) -> str:
        return self.spec.rule


def read_overlays(folder: Path) -> tuple[list[Overlay], list[RuleIssue]]:
    """Every overlay of a folder, and the faults of files that could not be used."""
    found: dict[str, Overlay] = {}
    issues: list[RuleIssue] = []
    paths = sorted(p for p in folder.glob("*") if p.suffix in (".yaml", ".yml"))
    for path in paths if folder.is_dir() else ():
        overlay = read_overlay(path, issues)
        if overlay is None:
            continue
        if overlay.rule in found:
            message = f"the rule `{overlay.rule}` has an overlay in {found[overlay.rule].path}"
            issues.append(_issue(overlay, ("rule",), message))
            continue
        found[overlay.rule] = overlay
    return list(found.values()), issues


def read_overlay(path: Path, issues: list[RuleIssue]) -> Overlay | None:
    """One overlay; None and findings when there are errors."""
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        issues.append(RuleIssue(str(path), 1, 1, "yaml", "error", f"cannot be read: {error}"))
        return None
    document, found = read_yaml(text, str(path))
    issues.extend(found)
    if found:
        return None
    try:
        return Overlay(OverlaySpec.model_validate(document.data), str(path), document)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            place: Place = tuple(one["loc"])
            line, column = document.at(place)
            last = str(place[-1]) if place else ""
            where, hint = ".".join(map(str, place)) or "file", ""
            message = str(one["msg"])
            if one["type"] == "extra_forbidden":
                message = f"unknown key `{last}`"
                hint = nearest(last, OverlaySpec.model_fields) or (
                    f"An overlay sets {', '.join(OverlaySpec.model_fields)} and nothing else."
                )
            issues.append(
                RuleIssue(str(path), line, column, "schema", "error", f"{where}: {message}", hint)
            )
        return None


def overlay_conflicts(ruleset: RuleSet, overlays: Iterable[Overlay]) -> list[RuleIssue]:
    """D21: what of the overlays does not hold any more, with its place in the overlay."""
    rules = {rule.id: rule for rule in ruleset.rules if MARK not in rule.version}
    found: list[RuleIssue] = []
    for overlay in overlays:
        rule = rules.get(overlay.rule)
        if rule is None:
            hint = nearest(overlay.rule, rules)
            found.append(_issue(overlay, ("rule",), f"there is no rule `{overlay.rule}`", hint))
            continue
        for name, why in conflicts(rule, overlay).items():
            hint = f"Look at {rule.id} {rule.version}, then set base_hash to {rule.content_hash}."
            found.append(_issue(overlay, tuple(name.split(".")), why, hint))
    return sorted(found)


def conflicts(rule: Rule, overlay: Overlay) -> dict[str, str]:
    """By field of the overlay that does not hold, why not."""
    return {n: why for n in overlay.spec.fields() if (why := _conflict(rule, overlay, n))}


def kept(rule: Rule, overlay: Overlay) -> dict[str, Figure]:
    """What of the overlay holds on a text, by field."""
    lost = conflicts(rule, overlay)
    return {n: v for n, v in overlay.spec.fields().items() if n not in lost}


def _conflict(rule: Rule, overlay: Overlay, name: str) -> str:
    parameter = rule.spec.parameters.get(name.removeprefix("parameters."))
    if name.startswith("parameters."):
        if parameter is None:
            return f"{name}: the rule has no such parameter"
        if parameter.table is not None:
            return f"{name}: stands in the dated table `{parameter.table}`"
        if parameter.class_ is ThresholdClass.LEGAL:
            return f"{name}: a limit of law is not the installation's to set"
    if overlay.spec.base_hash == rule.content_hash:
        return ""
    if overlay.base is None:
        return f"{name}: the text it was written against is not known here"
    before, now = shipped_value(overlay.base.spec, name), shipped_value(rule.spec, name)
    if before == now:
        return ""
    return f"{name}: the release changed it from {_shown(before)} to {_shown(now)}"


def shipped_value(spec: RuleSpec, name: str) -> Any:
    """What decides in a field; the source of a figure may be reworded without a conflict."""
    if name == "max_flag_rate":
        return spec.max_flag_rate
    found = spec.parameters.get(name.removeprefix("parameters."))
    if found is None:
        return None
    return found.model_copy(update={"source": None, "verified": None})


def _shown(value: Any) -> str:
    if isinstance(value, ParameterSpec):
        return str(value.table if value.value is None else value.value)
    return "nothing" if value is None else str(value)


def merged(rule: Rule, overlay: Overlay) -> Rule | None:
    """The rule with what of the overlay holds, under a version of its own; None for no change.

    Raises:
        WardenError: `invalid_overlay` when the rule cannot be read with its figures.
    """
    holding = kept(rule, overlay)
    if not holding:
        return None
    digest = hashlib.sha256(json.dumps(holding, sort_keys=True).encode()).hexdigest()
    version = f"{rule.version}{MARK}{digest[:8]}"
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    data = yaml.load(rule.text)
    data["version"] = version
    for name, value in holding.items():
        if name == "max_flag_rate":
            data[name] = value
            continue
        parameter = data["parameters"][name.removeprefix("parameters.")]
        # the examples show the logic at the shipped figure, and go on to do so
        for example in data.get("tests") or ():
            example.setdefault("params", {}).setdefault(
                name.removeprefix("parameters."), parameter["value"]
            )
        parameter["value"] = value
        parameter["source"] = f"Overlay of this installation: {overlay.spec.reason or 'no reason'}"
        parameter["verified"] = False
    text = io.StringIO()
    yaml.dump(data, text)
    found, issues = load_rule(text.getvalue(), f"{rule.id}@{version}")
    if found is None:
        raise WardenError(
            "invalid_overlay", f"{overlay.path} does not fit {rule.id}: {issues[0].message}."
        )
    return found


def _issue(overlay: Overlay, place: Place, message: str, hint: str = "") -> RuleIssue:
    line, column = overlay.document.at(place)
    return RuleIssue(overlay.path, line, column, "D21", "error", message, hint, overlay.rule)
