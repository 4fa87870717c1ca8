"""Consent dialogues: rates nobody reaches, refusing and withdrawing made hard or useless."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.apps import APP, cases, drawn
from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

TABLE = "consent_metrics"
LASTS = 6
"""Months a scheme lasts, the last ones filed."""
RATE, DENIED, CLICKS, PROMPTS, STEPS, FLOWS = 0.985, 0.75, 3, 7.0, 7, 0.07
"""The catalogue's examples of suspicious dialogues."""
WAYS = 6
"""Each way takes apps of its own: two of one typology never meet."""
Change = Callable[[pl.DataFrame, float, Random], pl.DataFrame]


def rate(rows: pl.DataFrame, strength: float, _: Random) -> pl.DataFrame:
    """More accept, drawn towards 985 of 1,000 on the scale of logits; fewer refuse."""
    shown, before = rows["shown"].to_numpy(), rows["accepted"].to_numpy()
    own = np.log(before / (shown - before))
    logit = (1 - strength) * own + strength * np.log(RATE / (1 - RATE))
    accepted = np.round(shown / (1 + np.exp(-logit))).astype(np.int64)
    left = (shown - accepted) / (shown - before)
    fewer = [(rows[c].to_numpy() * left).astype(np.int64)
             for c in ("refused", "refusing_users", "prompts_after_refusal")]  # fmt: skip
    return rows.with_columns(
        accepted=pl.Series(accepted), refused=pl.Series(fewer[0]),
        refusing_users=pl.Series(fewer[1]), prompts_after_refusal=pl.Series(fewer[2]),
        denied_after_refusal=pl.min_horizontal("denied_after_refusal", pl.Series(fewer[0])),
    )  # fmt: skip


def denial(rows: pl.DataFrame, strength: float, rng: Random) -> pl.DataFrame:
    """Service ends for a share of those who refuse."""
    more = rng.binomial(rows["refused"].to_numpy(), DENIED * strength)
    return rows.with_columns(
        denied_after_refusal=pl.min_horizontal("refused", pl.col("denied_after_refusal") + more)
    )


def clicks(rows: pl.DataFrame, strength: float, _: Random) -> pl.DataFrame:
    """Refusing takes more clicks, up to three for one."""
    more = int(np.floor((CLICKS - 1) * strength + 0.5))
    return rows.with_columns(clicks_reject=pl.col("clicks_reject") + more * pl.col("clicks_accept"))


def nagging(rows: pl.DataFrame, strength: float, _: Random) -> pl.DataFrame:
    """Who refused is asked again and again, up to seven times a month."""
    persons = rows["refusing_users"].to_numpy()
    own = np.maximum(rows["prompts_after_refusal"].to_numpy(), 1)
    prompts = np.exp((1 - strength) * np.log(own) + strength * np.log(PROMPTS * persons))
    return rows.with_columns(prompts_after_refusal=pl.Series(np.round(prompts).astype(np.int64)))


def steps(rows: pl.DataFrame, strength: float, _: Random) -> pl.DataFrame:
    """Withdrawing takes more steps, up to seven for one."""
    give = pl.col("steps_give")
    more = ((STEPS - 1) * strength * give).floor().cast(pl.Int64)
    return rows.with_columns(steps_withdraw=pl.col("steps_withdraw") + more)


def ineffective(rows: pl.DataFrame, strength: float, rng: Random) -> pl.DataFrame:
    """Data of those who withdrew flows on, of up to seven in a hundred."""
    more = rng.binomial(rows["withdrawn"].to_numpy(), FLOWS * strength)
    late = pl.min_horizontal("withdrawn", pl.col("flows_after_withdrawal") + more)
    return rows.with_columns(flows_after_withdrawal=late)


def dialogue(
    tables: Tables,
    strength: float,
    rng: Random,
    *,
    count: int,
    turn: int,
    change: Change,
    place: str = "",
) -> Planted:
    """Changes the last half year of the dialogues of some apps, all of one place if named."""
    rows = tables[TABLE].with_row_index("_row")
    seats = tables["firms"].filter((pl.col("jurisdiction") == place) | pl.lit(not place))
    apps = tables["apps"].join(seats, left_on="operator_id", right_on="firm_id", how="semi")
    chosen = drawn(tables["apps"][APP], count, rng, turn, WAYS, apps[APP])
    months = rows["period"].unique().sort()[-LASTS:]
    mine = rows.filter(
        pl.col(APP).is_in(chosen.implode()), pl.col("period").is_in(months.implode())
    )
    new = change(mine, strength, rng) if strength else mine
    others = rows.join(mine, on="_row", how="anti")
    filed = pl.concat([others, new.cast(rows.schema)]).sort("_row").drop("_row")
    return Planted({**tables, TABLE: filed}, cases(chosen))


def schemes(count: int) -> tuple[Scheme, ...]:
    """Six ways of taking consent that is none."""
    ways: tuple[tuple[str, str, str, Change, str], ...] = (
        ("consent of nearly all", "PRIV-CONSENT-RATE",
         "rate of consent, from the app's own to 0.985 (logits)", rate, ""),
        ("no consent, no service", "PRIV-FORCED-CONSENT",
         "share of refusals after which service ends, 1 is 0.75", denial, "CN"),
        ("refusing takes clicks", "PRIV-DARK-PATTERN",
         "clicks to refuse for one to accept, from 1 to 3 in whole ones", clicks, ""),
        ("asked again and again", "PRIV-DARK-PATTERN",
         "prompts a month for one who refused, from the app's own to 7 (logarithms)", nagging, ""),
        ("withdrawing takes steps", "PRIV-WITHDRAWAL",
         "steps to withdraw for one to consent, 1 is six more", steps, ""),
        ("withdrawing changes nothing", "PRIV-WITHDRAWAL",
         "share of those who withdrew whose data flows on, 1 is 0.07", ineffective, ""),
    )  # fmt: skip
    return tuple(
        Scheme(name, (typology,), said,
               (TABLE, (APP, "locale", "period") if change is rate else (APP, "period")),
               partial(dialogue, count=count, turn=turn, change=change, place=place))
        for turn, (name, typology, said, change, place) in enumerate(ways)
    )  # fmt: skip
