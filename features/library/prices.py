"""Variance screens on posted prices (MON-PRICE-VARIANCE)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure, view
from features.library.groups import with_group
from features.operators import Lazy, both, quarter_end, quarter_start
from features.tables import Tables, settled
from features.vocabulary import Reason

_TYPOLOGY = "MON-PRICE-VARIANCE"
_INPUTS = ("listing_prices.net_price", "listing_prices.list_price", "listing_prices.shipping",
           "listing_prices.in_stock", "listing_prices.currency")  # fmt: skip
_SOURCE = "Abrantes-Metz, Froeb, Geweke and Taylor 2006"
_SERIES = ("sku_id", "seller_id", "platform_id", "channel", "currency")
_HISTORY = 4


@view("net_prices")
def net_prices(t: Tables) -> Lazy:
    """Posted consumer prices in stock, with mandatory charges: one row per observation, sorted."""
    net = nw.coalesce(nw.col("net_price"), nw.col("list_price"))
    blank = nw.lit("")
    return (
        t["listing_prices"]
        .filter(nw.col("in_stock").fill_null(value=True) & (net > 0))
        .select(
            "sku_id",
            "seller_id",
            *(
                nw.coalesce(nw.col(c), blank).alias(c)
                for c in ("platform_id", "channel", "currency")
            ),
            nw.col("ts").cast(nw.Date).alias("day"),
            (net + nw.col("shipping").fill_null(0.0)).alias("price"),
        )
        .with_columns(quarter_start(nw.col("day")).alias("period_start"))
        .sort(*_SERIES, "day", "price")
    )


@base(
    name="price_series",
    grain="sku_seller_q",
    tables=("listing_prices",),
    attributes=(
        "sku_id",
        "seller_id",
        "platform_id",
        "channel",
        "currency",
        "mean_price",
        "n_prices",
    ),
    peers=("platform_id", "channel"),
)
def price_series(t: Tables) -> Lazy:
    """One row per product, seller and quarter: the series with most observations in it.

    Prices of different platforms, channels or currencies are never pooled.
    """
    prices = t.view("net_prices")
    price = nw.col("price")
    quarters = prices.group_by(*_SERIES, "period_start").agg(
        nw.len().alias("n_prices"),
        price.mean().alias("mean_price"),
        price.std(ddof=1).alias("sd"),
        price.min().alias("low"),
        price.max().alias("high"),
    )
    constant = nw.col("low") == nw.col("high")
    quarters = quarters.with_columns(
        nw.when(constant & (nw.col("n_prices") > 1))
        .then(nw.lit(0.0))
        .otherwise(nw.col("sd"))
        .alias("sd")
    )
    named = nw.concat_str(
        [nw.col(c) for c in ("platform_id", "channel", "currency")], separator="|"
    )
    cell = ("sku_id", "seller_id", "period_start")
    main = (
        quarters.filter(nw.col("n_prices") == nw.col("n_prices").max().over(*cell))
        .with_columns(named.alias("_named"))
        .filter(nw.col("_named") == nw.col("_named").min().over(*cell))
    )
    rows = main.join(_baseline(quarters, main), on=[*_SERIES, "period_start"], how="left")
    return rows.join(_quarter_before(rows), on=[*_SERIES, "period_start"], how="left").with_columns(
        both(nw.col("sku_id"), nw.col("seller_id")).alias("subject_key"),
        quarter_end(nw.col("period_start")).alias("period_end"),
    )


def _quarter_before(rows: Lazy) -> Lazy:
    """Deviation and baseline of the same series one quarter earlier, for each quarter."""
    return rows.select(
        *_SERIES,
        nw.col("period_start").dt.offset_by("1q").cast(nw.Date).alias("period_start"),
        nw.col("sd").alias("sd_before"),
        nw.col("baseline_sd").alias("baseline_before"),
    )


def _baseline(quarters: Lazy, main: Lazy) -> Lazy:
    """Pooled within-quarter standard deviation of the same series in up to a year before."""
    past = quarters.select(*_SERIES, nw.col("period_start").alias("_past"), "n_prices", "sd")
    year_ago = nw.col("period_start").dt.offset_by(f"-{_HISTORY}q").cast(nw.Date)
    freedom = nw.col("n_prices") - 1
    squares = nw.col("sd") * nw.col("sd") * freedom
    pooled = (
        main.select(*_SERIES, "period_start")
        .join(past, on=list(_SERIES), how="inner")
        .filter((nw.col("_past") < nw.col("period_start")) & (nw.col("_past") >= year_ago))
        .filter(nw.col("n_prices") > 1)
        .with_columns(squares.alias("_squares"), freedom.alias("_freedom"))
        .sort(*_SERIES, "period_start", "_past")
        .group_by(*_SERIES, "period_start")
        .agg(nw.col("_squares").sum(), nw.col("_freedom").sum())
    )
    sd = (nw.col("_squares") / nw.col("_freedom")).sqrt()
    return pooled.with_columns(sd.alias("baseline_sd")).drop("_squares", "_freedom")


@base(
    name="price_markets",
    grain="market_q",
    tables=("listing_prices",),
    attributes=("sku_id", "currency", "n_days"),
    peers=("currency",),
)
def price_markets(t: Tables) -> Lazy:
    """One row per product and quarter: how far sellers' prices lie apart on a day.

    The market of a posted price is its product; a seller's price of a day is its mean over that
    day, and sellers of one economic group are one, with the mean of theirs. The currency with
    most seller-days counts.
    """
    day = ("sku_id", "currency", "period_start", "day")
    sellers = t.view("net_prices").group_by(*day, "seller_id").agg(nw.col("price").mean())
    sellers = settled(with_group(t, sellers, "seller_id", "firm"), *day, "firm", "seller_id")
    days = (
        sellers.group_by(*day, "firm")
        .agg(nw.col("price").mean())
        .sort(*day, "firm")
        .group_by(*day)
        .agg(
            nw.len().alias("sellers"),
            nw.col("price").mean().alias("mean"),
            nw.col("price").std(ddof=1).alias("sd"),
            nw.col("price").min().alias("low"),
            nw.col("price").max().alias("high"),
        )
    )
    same = nw.col("low") == nw.col("high")
    cv = nw.when(same).then(nw.lit(0.0)).otherwise(nw.col("sd") / nw.col("mean"))
    enough = nw.col("sellers") >= 3
    cell = ("sku_id", "period_start")
    rows = (
        days.with_columns(nw.when(enough).then(cv).alias("_cv"))
        .sort(*day)
        .group_by(*cell, "currency")
        .agg(
            nw.col("_cv").mean().alias("cv"),
            nw.col("_cv").count().alias("n_days"),
            nw.col("sellers").sum().alias("_weight"),
        )
    )
    return (
        rows.filter(nw.col("_weight") == nw.col("_weight").max().over(*cell))
        .filter(nw.col("currency") == nw.col("currency").min().over(*cell))
        .with_columns(
            nw.col("sku_id").alias("subject_key"),
            quarter_end(nw.col("period_start")).alias("period_end"),
        )
    )


@feature(
    name="price_cv", typology=_TYPOLOGY, base="price_series", inputs=_INPUTS, unit="ratio",
    direction="low", min_n=12, n="n_prices", source=_SOURCE, peer_adjusted=True,
    title={"en": "relative price variation", "zh": "价格变异系数"},
)  # fmt: skip
def price_cv() -> Measure:
    """Standard deviation (ddof 1) over mean of a seller's prices of a product in the quarter.

    Computed from two prices on; below 12, a quarter of weekly ones, nobody is judged by it
    (`min_n`). The 20 the catalogue asks for are those of half a year, see `price_cv_26w`.
    """
    return measure(nw.col("sd") / nw.col("mean_price"), (nw.col("n_prices") < 2, Reason.TOO_FEW))


@feature(
    name="price_log_cv", typology=_TYPOLOGY, base="price_series", inputs=_INPUTS, unit="ln ratio",
    direction="low", min_n=12, n="n_prices", source="catalogue 3.C, MON-PRICE-VARIANCE",
    peer_adjusted=True,
    title={"en": "logarithm of relative price variation", "zh": "价格变异系数的对数"},
)  # fmt: skip
def price_log_cv() -> Measure:
    """Natural logarithm of the standard deviation over the mean of the quarter's prices.

    The scale on which peers are compared: the ratio itself is bounded below and skewed, so that
    no robust z of it could ever be far below its peers.
    """
    cv = nw.col("sd") / nw.col("mean_price")
    some = nw.when(nw.col("sd") > 0).then(cv).otherwise(nw.lit(None, dtype=nw.Float64))
    return measure(
        some.log(),
        (nw.col("n_prices") < 2, Reason.TOO_FEW),
        (nw.col("sd") <= 0, Reason.CONSTANT),
    )


@feature(
    name="price_sd_ratio", typology=_TYPOLOGY, base="price_series", inputs=_INPUTS,
    unit="ratio", direction="low", min_n=12, n="n_prices", source=_SOURCE,
    title={"en": "price variation against own past", "zh": "价格波动与历史之比"},
)  # fmt: skip
def price_sd_ratio() -> Measure:
    """Standard deviation in the quarter over that of the same series in up to four quarters before.

    The past is pooled within quarters, so a change of level between quarters does not count.
    After one cartel ended the deviation tripled: a ratio near 1/3.
    """
    base_sd = nw.col("baseline_sd")
    return measure(
        nw.col("sd") / base_sd,
        (nw.col("n_prices") < 2, Reason.TOO_FEW),
        (base_sd.is_null(), Reason.MISSING_INPUT),
        (base_sd <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="price_sd_ratio_before", typology=_TYPOLOGY, base="price_series", inputs=_INPUTS,
    unit="ratio", direction="none", min_n=12, n="n_prices", source=_SOURCE,
    title={"en": "price variation a quarter earlier", "zh": "上季度价格波动与历史之比"},
)  # fmt: skip
def price_sd_ratio_before() -> Measure:
    """`price_sd_ratio` of the same series one quarter earlier: whether the calm lasts."""
    base_sd = nw.col("baseline_before")
    return measure(
        nw.col("sd_before") / base_sd,
        (nw.col("sd_before").is_null() | base_sd.is_null(), Reason.MISSING_INPUT),
        (base_sd <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="price_xs_cv", typology=_TYPOLOGY, base="price_markets",
    inputs=(*_INPUTS, "firms.group_id"), unit="ratio", direction="low", n="n_days",
    source="catalogue 3.C",
    title={"en": "price differences between sellers", "zh": "卖家间价格差异"},
)  # fmt: skip
def price_xs_cv() -> Measure:
    """Standard deviation over mean of sellers' prices on a day, averaged over the quarter's days.

    Only days with at least three sellers, of three economic groups, count.
    """
    return measure(nw.col("cv"), (nw.col("n_days") < 1, Reason.TOO_FEW))
