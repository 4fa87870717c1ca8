"""By when individuals must be answered, by jurisdiction and day of the request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from features.parameters.breach_deadlines import BREACH_DEADLINES
from features.parameters.figures import Figure


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


_GDPR_SOURCE = "GDPR art. 12(3); Regulation 1182/71"
_CCPA_SOURCE = "CCPA regulations s. 7021(b)"
_OPT_OUT = "CCPA regulations s. 7026 (G for the section, days seen)"
_CUSTOM = "PIPL art. 50 'timely'; 15 working days by sector custom"
_EU_DAY, _CA_DAY, _CN_DAY = date(2018, 5, 25), date(2023, 1, 1), date(2021, 11, 1)

FIGURES: tuple[Figure, ...] = (
    Figure("gdpr_months", 1, "months", _GDPR_SOURCE, verified=True, valid_from=_EU_DAY),
    Figure("gdpr_extended_months", 3, "months", _GDPR_SOURCE, verified=True, valid_from=_EU_DAY),
    Figure("ccpa_days", 45, "days", _CCPA_SOURCE, verified=True, valid_from=_CA_DAY),
    Figure("ccpa_extended_days", 90, "days", _CCPA_SOURCE, verified=True, valid_from=_CA_DAY),
    Figure("ccpa_opt_out", 15, "business days", _OPT_OUT, verified=True, valid_from=_CA_DAY),
    Figure("cn_answer", 15, "business days", _CUSTOM, verified=False, valid_from=_CN_DAY,
           threshold_class="ENG"),
)  # fmt: skip
"""How long an answer may take under each regime."""

_DAYS = {figure.name: figure.value for figure in FIGURES}
GDPR_MONTHS, GDPR_EXTENDED_MONTHS = _DAYS["gdpr_months"], _DAYS["gdpr_extended_months"]
CCPA_DAYS, CCPA_EXTENDED_DAYS = _DAYS["ccpa_days"], _DAYS["ccpa_extended_days"]
CN_BUSINESS_DAYS, CCPA_OPT_OUT_BUSINESS_DAYS = _DAYS["cn_answer"], _DAYS["ccpa_opt_out"]

_GDPR = tuple(
    AnswerLimit(d.jurisdiction, "gdpr",
                f"UK {_GDPR_SOURCE}" if d.jurisdiction == "GB" else _GDPR_SOURCE,
                _EU_DAY, verified=d.verified)
    for d in BREACH_DEADLINES if "GDPR" in d.source
)  # fmt: skip
ANSWER_LIMITS: tuple[AnswerLimit, ...] = (
    *_GDPR,
    AnswerLimit("US-CA", "ccpa", _CCPA_SOURCE, _CA_DAY, verified=True,
                longest_days=CCPA_EXTENDED_DAYS),
    AnswerLimit("CN", "cn", _CUSTOM, _CN_DAY, verified=False,
                threshold_class="ENG"),
)  # fmt: skip
"""Every limit known; at most one for a jurisdiction."""
