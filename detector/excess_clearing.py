"""How many fewer suspicious tenders would clear a firm of the excess test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from detector import rollup
from detector.excess import with_tail
from detector.false_alarms import FAMILIES, with_q_values
from detector.results import Manifest, Results, shaped
from features.vocabulary import Outcome

if TYPE_CHECKING:
    from detector.system import System

TALLY = "suspicious_tender_share"


def excess_changes(
    system: System, manifest: Manifest, grain: str, alert: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The excess an alert rests on, and the largest count at which it would not have fired.

    The test is run again with fewer tenders of this subject in the tail: its p-value among those
    judged together with it, and the least count and share that are asked for. The null and all
    other subjects stay as they are.

    Returns:
        ``count`` suspicious of ``n``, ``fewer`` (how many fewer would clear), ``clears_at`` (the
        count then) and ``line`` (the false discovery rate); None where no excess fired.
    """
    fact = next((f for f in alert["facts"] if f.get("feature") == TALLY), None)
    if fact is None:
        return None
    rate = system.settings.false_discovery_rate
    family = _family(system, manifest, grain, alert)
    count, n = int(fact["count"]), int(fact["n"])
    null = (float(fact["threshold"]), float(fact.get("likeness") or 0.0))
    found = {"count": count, "n": n, "line": rate, "fewer": None, "clears_at": None}
    if not _fires(family, alert, count, n, null, rate):
        return found
    low, high = 0, count  # it fires with `high`; with none in the tail it cannot
    while high - low > 1:
        middle = (low + high) // 2
        fires = _fires(family, alert, middle, n, null, rate)
        low, high = (low, middle) if fires else (middle, high)
    return found | {"fewer": count - low, "clears_at": low}


def _family(
    system: System, manifest: Manifest, grain: str, alert: Mapping[str, Any]
) -> pl.DataFrame:
    """Everything judged together with the alert's row, itself included."""
    mine = FAMILIES[str(alert["typology"])]
    rows = Results(system.home).judged(manifest).filter(
        pl.col("grain") == grain,
        pl.col("period_start") == pl.lit(str(alert["period"]["start"])).str.to_date(),
        pl.col("typology").is_in([t for t, family in FAMILIES.items() if family == mine]),
        pl.col("p_value").is_not_null(),
    )  # fmt: skip
    return shaped(rows.collect(), rollup.ROLLED)


def _fires(
    family: pl.DataFrame,
    alert: Mapping[str, Any],
    count: int,
    n: int,
    null: tuple[float, float],
    rate: float,
) -> bool:
    """Whether the excess fires with so many tenders in the tail, by the test itself."""
    own = (pl.col("typology") == str(alert["typology"])) & (
        pl.col("subject_key") == str(alert["subject"]["key"])
    )
    tail = with_tail(pl.DataFrame({"x": [count], "n": [n]}), null)["tail"][0]
    counts = {"p_value": tail, "x": count, "n": n, "rate": null[0]}
    rows = family.with_columns(
        *(
            pl.when(own).then(pl.lit(v)).otherwise(c).cast(family.schema[c]).alias(c)
            for c, v in counts.items()
        ),
        outcome=pl.when(own).then(pl.lit(Outcome.CLEAR.value)).otherwise("outcome"),
    )
    told = rollup.fire_excess(with_q_values(rows), rate).filter(own)
    return bool((told["outcome"] == Outcome.FIRED.value).any())
