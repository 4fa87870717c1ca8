"""Which types of personal data are sensitive.

PIPL art. 28 names biometric data, religious belief, specific identity, medical and health data,
financial accounts, trajectories, and everything about a minor under 14. Which words of a filing
mean one of these is our reading, marked unverified.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

SOURCE = "PIPL art. 28"
VALID_FROM = date(2021, 11, 1)


@dataclass(frozen=True, slots=True)
class SensitiveType:
    """One of our words for personal data that the law calls sensitive."""

    word: str
    category: str
    verified: bool
    source: str = SOURCE
    valid_from: date = VALID_FROM


SENSITIVE_TYPES: tuple[SensitiveType, ...] = (
    SensitiveType("biometric", "biometric", verified=True),
    SensitiveType("religion", "religion", verified=True),
    SensitiveType("health_condition", "health", verified=True),
    SensitiveType("medical_visit", "health", verified=True),
    SensitiveType("bank_account", "financial_account", verified=True),
    SensitiveType("bank_card", "financial_account", verified=True),
    SensitiveType("trajectory", "trajectory", verified=True),
    SensitiveType("precise_location", "trajectory", verified=False),
    SensitiveType("id_document", "specific_identity", verified=False),
    SensitiveType("id_image", "specific_identity", verified=False),
    SensitiveType("ethnicity", "specific_identity", verified=False),
    SensitiveType("sexual_orientation", "specific_identity", verified=False),
    SensitiveType("political_opinion", "specific_identity", verified=False),
)
"""Sensitive words; a filing's own mark `sensitive` counts besides."""


def sensitive_words() -> tuple[str, ...]:
    """Words the statute names itself (the verified ones)."""
    return tuple(t.word for t in SENSITIVE_TYPES if t.verified)
