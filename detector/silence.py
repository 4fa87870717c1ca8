"""Whose filings have stopped: subjects of waiting alerts that fell silent while others went on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from alerts.stale import Subject, waiting_subjects
from detector.database import reading
from detector.results import Manifest, Results
from features.vocabulary import GRAINS, Outcome

if TYPE_CHECKING:
    from detector.system import System

GRACE = timedelta(days=60)
"""A period's filings are expected by so long after its end."""
SHORT = timedelta(days=92)
"""A silence up to a quarter says nothing, however regular somebody filed before."""
LONG = timedelta(days=365)
"""What it takes of somebody seen in one period only, whose rhythm is not known."""

_KIND = ("typology", "subject_kind")
_SUBJECT = (*_KIND, "subject_key")


def silent_subjects(system: System, manifest: Manifest) -> set[Subject]:
    """Subjects of waiting alerts without filings for longer than they were ever silent before.

    Silence is counted to the newest period judged of anybody of the kind, once its filings are
    due: where nobody files, nobody has stopped.
    """
    with reading(system.engine) as connection:
        wanted = waiting_subjects(connection)
    if not wanted:
        return set()
    asked = pl.LazyFrame(sorted(wanted), schema=dict.fromkeys(_SUBJECT, pl.String), orient="row")
    judged = Results(system.home).judged(manifest)
    return set(_silent(judged, asked, pl.lit(manifest.as_of).str.to_date()).iter_rows())


def _silent(judged: pl.LazyFrame, asked: pl.LazyFrame, today: pl.Expr) -> pl.DataFrame:
    recurring = [code for code, grain in GRAINS.items() if grain.recurs]
    rows = judged.filter(
        pl.col("grain").is_in(recurring), pl.col("outcome") != Outcome.OUT_OF_SCOPE.value
    )
    due = rows.filter(pl.col("period_end") + GRACE <= today)
    newest = due.group_by(_KIND).agg(newest=pl.col("period_end").max())
    periods = (
        rows.join(asked, on=_SUBJECT, how="semi")
        .select(*_SUBJECT, "period_start", "period_end")
        .unique()
        .sort(*_SUBJECT, "period_start", "period_end")
    )
    ended = pl.col("period_end").cum_max().shift().over(_SUBJECT)
    seen = periods.with_columns(gap=pl.col("period_start") - ended).group_by(_SUBJECT)
    told = seen.agg(
        last=pl.col("period_end").max(), longest=pl.col("gap").max(), n=pl.col("period_start").len()
    )
    patience = pl.when(pl.col("n") > 1).then(pl.max_horizontal("longest", SHORT)).otherwise(LONG)
    stopped = pl.col("newest") - pl.col("last") > patience
    return told.join(newest, on=_KIND).filter(stopped).select(_SUBJECT).collect()
