"""The advertising id sent without consent, into traffic that was really observed."""

from __future__ import annotations

from functools import partial

import polars as pl

from benchmarks.detection.schemes.apps import APP, cases, drawn, first_share
from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

WITHOUT_CONSENT = ("pre_choice", "refused", "withdrawn", "optout", "legitimate_interest_only")
AD_IDS = ("aaid", "idfa", "gaid", "oaid", "hashed_idfa", "advertising_id")


def unasked_ids(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Puts the advertising id into requests without consent: into all of the app's at 1."""
    flows = tables["observed_flows"].with_row_index("_row")
    bare = flows.filter(pl.col("phase").is_in(WITHOUT_CONSENT))
    chosen = drawn(bare.group_by(APP).len().filter(pl.col("len") >= 4)[APP], count, rng)
    mine = bare.filter(pl.col(APP).is_in(chosen.implode()))
    hit = mine.filter(first_share(mine, APP, strength, rng))["_row"]
    filed = flows.with_columns(
        data_type=pl.when(pl.col("_row").is_in(hit.implode())).then(pl.lit(AD_IDS[0])).otherwise(
            "data_type")
    ).drop("_row")  # fmt: skip
    return Planted({**tables, "observed_flows": filed.unique(maintain_order=True)}, cases(chosen))


def ids(count: int) -> tuple[Scheme, ...]:
    """Advertising ids without consent."""
    return (
        Scheme("advertising id without consent", ("PRIV-PRECONSENT",),
               "share of an app's requests without consent that carry it, one at least above 0",
               ("apps", (APP,)), partial(unasked_ids, count=count)),
    )  # fmt: skip
