"""Exceptions of an installation: made, approved, ended, and what each of them has hidden."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from alerts import exceptions
from alerts.exceptions import RuleException, Wanted, exception_object
from alerts.inbox import tagged_alerts
from alerts.tagging import retag
from detector import publishing
from detector.database import reading, writing
from detector.promotion import named
from detector.results import Results
from detector.rule_texts import worst_of
from detector.rulebook import rulebook
from features.errors import WardenError
from features.vocabulary import GRAINS, Outcome

if TYPE_CHECKING:
    from detector.system import System


def add_exception(system: System, wanted: Wanted, actor: str) -> RuleException:
    """Adds an exception and tags the alerts it covers.

    Raises:
        WardenError: `unknown_rule`, `unknown_kind`, and those of `alerts.exceptions.add`.
    """
    book = rulebook(system)
    rule = book.version(wanted.rule_id, book.today(wanted.rule_id))
    kinds = {grain.subject_kind for grain in GRAINS.values()}
    if wanted.subject_kind and wanted.subject_kind not in kinds:
        raise WardenError(
            "unknown_kind", f"There is no kind of subject {wanted.subject_kind}.",
            f"This rule judges {GRAINS[rule.spec.grain].subject_kind}.",
        )  # fmt: skip
    with writing(system.engine) as connection:
        now = system.clock()
        found = exceptions.add(connection, wanted, worst_of(rule), named(actor), now)
        if found.in_force:
            retag(connection, found.rule_id, named(actor), now)
    return found


def approve_exception(
    system: System, exception_id: int, actor: str, expected: int | None = None
) -> RuleException:
    """The second person's word; then the alerts are tagged."""
    with writing(system.engine) as connection:
        now = system.clock()
        found = exceptions.approve(connection, exception_id, named(actor), now, expected)
        retag(connection, found.rule_id, named(actor), now)
    return found


def end_exception(
    system: System,
    exception_id: int,
    actor: str,
    on: date | None = None,
    expected: int | None = None,
) -> RuleException:
    """Ends an exception; alerts of later periods come back to their place."""
    with writing(system.engine) as connection:
        now = system.clock()
        found = exceptions.end(connection, exception_id, named(actor), now, on, expected)
        retag(connection, found.rule_id, named(actor), now)
    return found


def exceptions_report(system: System, rule_id: str | None = None) -> list[dict[str, Any]]:
    """Every exception with what it has hidden.

    Each has `alerts` (tagged by it now), `worst_severity` among them, and `firings`: rows of the
    results in force in which its rule fired for what it covers, alert or not.
    """
    with reading(system.engine) as connection:
        found = exceptions.listed(connection, rule_id)
        alerts = tagged_alerts(connection)
    fired = firings(system, {one.rule_id for one in found})
    rows = []
    for one in found:
        mine = [
            a for a in alerts if any(t.get("exception") == one.id for t in a.tags)
        ]  # fmt: skip
        hidden = {
            "alerts": len(mine),
            "set_aside": sum(a.set_aside for a in mine),
            "worst_severity": max((a.signal.severity for a in mine), default=None),
            "firings": fired.filter(covered(one)).height if one.in_force else 0,
        }
        rows.append({**exception_object(one), "hidden": hidden})
    return rows


def firings(system: System, rules: set[str]) -> pl.DataFrame:
    """Rows of the results in force in which one of the rules fired, shadows left aside."""
    results, current = Results(system.home), publishing.current(system)
    columns = ("rule_id", "subject_kind", "subject_key", "period_end")
    if current is None or not rules:
        return pl.DataFrame(
            schema={name: pl.Date if name == "period_end" else pl.String for name in columns}
        )
    rows = results.outcomes(results.manifest(current)).filter(
        pl.col("outcome") == Outcome.FIRED, ~pl.col("shadow"), pl.col("rule_id").is_in(list(rules))
    )
    return rows.select(columns).collect()


def covered(one: RuleException) -> pl.Expr:
    """Whether a firing is meant by an exception, as `RuleException.covers` says of a signal."""
    meant = [pl.col("rule_id") == one.rule_id]
    if one.subject_kind is not None:
        meant.append(pl.col("subject_kind") == one.subject_kind)
    if one.subject_key is not None:
        meant.append(pl.col("subject_key") == one.subject_key)
    days = pl.col("period_end").is_between(one.first_day or date.min, one.until)
    return pl.all_horizontal(*meant, days)
