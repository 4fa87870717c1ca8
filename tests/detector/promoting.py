"""Rules of an installation in tests: written, put into shadow, judged in a run, made live."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

from detector import promotion
from detector.database import writing
from detector.rule_checks import Report, read_report
from detector.rulebook import rulebook
from detector.system import System
from detector.tables import run
from rules.ruleset import SHIPPED_RULES

AUTHOR, SECOND = "Ann Author", "Ben Second"
OWN = "rule-of-my-own"
LIKE = "mon-bid-cv-very-low"
LIBRARY = SHIPPED_RULES


@cache
def shipped_text(rule_id: str) -> str:
    """The text of a shipped rule, as it lies in the library of this release."""
    return next(LIBRARY.rglob(f"{rule_id}.yaml")).read_text(encoding="utf-8")


def local_text(version: str = "1.0.0", limit: float = 0.018, rule_id: str = OWN) -> str:
    """A rule like `LIKE`, under a name and with a limit of its own."""
    text = shipped_text(LIKE).replace(f"id: {LIKE}", f"id: {rule_id}")
    text = text.replace("en: Bids almost equal", "en: A measure of an office of its own")
    text = text.replace('version: "1.0.0"', f'version: "{version}"')
    return text.replace("value: 0.02,", f"value: {limit},").replace(
        "{bid_cv: 0.02}", f"{{bid_cv: {limit}}}"
    )


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
