"""Platforms against those who depend on them: places in lists, visibility, pressure to stay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial

import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

SEEN = 0.3
"""Impressions of a demoted merchant over those before (catalogue: from 1,000 to 300)."""
BASE, DEMOTED = 0.05, 0.2
"""Statements about rivals that demote, honest and at full strength (catalogue: 40 of 200)."""
LEAVING = 1 - 180 / 420
"""Share of those with two homes who leave the other (catalogue: from 420 to 180 in 1,000)."""
BOUND = 0.6
"""Share of a platform's merchants under exclusive terms at full strength."""
LISTS = ("platform_id", "query", "ts")


def picked(rng: Random, values: pl.Series, count: int) -> list[str]:
    """So many of the distinct values, by name."""
    names = values.unique().sort()
    places = rng.choice(names.len(), min(count, names.len()), replace=False)
    return sorted(names.gather(places).to_list())


def single(names: list[str]) -> tuple[frozenset[str], ...]:
    """One case a name."""
    return tuple(frozenset([name]) for name in names)


def favoured(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Moves own offers of `count` platforms towards the head of every list, for three months."""
    rows = tables["ranking_samples"]
    chosen = picked(rng, rows["platform_id"], count)
    since = rows["ts"].dt.month().unique().sort()[2]
    mine = pl.col("platform_id").is_in(chosen) & (pl.col("ts").dt.month() >= since)
    own = mine & pl.col("is_own")
    place = pl.when(own).then((1 - strength) * pl.col("rank")).otherwise(pl.col("rank"))
    order = [False] * 4 + [True, False]
    moved = rows.with_columns(_place=place).sort(*LISTS, "_place", "is_own", "rank",
                                                 descending=order)  # fmt: skip
    ranked = moved.with_columns(rank=pl.int_range(1, pl.len() + 1).over(LISTS)).drop("_place")
    return Planted({**tables, "ranking_samples": ranked}, single(chosen))


def _struck(tables: Tables, rng: Random, words: tuple[str, ...], count: int) -> dict[str, date]:
    """Merchants with such an event, and its day."""
    events = tables["merchant_events"].filter(pl.col("event").is_in(words))
    chosen = picked(rng, events["merchant_id"], count)
    found = events.filter(pl.col("merchant_id").is_in(chosen))
    return dict(found.group_by("merchant_id").agg(pl.col("date").min()).sort("merchant_id").rows())


def _dimmed(tables: Tables, since: Mapping[str, date], strength: float) -> pl.DataFrame:
    """Visibility with fewer impressions of some merchants from a day on."""
    start = pl.col("merchant_id").replace_strict(since, default=None, return_dtype=pl.Date)
    hit = (pl.col("date") >= start).fill_null(value=False)
    less = (pl.col("impressions") * SEEN**strength).round().cast(pl.Int64)
    return tables["visibility"].with_columns(
        impressions=pl.when(hit).then(less).otherwise("impressions")
    )


def demoted(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Shows `count` merchants less from the day they complain or sell at a rival too."""
    since = _struck(tables, rng, ("joined_rival", "complaint"), count)
    return Planted({**tables, "visibility": _dimmed(tables, since, strength)}, single([*since]))


def pressed(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Enrols `count` merchants without asking, and shows them less once they refuse."""
    since = _struck(tables, rng, ("refused_promo",), count)
    events = tables["merchant_events"]
    luck = pl.Series(rng.random(events.height))
    mine = pl.col("merchant_id").is_in([*since]) & (pl.col("event") == "promo_enrolled")
    forced = events.with_columns(
        automatic=pl.when(mine & (luck < strength)).then(pl.lit(value=True)).otherwise("automatic")
    )
    changed = {"merchant_events": forced, "visibility": _dimmed(tables, since, strength)}
    return Planted({**tables, **changed}, single([*since]))


def reasoned(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Turns statements about rivals into demotions, on `count` platforms for three months."""
    rows = tables["statements_of_reasons"]
    chosen = picked(rng, rows["platform_id"], count)
    rivals = tables["merchants"].filter("is_rival")["merchant_id"]
    more = strength * (DEMOTED - BASE) / (1 - BASE)
    luck = pl.Series(rng.random(rows.height))
    mine = (
        pl.col("platform_id").is_in(chosen)
        & pl.col("merchant_gid").is_in(rivals.implode())
        & (pl.col("application_date").dt.month() >= pl.col("application_date").dt.month().max() - 2)
    )
    word = pl.lit('["DECISION_VISIBILITY_CONTENT_DEMOTED"]')
    changed = rows.with_columns(
        decision_visibility=pl.when(mine & (luck < more)).then(word)
        .otherwise("decision_visibility")
    )  # fmt: skip
    return Planted({**tables, "statements_of_reasons": changed}, single(chosen))


def left(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Makes merchants of the first platform of `count` markets leave the others within a month."""
    rows = tables["merchant_presence"]
    first = rows.filter(pl.col("platform_id").str.ends_with("-0"))
    chosen = picked(rng, first["platform_id"], count)
    month = rows["month"].unique().sort()[8]
    told = first.filter(pl.col("platform_id").is_in(chosen))["merchant_gid"].unique().sort()
    going = told.filter(pl.Series(rng.random(told.len())) < LEAVING * strength)
    days = pl.Series(
        [f"{month}-{d:02d}" for d in rng.integers(3, 18, going.len())], dtype=pl.String
    )
    leaving = pl.DataFrame({"merchant_gid": going, "_left": days.str.to_date()})
    elsewhere = ~pl.col("platform_id").is_in(chosen)
    marked = rows.join(leaving, on="merchant_gid", how="left", maintain_order="left")
    gone = (elsewhere & pl.col("_left").is_not_null()).fill_null(value=False)
    kept = marked.filter(~(gone & (pl.col("month") > month))).with_columns(
        active=pl.col("active") & ~(gone & (pl.col("month") == month)),
        left_on=pl.when(gone & (pl.col("month") == month)).then("_left"),
    )
    return Planted({**tables, "merchant_presence": kept.drop("_left")}, single(chosen))


def bound(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Binds merchants of `count` platforms to them alone from the first month on."""
    rows = tables["merchant_presence"]
    first = rows.filter(pl.col("platform_id").str.ends_with("-0"))
    chosen = picked(rng, first["platform_id"], count)
    known = first.filter(pl.col("platform_id").is_in(chosen))["merchant_gid"].unique().sort()
    signed = known.filter(pl.Series(rng.random(known.len())) < BOUND * strength)
    here = pl.col("platform_id").is_in(chosen)
    mine = pl.col("merchant_gid").is_in(signed.implode())
    kept = rows.filter(~mine | here).with_columns(exclusive=pl.col("exclusive") | (mine & here))
    return Planted({**tables, "merchant_presence": kept}, single(chosen))


def punished(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Shows `count` merchants that stayed with a rival less from the campaign's day on."""
    rows = tables["merchant_presence"]
    still = rows.filter((pl.col("platform_id") == "CP-3") & (pl.col("month") == "2026-06"))
    chosen = picked(rng, still["merchant_gid"], count)
    since = dict.fromkeys(chosen, tables["market_events"]["date"][0])
    return Planted({**tables, "visibility": _dimmed(tables, since, strength)}, single(chosen))


_LESS = "impressions fall to 0.3 of before at 1, by the same ratio for each step"


def favours(count: int) -> tuple[Scheme, ...]:
    """Self-preference in result lists."""
    words = "how far each own offer is moved from its place by merit to the head of the list"
    return (
        Scheme("own offers first", ("MON-SELFPREF",), words, ("ranking_samples", ("platform_id",)),
               partial(favoured, count=count)),
    )  # fmt: skip


def conflicts(count: int) -> tuple[Scheme, ...]:
    """Demotion after a conflict; promotions nobody asked for."""
    subjects = ("merchants", ("merchant_id",))
    return (
        Scheme("demotion after a conflict", ("MON-DEMOTION",), _LESS, subjects,
               partial(demoted, count=count)),
        Scheme("enrolled unasked", ("MON-FORCED-DISCOUNT",),
               f"share of enrolments without an action; after a refusal {_LESS}", subjects,
               partial(pressed, count=count)),
    )  # fmt: skip


def demotions(count: int) -> tuple[Scheme, ...]:
    """Statements of reasons that demote rivals."""
    words = "share of statements about rivals that demote, from 0.05 to 0.20"
    return (
        Scheme("rivals demoted", ("MON-DEMOTION",), words,
               ("statements_of_reasons", ("platform_id",)), partial(reasoned, count=count)),
    )  # fmt: skip


def exclusivity(count: int) -> tuple[Scheme, ...]:
    """Merchants made to choose, and merchants bound by contract."""
    subjects = ("merchant_presence", ("platform_id",))
    return (
        Scheme("choose one of two", ("MON-EXCLUSIVITY",),
               "share of merchants with two homes who leave the other in a month, 0.57 at 1",
               subjects, partial(left, count=count)),
        Scheme("exclusive terms", ("MON-EXCLUSIVITY",),
               "share of merchants under exclusive terms, 0.6 at 1, for fourteen months",
               subjects, partial(bound, count=count)),
    )  # fmt: skip


def penalties(count: int) -> tuple[Scheme, ...]:
    """Merchants punished for a second home."""
    return (
        Scheme("second home punished", ("MON-EXCLUSIVITY",), _LESS,
               ("merchants", ("merchant_id",)), partial(punished, count=count)),
    )  # fmt: skip
