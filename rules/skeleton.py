"""The text a new rule starts from: complete in shape, to be filled in."""

from __future__ import annotations

from datetime import date

_TEXT = """\
id: {id}
title:
  en: Say in a few neutral words what was seen
  zh: 用中性词语概括所见
version: "0.1.0"
status: draft
owner: your-team
created: "{today}"
modified: "{today}"
# One of `warden rules list`; the grain must be one its features are computed at.
typology: MON-BID-CV
grain: tender
lane: screen
severity: 3
legal_basis:
  - {{jurisdiction: EU, instrument: TFEU, article: "101(1)", in_force_from: "2009-12-01"}}
harm:
  en: Who is hurt, in one sentence.
  zh: 一句话说明受害者。
# Rows outside the scope end as out_of_scope.
scope: |
  award_rule IS NULL OR award_rule <> 'average'
# SQL over features, attributes and :parameters; see the reference of features for names and units.
condition: |
  bid_cv <= :max_cv
parameters:
  max_cv: {{value: 0.03, class: ENG, unit: ratio, source: "Where it comes from", verified: false}}
on_missing: not_evaluable
min_support: {{bid_cv: 4}}
message:
  en: "{{n_bids}} bids vary by only {{bid_cv}} (limit {{max_cv}})."
  zh: "{{n_bids}}份报价差异系数仅{{bid_cv}}（界限{{max_cv}}）。"
innocent_explanations:
  - {{en: "What honest reason could explain it?", zh: "可能的正当理由一。"}}
  - {{en: "And another one.", zh: "可能的正当理由二。"}}
triage:
  - {{en: "What a reviewer looks at first.", zh: "审核人首先查看的内容。"}}
limits:
  - "What this rule cannot see."
references:
  - "Where the idea comes from"
max_flag_rate: 0.1
suppress: none
tests:
  - name: well below the limit
    level: row
    given: {{bid_cv: 0.01, n_bids: 6}}
    expect: fired
  - name: exactly at the limit
    level: row
    given: {{bid_cv: 0.03, n_bids: 6}}
    expect: fired
  - name: just above the limit
    level: row
    given: {{bid_cv: 0.0315, n_bids: 6}}
    expect: clear
  - name: just enough bids
    level: row
    given: {{bid_cv: 0.01, bid_cv__n: 4, n_bids: 4}}
    expect: fired
  - name: one bid too few
    level: row
    given: {{bid_cv: 0.01, bid_cv__n: 3, n_bids: 3}}
    expect: not_evaluable
    reason: too_few
  - name: too few bids to tell
    level: row
    given: {{bid_cv__reason: too_few}}
    expect: not_evaluable
    reason: too_few
  - name: awarded by average price
    level: row
    given: {{bid_cv: 0.01, n_bids: 6, award_rule: average}}
    expect: out_of_scope
"""


def new_rule_text(rule_id: str, today: date) -> str:
    """A rule that lints and whose tests pass, to be changed step by step."""
    return _TEXT.format(id=rule_id, today=today.isoformat())
