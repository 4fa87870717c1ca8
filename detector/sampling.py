"""The blind random sample: judged subjects without an alert, drawn for review by chance.

Strata are (typology, grain); each is given the same expected number, so that rare kinds are not
drowned by tenders. Drawing is systematic along the list of strata, which gives every subject a
known probability; its inverse is the weight of the review. The seed is the run and the week: a
draw can be repeated, and a week is drawn once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl
import sqlalchemy as sa
from numpy.typing import NDArray

from alerts import jurisdictions
from alerts.blind import Drawn, drawn_in, queue_blind
from alerts.tables import alert as alert_table
from alerts.tables import review_draw as draw_table
from detector.concerned import places_of
from detector.database import reading, writing
from detector.extracts import manifest_of
from detector.raising import subject_names, to_signal
from detector.results import Manifest, Results
from detector.rule_texts import worst_of
from features.errors import WardenError
from features.vocabulary import TYPOLOGIES, Lane, Outcome

if TYPE_CHECKING:
    from detector.planning import Plan
    from detector.system import System

WEEKLY = 20
"""Subjects drawn a week when nothing else is said."""
RECENT = timedelta(days=366)
"""Periods that ended longer before the latest are not drawn from: nobody can act on them."""
ACTOR = "system"
STRATUM = ["typology", "grain"]
IDENTITY = ["typology", "subject_kind", "subject_key", "period_start"]


def week_of(moment: datetime) -> str:
    """Year and week by ISO 8601, the slot of a draw."""
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02}"


def draw_sample(
    system: System, n: int = WEEKLY, actor: str = ACTOR, slot: str | None = None
) -> dict[str, Any]:
    """Draws subjects for blind review and queues them; the week's second draw does nothing.

    Returns:
        ``slot``, ``queued`` (how many alerts are new), ``population`` and ``strata``.

    Raises:
        WardenError: `nothing_judged` before any detection; `bad_sample` for n below 1.
    """
    if n < 1:
        raise WardenError("bad_sample", f"A sample of {n} says nothing.", "Give --n of at least 1.")
    if not actor.strip():
        raise WardenError("actor_required", "A draw needs the person who orders it.")
    week = slot or week_of(system.clock())
    results = Results(system.home)
    manifest = manifest_of(system, results, None)
    with reading(system.engine) as connection:
        done = drawn_in(connection, week)
    if done:
        return {"slot": week, "queued": 0, "already": done, "population": None, "strata": None}
    frame = population(system, results, manifest)
    chosen = draw(frame, n, f"{manifest.run_id}:{week}")
    drawn = as_drawn(system, manifest, chosen)
    snapshot = system.lake.pinned(manifest.versions, manifest.known_at)
    # whoever is limited to a place must see those of it, and none else
    places = places_of(system, snapshot, [one.signal for one in drawn])
    with writing(system.engine) as connection:
        now, deadlines = system.clock(), system.settings.due.deadlines()
        queued = queue_blind(connection, drawn, week, actor, now, deadlines)
        jurisdictions.keep(connection, places)
    strata = frame.select(STRATUM).unique().height
    return {
        "slot": week, "queued": queued, "already": 0,
        "population": frame.height, "strata": strata,
    }  # fmt: skip


def population(system: System, results: Results, manifest: Manifest) -> pl.DataFrame:
    """Judged subjects an alert could be about and none is, with the counts of their stratum."""
    about = [(t.id, g) for t in TYPOLOGIES.values() if not t.context_only for g in t.alerts_on]
    pairs = pl.DataFrame(about, schema=STRATUM, orient="row").unique()
    judged = (
        results.judged(manifest)
        .filter(
            pl.col("outcome").is_in([Outcome.CLEAR.value, Outcome.FIRED.value]),
            pl.col("lane") == Lane.SCREEN.value,
        )
        .join(pairs.lazy(), on=STRATUM, how="semi")
        .filter(pl.col("period_end") >= pl.col("period_end").max().over(STRATUM) - RECENT)
        .collect()
    )
    known = _alerts(system)
    inside = judged.join(known, on=IDENTITY, how="semi").group_by(STRATUM).len("alerted")
    rest = judged.join(known, on=IDENTITY, how="anti")
    return (
        rest.join(inside, on=STRATUM, how="left")
        .with_columns(pl.col("alerted").fill_null(0), population=pl.len().over(STRATUM))
        .sort(*STRATUM, "subject_key", "period_start")
    )


def _alerts(system: System) -> pl.DataFrame:
    columns = [alert_table.c[name] for name in IDENTITY]
    with reading(system.engine) as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(*columns))]
    schema = {**dict.fromkeys(IDENTITY[:3], pl.String()), "period_start": pl.Date()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def draw(frame: pl.DataFrame, n: int, seed: str) -> pl.DataFrame:
    """About `n` rows with the `probability` each had; all where there are no more than that."""
    if frame.is_empty():
        return frame.with_columns(probability=pl.lit(None, dtype=pl.Float64))
    digest = hashlib.sha256(f"blind sample:{seed}".encode()).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    sizes = frame["population"].to_numpy()
    probability = inclusion(sizes, n)
    # by chance inside a stratum, in order of strata: the same places are then spread over them
    order = _within(frame, chance)
    start = chance.random()
    reached = np.cumsum(probability[order]) - start
    hit = np.floor(reached) > np.floor(reached - probability[order])
    taken = np.sort(order[hit])
    rows = frame.with_columns(probability=pl.Series(probability))
    return rows.filter(pl.int_range(pl.len()).is_in(taken))


def _within(frame: pl.DataFrame, chance: np.random.Generator) -> NDArray[np.intp]:
    """Row numbers by stratum, inside each in an order of chance."""
    strata = frame.select(pl.struct(STRATUM).rank("dense").alias("s"))["s"].to_numpy()
    return np.lexsort((chance.random(frame.height), strata))


def inclusion(sizes: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Probability of each row: the same expected number of every stratum, none above 1.

    Args:
        sizes: rows of the stratum of each row.
        n: rows wanted; the probabilities add up to it, or to all rows if there are no more.
    """
    if n >= len(sizes):
        return np.ones(len(sizes))
    low, high = 0.0, float(sizes.max())
    for _ in range(100):
        share = (low + high) / 2
        if np.minimum(1.0, share / sizes).sum() < n:
            low = share
        else:
            high = share
    return np.minimum(1.0, high / sizes)


def as_drawn(system: System, manifest: Manifest, chosen: pl.DataFrame) -> list[Drawn]:
    """The rows as signals, worded like any other, with how they were drawn."""
    from detector.rulebook import rules_in_force

    snapshot = system.lake.pinned(manifest.versions, manifest.known_at)
    names = subject_names(system, cast("Plan", SimpleNamespace(snapshot=snapshot)))
    live = rules_in_force(system).live()
    rules = {f"{rule.id}@{rule.version}": rule for rule in live}
    graves: dict[str, int] = {}
    for rule in live:
        typology = rule.spec.typology
        graves[typology] = max(graves.get(typology, 1), worst_of(rule))
    found = []
    for row in chosen.to_dicts():
        told = row | {"suspicion": row["suspicion"] or 0.0, "fired_rules": row["fired_rules"] or []}
        signal = to_signal(told, names, rules, manifest.run_id, manifest.snapshot_id)
        severity = graves.get(row["typology"], signal.severity)
        found.append(
            Drawn(
                signal=replace(signal, severity=severity),
                grain=row["grain"],
                population=row["population"],
                alerted=row["alerted"],
                probability=row["probability"],
                suspicion=row["suspicion"],
            )
        )
    return found


def shown_draws(system: System) -> list[dict[str, Any]]:
    """Every subject ever drawn with what became of it: for those who audit, not who review."""
    seen, drawn = alert_table.c, draw_table.c
    query = (
        sa.select(
            drawn.slot, drawn.role, drawn.alert_id, seen.typology, drawn.grain, seen.subject_key,
            drawn.probability, drawn.population, drawn.suspicion, seen.state, seen.close_reason,
            drawn.drawn_by, drawn.drawn_at,
        )
        .join(alert_table, seen.id == drawn.alert_id)
        .order_by(drawn.slot, drawn.role, drawn.alert_id)
    )  # fmt: skip
    with reading(system.engine) as connection:
        rows: Sequence[Mapping[str, Any]] = [dict(r) for r in connection.execute(query).mappings()]
    return [dict(row) | {"drawn_at": row["drawn_at"].isoformat()} for row in rows]
