"""Rules of an installation in tests: written, put into shadow, judged in a run, made live."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from detector import promotion
from detector.database import writing
from detector.rule_checks import Report, read_report
from detector.rulebook import rulebook
from detector.system import System
from detector.tables import run

AUTHOR, SECOND = "Ann Author", "Ben Second"
OWN = "rule-of-my-own"
LIKE = "mon-bid-cv-very-low"


TEXT = """\
id: {rule_id}
title:
  en: A measure of an office of its own
  zh: 本局自用指标
version: "{version}"
status: active
owner: office-7
created: "2026-11-23"
modified: "2026-11-23"
typology: MON-BID-CV
grain: tender
lane: screen
severity: {severity}
legal_basis:
  - {{jurisdiction: CN, instrument: Anti-Monopoly Law, article: "17", in_force_from: "2022-08-01"}}
harm:
  en: The buyer and the public purse.
  zh: 采购人与公共资金。
scope: |
  award_rule IS NULL OR award_rule <> 'average'
condition: |
  bid_cv <= :max_cv
parameters:
  max_cv: {{value: {limit}, class: ENG, unit: ratio, source: "Set by the office", verified: false}}
on_missing: not_evaluable
min_support: {{bid_cv: 4}}
message:
  en: "{{n_bids}} bids vary by only **{{bid_cv}}**; the limit is {{max_cv}}."
  zh: "{{n_bids}}份报价差异系数仅**{{bid_cv}}**，界限为{{max_cv}}。"
innocent_explanations:
  - {{en: "Public input prices leave little room to differ.", zh: "原材料价格公开。"}}
  - {{en: "A reserve price or ceiling pulls bids together.", zh: "最高限价使报价趋同。"}}
triage:
  - {{en: "Look for the same bidders in other tenders.", zh: "查看其他项目中的相同投标人。"}}
limits:
  - "Calibrated nowhere yet; act on clusters of tenders."
references:
  - "The office's own experience"
max_flag_rate: {cap}
suppress: none
tests:
  - name: bids close together
    level: row
    given: {{bid_cv: 0.001, n_bids: 5, bid_cv__n: 5}}
    expect: fired
  - name: exactly at the limit
    level: row
    given: {{bid_cv: {limit}, n_bids: 5, bid_cv__n: 5}}
    expect: fired
  - name: far apart
    level: row
    given: {{bid_cv: 0.2, n_bids: 5, bid_cv__n: 5}}
    expect: clear
  - name: three bids are too few
    level: row
    given: {{bid_cv: 0.001, n_bids: 3, bid_cv__n: 3}}
    expect: not_evaluable
    reason: too_few
  - name: award by average price is out of scope
    level: row
    given: {{bid_cv: 0.001, n_bids: 5, bid_cv__n: 5, award_rule: average}}
    expect: out_of_scope
"""
"""A rule that calls itself active."""


def local_text(
    version: str = "1.0.0",
    limit: float = 0.018,
    rule_id: str = OWN,
    cap: float = 0.1,
    severity: int = 3,
) -> str:
    """A whole rule file."""
    return TEXT.format(version=version, limit=limit, rule_id=rule_id, cap=cap, severity=severity)


def write_rule(folder: Path, text: str, rule_id: str = OWN) -> Path:
    """Files the rule in a folder of rules."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{rule_id}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def report_on(system: System, rule_id: str, version: str | None = None) -> Report:
    """What a backtest of today's text would hand in."""
    rule = rulebook(system).candidate(rule_id, version)
    names = {"rule": rule.id, "version": rule.version, "content_hash": rule.content_hash}
    return read_report(json.dumps({**names, "snapshot_id": "S", "rows": 7}).encode())


def shadowed(system: System, rule_id: str = OWN, version: str | None = None) -> None:
    """The author puts today's text into shadow."""
    handed = report_on(system, rule_id, version)
    promotion.to_shadow(system, rule_id, AUTHOR, report=handed, version=version)


def judged_in_shadow(system: System, rule_id: str, judged: int = 5) -> None:
    """A live run that judged the version in shadow, as the ledger keeps it."""
    text = rulebook(system).standing(rule_id).shadow
    assert text is not None
    told = {f"{rule_id}@{text.version}": {"judged": judged, "fired": 1}}
    ran(system, {"target": "live", "shadows": told})


def ran(system: System, counts: dict[str, object], at: datetime | None = None) -> None:
    """A row of the ledger."""
    now = at or system.clock()
    row = {"run_id": uuid4().hex, "job": "detect", "slot": f"manual:{uuid4()}", "state": "done"}
    row |= {"attempt": 1, "token": 1}
    with writing(system.engine) as connection:
        values = {**row, "planned_at": now, "finished_at": now, "counts": counts}
        connection.execute(run.insert(), values)


def live(system: System, rule_id: str = OWN) -> None:
    """Today's text through every stage."""
    shadowed(system, rule_id)
    judged_in_shadow(system, rule_id)
    promotion.to_active(system, rule_id, SECOND)
