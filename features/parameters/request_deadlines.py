"""By when individuals must be answered, by jurisdiction and day of the request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from features.parameters.breach_deadlines import BREACH_DEADLINES


@dataclass(frozen=True, slots=True)
class AnswerLimit:
    """One dated limit.

    Attributes:
        regime: which of the due dates applies.
        longest_days: beyond which no extension reaches; None where the law has no such line.
        valid_from: first day of receipt it applies to.
    """

    jurisdiction: str
    regime: Literal["gdpr", "ccpa", "cn"]
    source: str
    valid_from: date
    verified: bool
    longest_days: int | None = None
    threshold_class: Literal["LEGAL", "ENG"] = "LEGAL"


GDPR_MONTHS, GDPR_EXTENDED_MONTHS = 1, 3
CCPA_DAYS, CCPA_EXTENDED_DAYS = 45, 90
CN_BUSINESS_DAYS, CCPA_OPT_OUT_BUSINESS_DAYS = 15, 15

_GDPR = tuple(
    AnswerLimit(d.jurisdiction, "gdpr", "GDPR art. 12(3); Regulation 1182/71", date(2018, 5, 25),
                verified=True)
    for d in BREACH_DEADLINES if "GDPR" in d.source
)  # fmt: skip
ANSWER_LIMITS: tuple[AnswerLimit, ...] = (
    *_GDPR,
    AnswerLimit("US-CA", "ccpa", "CCPA regulations s. 7021(b)", date(2023, 1, 1), verified=True,
                longest_days=90),
    AnswerLimit("CN", "cn", "PIPL art. 50 'timely'; 15 working days by sector custom",
                date(2021, 11, 1), verified=False, threshold_class="ENG"),
)  # fmt: skip
"""Every limit known; at most one for a jurisdiction."""
