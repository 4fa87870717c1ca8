"""Who follows whom (MON-PRICE-LEADLAG) and who moves in step (MON-PRICE-PARALLEL)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import base, feature, measure
from features.operators import Lazy
from features.tables import Tables
from features.vocabulary import Direction, Reason

_LEAD, _STEP, _BASE = "MON-PRICE-LEADLAG", "MON-PRICE-PARALLEL", "price_pairs"
_INPUTS = ("listing_prices.net_price", "listing_prices.list_price", "listing_prices.shipping",
           "listing_prices.ts", "listing_prices.seller_id", "firms.group_id")  # fmt: skip
_CATALOGUE = "catalogue 3.C"
_OECD = "OECD 2013, Ex officio cartel investigations and the use of screens"


@base(
    name=_BASE,
    grain="pair_q",
    tables=("listing_prices",),
    attributes=("firm_a", "firm_b", "sku_id", "currency", "n_common"),
    peers=("currency",),
)
def price_pairs(t: Tables) -> Lazy:
    """One row per pair of groups that both changed the price of a product in the quarter."""
    return t.view("price_pair_rows").with_columns(
        nw.min_horizontal("changes_a", "changes_b").alias("least_changes"),
        (nw.col("n_common") - 1).alias("n_steps"),
    )


def _add(
    name: str, typology: str, value: str, direction: Direction, unit: str, source: str,
    title: tuple[str, str], doc: str, *checks: tuple[nw.Expr, Reason], n: str, min_n: int,
) -> None:  # fmt: skip
    absent = (nw.col(value).is_null(), Reason.CONSTANT)
    feature(
        name=name, typology=typology, base=_BASE, inputs=_INPUTS, unit=unit,
        direction=direction, min_n=min_n, n=n, source=source,
        title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(nw.col(value), *checks, absent))  # fmt: skip


_FEW_STEPS = (nw.col("n_steps") < 10, Reason.TOO_FEW)
_FEW_MOVES = (nw.col("least_changes") < 8, Reason.TOO_FEW)
_UNSEEN = (nw.col("best_corr").is_null(), Reason.TOO_FEW)

_add(
    "leadlag_best_lag", _LEAD, "best_lag", "none", "steps", _CATALOGUE,
    ("lag at which prices follow", "最佳跟随滞后期"),
    """Lag L at which steps of the first firm's price best match those of the second L later.

    Positive: the first of the sorted pair leads. Steps lie between days on which both were
    observed; lags run to 14 either way but never past a third of the steps. At least eight
    changes each; below 60 steps weak evidence (`min_n`). Context: a lag has no suspicious side.""",
    _FEW_STEPS, _FEW_MOVES, _UNSEEN, n="n_steps", min_n=60,
)  # fmt: skip
_add(
    "leadlag_best_corr", _LEAD, "best_corr", "high", "correlation", _CATALOGUE,
    ("how closely prices follow", "最佳跟随相关系数"),
    """Correlation of the price steps at `leadlag_best_lag`, the largest of all lags tried.

    Having looked at up to 29 lags, read it together with `leadlag_p`.""",
    _FEW_STEPS, _FEW_MOVES, _UNSEEN, n="n_steps", min_n=60,
)  # fmt: skip
_add(
    "leadlag_p", _LEAD, "best_p", "low", "probability", "Politis and Romano 1994; catalogue 3.C",
    ("chance of following as closely by accident", "偶然同等跟随的概率"),
    """Chance that the second firm's steps in broken order match as well at their best lag.

    199 reorderings in blocks of five steps with a fixed seed, searched over the same lags.""",
    (nw.col("n_steps") < 20, Reason.TOO_FEW), _FEW_MOVES, _UNSEEN, n="n_steps", min_n=60,
)  # fmt: skip
_add(
    "granger_p", _LEAD, "granger", "low", "probability", "Granger 1969; Newey and West 1987",
    ("chance that neither price predicts the other", "互不预测的概率"),
    """Smaller p of the two directions, doubled: past steps of one do not help predict the other.

    Wald test on three lags beside the price's own three, with a covariance robust to
    autocorrelation. Needs 60 observations and eight changes each.""",
    (nw.col("n_common") < 60, Reason.TOO_FEW), _FEW_MOVES, n="n_steps", min_n=60,
)  # fmt: skip
_add(
    "leader_share", _LEAD, "leader_share", "high", "share", _CATALOGUE,
    ("share of moves begun by one firm", "由同一企业率先变价的比例"),
    """Of the moves one firm made and the other answered, the share begun by the same firm.

    A change answers the other's oldest open change in the same direction of the 14 days before;
    same-day changes have no leader.""",
    (nw.col("n_moves") < 1, Reason.TOO_FEW), n="n_moves", min_n=8,
)  # fmt: skip
_add(
    "follow_asymmetry_days", _LEAD, "lag_down_minus_up", "high", "days", _CATALOGUE,
    ("cuts answered later than rises", "降价跟随慢于涨价的天数"),
    """Median days until a cut is answered minus median days until a rise is answered.""",
    (nw.col("n_moves") < 2, Reason.TOO_FEW),
    (nw.col("lag_down_minus_up").is_null(), Reason.TOO_FEW), n="n_moves", min_n=8,
)  # fmt: skip
_add(
    "price_sync_jaccard", _STEP, "jaccard", "high", "share", _OECD,
    ("price changes on the same days", "同日变价比例"),
    """Change days matched one to one within a day over all distinct ones: m / (a + b - m).

    From one change each; below five it is weak evidence (`min_n`).""",
    n="least_changes", min_n=5,
)  # fmt: skip
_add(
    "sync_excess_z", _STEP, "excess_z", "high", "standard deviations", _CATALOGUE,
    ("changes in step beyond chance", "超出随机的同步程度"),
    """Overlap of change days against that of every circular shift of one side: (x - mean) / sd.

    Days on which half of at least three other groups changed are left out first: they point to
    common costs. Needs five changes each after that.""",
    (nw.col("least_changes") < 5, Reason.TOO_FEW),
    (nw.col("excess_z").is_null(), Reason.TOO_FEW), n="least_changes", min_n=5,
)  # fmt: skip
_add(
    "price_gap_constancy", _STEP, "gap_sd", "low", "money", _CATALOGUE,
    ("variation of the price gap", "价差标准差"),
    """Standard deviation (ddof 1) of the difference of both prices on days both were seen.""",
    (nw.col("n_common") < 2, Reason.TOO_FEW), n="n_common", min_n=20,
)  # fmt: skip
_add(
    "price_gap_constancy_rel", _STEP, "gap_rel", "low", "ratio", _CATALOGUE,
    ("variation of the price gap against the price", "价差标准差与价格之比"),
    """`price_gap_constancy` over the mean of both prices.""",
    (nw.col("n_common") < 2, Reason.TOO_FEW), n="n_common", min_n=20,
)  # fmt: skip
