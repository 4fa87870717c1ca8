"""A version in shadow beside the live one: whom only one of them names in the results in force."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from detector import publishing
from detector.database import reading
from detector.promotion import shadow_runs
from detector.results import Results
from features.vocabulary import Outcome
from rules.backtest import KEY

if TYPE_CHECKING:
    from detector.rulebook import Rulebook
    from detector.system import System

EXAMPLES = 10


def beside(system: System, book: Rulebook, rule_id: str) -> dict[str, Any] | None:
    """What a version in shadow has done so far; None when none is.

    Returns:
        ``version``, ``since``, ``runs``, ``judged``, ``fired`` (over all runs since), and of the
        results in force ``both``, ``only_live``, ``only_shadow`` (subjects and periods) with
        ``examples`` of the two last; ``live`` is the live version or None.
    """
    now = book.standing(rule_id)
    if now.shadow is None:
        return None
    shadow = f"{rule_id}@{now.shadow.version}"
    live = f"{rule_id}@{now.live.version}" if now.live else None
    with reading(system.engine) as connection:
        told = shadow_runs(connection, now, shadow)
    run = publishing.current(system)
    sides = _sides(system.home, run, live, shadow) if run else {}
    versions = {"version": now.shadow.version, "live": now.live.version if now.live else None}
    return {**versions, "since": now.shadowed_at, **told, **sides}


@lru_cache(maxsize=64)
def _sides(home: Path, run: str, live: str | None, shadow: str) -> dict[str, Any]:
    results = Results(home)
    rows = results.outcomes(results.manifest(run)).filter(
        pl.col("outcome") == Outcome.FIRED.value, pl.col("rule_id") == shadow.partition("@")[0]
    )
    fired = rows.select("rule_version", "subject_kind", *KEY, "period_end").collect()
    parts = [_of(fired, label) for label in (live, shadow)]
    old, new = parts
    key = list(KEY)
    gone, come = old.join(new, on=key, how="anti"), new.join(old, on=key, how="anti")
    return {
        "both": old.join(new, on=key, how="semi").height,
        "only_live": gone.height,
        "only_shadow": come.height,
        "examples": {
            "only_live": gone.sort(key).head(EXAMPLES).to_dicts(),
            "only_shadow": come.sort(key).head(EXAMPLES).to_dicts(),
        },
    }


def _of(fired: pl.DataFrame, label: str | None) -> pl.DataFrame:
    version = label.partition("@")[2] if label else ""
    return fired.filter(pl.col("rule_version") == version)
