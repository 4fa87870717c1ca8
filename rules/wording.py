"""Tone of what a rule says: an observation, never a verdict."""

from __future__ import annotations

import re

ACCUSING_EN = (
    "violation", "violations", "violate", "violates", "violated", "violator", "offender",
    "offence", "offense", "guilty", "caught", "illegal", "illegally", "unlawful", "criminal",
    "crime", "fraud", "fraudster", "cheat", "cheating", "cheated", "culprit", "perpetrator",
    "infringer", "wrongdoer", "proves", "proven", "proof",
)  # fmt: skip
ACCUSING_ZH = (
    "违法", "违规", "犯罪", "有罪", "罪犯", "非法", "欺诈", "诈骗", "作弊", "造假", "罪行",
    "证实", "抓获", "查实",
)  # fmt: skip
_EN = re.compile(r"\b(" + "|".join(ACCUSING_EN) + r")\b", re.IGNORECASE)
_ZH = re.compile("|".join(ACCUSING_ZH))
_LIMITS = {"en": 110, "zh": 55}


def accusing_words(text: str) -> list[str]:
    """Words of a text that judge a person or firm, in order."""
    return [m.group(0) for m in _EN.finditer(text)] + _ZH.findall(text)


def sentence_limit(language: str) -> int:
    """Longest one-line reason in characters."""
    return _LIMITS[language]
