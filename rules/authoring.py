"""For rule authors: a first file to start from, and the lock of what was reviewed."""

from __future__ import annotations

import json
import re
from datetime import date

from features.errors import WardenError
from features.vocabulary import TYPOLOGIES
from rules.errors import RuleIssue, nearest
from rules.load import Rule
from rules.ruleset import RuleSet

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_TEMPLATE = """\
# A new rule starts as a draft: it is checked and tested, and judges nothing.
id: {id}
title:
  en: What is seen, in a few neutral words
  zh: 用中性的简短文字说明所见
version: "0.1.0"
status: draft
owner: your-team
created: "{day}"
modified: "{day}"
typology: {typology}
grain: {grain}
lane: screen
severity: 3
legal_basis:
  - {{jurisdiction: EU, instrument: TFEU, article: "101(1)", in_force_from: "2009-12-01"}}
harm:
  en: Who is hurt if the suspicion is right
  zh: 若怀疑属实，谁受损害
condition: |
  {feature} {op} :threshold
parameters:
  threshold: {{value: 0.5, class: ENG, unit: "{unit}", source: "say where it comes from", verified: false}}
on_missing: not_evaluable
message:
  en: "Seen {{{feature}}}, against {{threshold}}."
  zh: "所见{{{feature}}}，界限{{threshold}}。"
innocent_explanations:
  - {{en: "A first innocent explanation.", zh: "第一种合理解释。"}}
  - {{en: "A second innocent explanation.", zh: "第二种合理解释。"}}
triage:
  - {{en: "What the reviewer looks at first.", zh: "审查人员首先查看的内容。"}}
limits:
  - "What this rule cannot see."
references:
  - "Where the method is described."
max_flag_rate: 0.1
suppress: none
tests:
  - name: beyond the threshold
    given: {{{feature}: {beyond}}}
    expect: fired
  - name: exactly at the threshold
    given: {{{feature}: 0.5}}
    expect: fired
  - name: short of the threshold
    given: {{{feature}: {short}}}
    expect: clear
  - name: not filed
    given: {{{feature}__reason: missing_input}}
    expect: not_evaluable
    reason: missing_input
"""


def new_rule_text(
    rule_id: str,
    typology: str = "MON-BID-CV",
    *,
    feature: str = "bid_cv",
    unit: str = "ratio",
    direction: str = "low",
    day: date = date(2026, 1, 1),
) -> str:
    """Text of a draft rule that loads, lints and passes its examples.

    Args:
        rule_id: lower-case words joined by hyphens; also the file's name.
        typology: catalogue id; sets the grain.
        feature: the feature the condition starts with, of that grain.
        unit: unit of the feature.
        direction: ``low`` or ``high``, the suspicious tail.
        day: date of creation.

    Raises:
        WardenError: `invalid_rule_id`, `unknown_typology`.
    """
    if not _ID.match(rule_id):
        raise WardenError(
            "invalid_rule_id",
            f"`{rule_id}` is not a rule id.",
            "Use lower-case words joined by hyphens, for example `bid-cv-low`.",
        )
    if typology not in TYPOLOGIES:
        hint = nearest(typology, TYPOLOGIES)
        raise WardenError("unknown_typology", f"There is no typology `{typology}`.", hint)
    low = direction == "low"
    return _TEMPLATE.format(
        id=rule_id, typology=typology, grain=TYPOLOGIES[typology].grain, feature=feature,
        unit=unit, day=day.isoformat(), op="<=" if low else ">=",
        beyond=0.1 if low else 0.9, short=0.9 if low else 0.1,
    )  # fmt: skip


def lock_text(ruleset: RuleSet) -> str:
    """JSON of id to version and content hash, one line per rule, in order."""
    entries = {r.id: {"version": r.version, "hash": r.content_hash} for r in ruleset.rules}
    return json.dumps(entries, indent=1, sort_keys=True) + "\n"


def check_lock(ruleset: RuleSet, text: str) -> list[RuleIssue]:
    """D18: a rule whose content changed has a new version. Rules not in the lock are new.

    Raises:
        WardenError: `invalid_lock` when the text is no lock file.
    """
    try:
        entries = json.loads(text)
        known = {str(k): (str(v["version"]), str(v["hash"])) for k, v in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WardenError("invalid_lock", "The lock file cannot be read.") from error
    return [issue for rule in ruleset.rules if (issue := _unbumped(rule, known.get(rule.id)))]


def _unbumped(rule: Rule, known: tuple[str, str] | None) -> RuleIssue | None:
    if known is None or known[1] == rule.content_hash or known[0] != rule.version:
        return None
    message = f"the rule changed and is still version {rule.version}"
    return rule.issue("D18", message, ("version",), hint="Raise the version.")
