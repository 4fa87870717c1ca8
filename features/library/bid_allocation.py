"""Regions or buyers shared out among bidders (MON-BID-ALLOC)."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import MARKET_IN, WINS_IN, of_categories
from features.library.bid_screens import TABLES
from features.operators import Lazy
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-BID-ALLOC", "category_allocation"
_SOURCE = "catalogue 3.B; Cramer 1946; Bergsma 2013"
_INPUTS = (*WINS_IN, *MARKET_IN, "tenders.region", "tenders.buyer_id")
_BIDS = (*_INPUTS, "bids.amount", "bids.status")
LEAST_AWARDS, LEAST_AWAY, LEAST_CELL, DRAWS, SEED = 30, 30, 1.0, 999, 20130101
"""A table with an expected cell below one is permuted `DRAWS` times with a fixed seed."""

_CELL = ["market", "year"]
Table = NDArray[np.float64]


@base(name=_BASE, grain="category_y", tables=TABLES, attributes=("market",))
def category_allocation(t: Tables) -> Lazy:
    """Per market and year: the table of wins by firm and territory, and who bids where.

    The territory is the region where two or more are filed for the market and year, else the
    buyer; a firm's home is the territory where it won most.
    """
    rows = _with_territory(collect(t.view("lot_firms")))
    wins = (
        rows.filter(pl.col("wins") == 1)
        .group_by("subject_key", *_CELL, "territory")
        .agg(pl.col("firm").min())
    )
    counts = (
        wins.group_by(*_CELL, "firm", "territory").agg(w=pl.len()).sort(*_CELL, "firm", "territory")
    )
    found = _tables(counts)
    home = counts.sort("w", "territory", descending=[True, False]).unique(
        [*_CELL, "firm"], keep="first", maintain_order=True
    )
    at_home = home.group_by(_CELL).agg(home_wins=pl.col("w").sum())
    reach = _reach(rows, home.select(*_CELL, "firm", home="territory"))
    found = found.join(at_home, on=_CELL, how="left").join(
        reach, on=_CELL, how="full", coalesce=True
    )
    return of_categories(t, nw.from_native(found.lazy())).with_columns(
        nw.col(c).fill_null(0) for c in ("n_awards", "n_away", "n_home")
    )


def _with_territory(rows: pl.DataFrame) -> pl.DataFrame:
    """Bids of lots with a territory: the region where a market has several, else the buyer."""
    several = pl.col("region").n_unique().over(_CELL) - pl.col("region").is_null().any().over(_CELL)
    territory = pl.when(several >= 2).then(pl.col("region")).otherwise(pl.col("buyer_id"))
    return rows.with_columns(territory=territory).filter(pl.col("territory").is_not_null())


def _tables(counts: pl.DataFrame) -> pl.DataFrame:
    """Association of each market's table of wins: V, corrected V, p, largest residual."""
    found = [
        (*cell, *_association(part)) for cell, part in counts.group_by(_CELL, maintain_order=True)
    ]
    numbers = ("v", "v_bc", "p", "residual")
    schema = {"market": pl.String, "year": pl.Date, "n_awards": pl.Int64, "shape": pl.Int64}
    schema |= dict.fromkeys(numbers, pl.Float64)
    return pl.DataFrame(found, schema=schema, orient="row")


def _association(counts: pl.DataFrame) -> tuple[int, int, *tuple[float | None, ...]]:
    """Awards, smaller side of the table, Cramer's V, Bergsma's V, p, largest residual."""
    firm, place = counts["firm"].rank("dense") - 1, counts["territory"].rank("dense") - 1
    table = np.zeros((int(firm.max()) + 1, int(place.max()) + 1))  # type: ignore[arg-type]
    table[firm.to_numpy(), place.to_numpy()] = counts["w"].to_numpy()
    n, (r, c) = int(table.sum()), table.shape
    if min(r, c) < 2 or n < LEAST_AWARDS:
        return n, min(r, c), None, None, None, None
    across, down = table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(across, down) / n
    chi2 = float(((table - expected) ** 2 / expected).sum())
    phi = chi2 / n
    fewer_r, fewer_c = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    surplus = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    corrected = float(np.sqrt(surplus / max(min(fewer_r, fewer_c) - 1, 1e-12)))
    if expected.min() >= LEAST_CELL:
        p = float(special.chdtrc((r - 1) * (c - 1), chi2))
    else:
        p = _permuted(table, expected, chi2)
    spread = np.sqrt(expected * np.outer(1 - across / n, 1 - down / n))
    residual = float(((table - expected) / spread).max())
    return n, min(r, c), float(np.sqrt(phi / (min(r, c) - 1))), corrected, p, residual


def _permuted(table: Table, expected: Table, chi2: float) -> float:
    """Chance of as much association when awards are dealt anew: (1 + as much) / (1 + draws)."""
    draw = np.random.default_rng(SEED)
    firm, place = (np.repeat(axis, table.ravel().astype(int)) for axis in map(
        np.ravel, np.indices(table.shape)
    ))  # fmt: skip
    as_much = 0
    for _ in range(DRAWS):
        dealt = np.bincount(
            firm * table.shape[1] + draw.permutation(place), minlength=table.size
        ).reshape(table.shape)
        as_much += float(((dealt - expected) ** 2 / expected).sum()) >= chi2 * (1 - 1e-12)
    return (1 + as_much) / (1 + DRAWS)


def _reach(rows: pl.DataFrame, home: pl.DataFrame) -> pl.DataFrame:
    """Lots that winners could have bid for at home and away, and how many they left alone.

    A firm could have bid for a lot whose lowest bid is at most its own largest bid of the year in
    the market, in the same currency. Distances are not filed.
    """
    key = [*_CELL, "currency"]
    lots = rows.group_by("subject_key", *key, "territory").agg(size=pl.col("amount").min())
    taken = rows.join(home, on=[*_CELL, "firm"]).unique(["subject_key", *key, "firm"])
    firms = taken.group_by(*key, "firm", "home").agg(
        most=pl.col("amount").max(),
        bids=pl.len(),
        bids_home=(pl.col("territory") == pl.col("home")).sum(),
    )
    firms = _eligible(firms, lots, key, "open")
    own = [*key, "home"]
    firms = _eligible(firms, lots.rename({"territory": "home"}), own, "open_home")
    away = pl.col("open") - pl.col("open_home")
    return firms.group_by(_CELL).agg(
        n_away=away.sum(),
        n_home=pl.col("open_home").sum(),
        away_bids=(pl.col("bids") - pl.col("bids_home")).sum(),
        home_bids=pl.col("bids_home").sum(),
    )


def _eligible(firms: pl.DataFrame, lots: pl.DataFrame, key: list[str], into: str) -> pl.DataFrame:
    """Count for every firm the lots of its cell no larger than its largest bid."""
    ranked = (
        lots.sort("size")
        .with_columns(pl.int_range(1, pl.len() + 1).over(key).alias(into))
        .group_by(*key, "size")
        .agg(pl.col(into).max())
        .sort("size")
    )
    joined = firms.sort("most").join_asof(
        ranked, left_on="most", right_on="size", by=key, strategy="backward", check_sortedness=False
    )
    return joined.drop("size").with_columns(pl.col(into).fill_null(0))


def _enough() -> tuple[tuple[nw.Expr, Reason], ...]:
    few = nw.col("n_awards") < LEAST_AWARDS
    none = (nw.col("n_awards") == 0, Reason.MISSING_INPUT)
    return none, (few, Reason.TOO_FEW), (nw.col("shape") < 2, Reason.CONSTANT)


@feature(
    name="alloc_cramers_v", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=LEAST_AWARDS, n="n_awards", source=_SOURCE,
    title={"en": "wins tied to territories", "zh": "中标与区域关联度"},
)  # fmt: skip
def alloc_cramers_v() -> Measure:
    """Cramer's V of wins by firm and territory: sqrt(chi2 / (n (min(r, c) - 1))).

    Thirty awards at least. Biased upwards where firms or territories are many: read
    `alloc_cramers_v_bc`.
    """
    return measure(nw.col("v"), *_enough())


@feature(
    name="alloc_cramers_v_bc", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=LEAST_AWARDS, n="n_awards", source=_SOURCE,
    title={"en": "wins tied to territories, corrected", "zh": "中标与区域关联度（修正）"},
)  # fmt: skip
def alloc_cramers_v_bc() -> Measure:
    """Cramer's V without its bias (Bergsma 2013).

    sqrt(max(0, chi2/n - (r-1)(c-1)/(n-1)) / (min(r', c') - 1)), r' = r - (r-1)^2/(n-1), c' alike.
    """
    return measure(nw.col("v_bc"), *_enough())


@feature(
    name="alloc_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", min_n=LEAST_AWARDS, n="n_awards", source=_SOURCE,
    title={"en": "chance of wins so tied to territories", "zh": "中标与区域关联的概率"},
)  # fmt: skip
def alloc_p() -> Measure:
    """Chi-square tail of the table; by 999 seeded permutations where a cell expects below one."""
    return measure(nw.col("p"), *_enough())


@feature(
    name="alloc_residual_z", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="z",
    direction="high", min_n=LEAST_AWARDS, n="n_awards", source="Haberman 1973",
    title={"en": "strongest tie of a firm to a territory", "zh": "企业与区域最强关联残差"},
)  # fmt: skip
def alloc_residual_z() -> Measure:
    """Largest adjusted residual of the table; distances are not filed and not adjusted for."""
    return measure(nw.col("residual"), *_enough())


@feature(
    name="alloc_home_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=LEAST_AWARDS, n="n_awards", source="catalogue 3.B",
    title={"en": "wins at home", "zh": "本地中标占比"},
)  # fmt: skip
def alloc_home_share() -> Measure:
    """Share of awards that went to a firm in the territory where that firm won most."""
    return measure(nw.col("home_wins") / nw.col("n_awards"), *_enough())


def _away() -> tuple[nw.Expr, Reason]:
    return nw.col("n_away") < LEAST_AWAY, Reason.TOO_FEW


@feature(
    name="alloc_nobid_rate", typology=_TYPOLOGY, base=_BASE, inputs=_BIDS, unit="0-1",
    direction="high", min_n=LEAST_AWAY, n="n_away", source="catalogue 3.B",
    title={"en": "away tenders left alone", "zh": "外地项目不投标率"},
)  # fmt: skip
def alloc_nobid_rate() -> Measure:
    """Share of tenders away from home that winners of the market left without a bid.

    Only lots no larger (by their lowest bid) than the firm's largest bid of the year. Licences and
    distances are not filed: rule them out by hand.
    """
    return measure(1 - nw.col("away_bids") / nw.col("n_away"), _away())


@feature(
    name="alloc_border_drop", typology=_TYPOLOGY, base=_BASE, inputs=_BIDS, unit="0-1",
    direction="high", min_n=LEAST_AWAY, n="n_away", source="catalogue 3.B",
    title={"en": "fall of bidding beyond the border", "zh": "跨区域投标率降幅"},
)  # fmt: skip
def alloc_border_drop() -> Measure:
    """Share of open tenders bid for at home, minus that away from home."""
    drop = nw.col("home_bids") / nw.col("n_home") - nw.col("away_bids") / nw.col("n_away")
    return measure(drop, _away(), (nw.col("n_home") == 0, Reason.ZERO_DENOMINATOR))
