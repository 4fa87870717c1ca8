"""Limits inside a screen's formula, where a rule cannot hold them: what counts as large, or alike.

Each decides what is counted or how long a run lasts, so it must be known before the feature is; a
rule then sets its own limit on the count. None is a limit of law: those stand in `competition` and
the other modules here, or in the rules' own tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

_FIRST = date(2026, 1, 1)
"""The catalogue of screens these were taken from; they hold for events of any day."""


@dataclass(frozen=True, slots=True)
class ScreenLimit:
    """One engineering limit.

    Attributes:
        feature: the feature (one of several where they share it) that counts by it.
        says: what meets the limit.
        valid_from: since when this value is used; results of one software version use one value.
    """

    feature: str
    says: str
    value: float
    comparator: Literal[">", ">=", "<="]
    unit: str
    source: str
    valid_from: date = _FIRST
    verified: bool = False
    threshold_class: Literal["ENG", "GUIDE", "LIT"] = "ENG"


SCREEN_LIMITS: tuple[ScreenLimit, ...] = (
    ScreenLimit("exc_months", "a month far above the benchmarks", 1.5, ">=", "ratio",
                "Domain catalogue 3.D, MON-EXCESSIVE"),
    ScreenLimit("recon_apart", "two counts of one thing that do not agree", 0.1, ">", "share",
                "Engineering default for DATA-RECONCILE; the tolerance is the user's to set"),
    ScreenLimit("restate_large", "a restatement that is large", 0.5, ">=", "share",
                "Engineering default for DATA-RESTATEMENT"),
    ScreenLimit("bid_cv_share_low", "a tender with bids close together", 0.06, "<=", "ratio",
                "Domain catalogue 3.B, MON-BID-CV R1"),
    ScreenLimit("mfn_equal_rate", "two prices that are the same", 0.005, "<=", "share",
                "Domain catalogue 3.C, MON-MFN"),
    ScreenLimit("bu_unmatched_leaks", "a leak that is sure", 0.8, ">=", "share",
                "Domain catalogue 5, PRIV-BREACH-UNDERREPORT"),
    ScreenLimit("dem_unreasoned_share", "what a drop leaves of visibility", 0.5, "<=", "share",
                "Domain catalogue 3.D, MON-DEMOTION"),
)  # fmt: skip
"""Every such limit that more than describes a sample size; one a feature."""


def screen_limit(feature: str) -> float:
    """The limit a feature counts by.

    Raises:
        KeyError: there is none.
    """
    return {limit.feature: limit.value for limit in SCREEN_LIMITS}[feature]
