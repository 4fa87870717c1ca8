"""Whether a value could be somebody's: addresses and numbers with the check digits of real ones."""

from __future__ import annotations

import re

_MAIL = re.compile(r"[\w.+-]+@([\w-]+\.)+[a-z]{2,}", re.IGNORECASE)
_NO_MAIL = re.compile(r"@([\w-]+\.)*(example\.(com|org|net)|[\w-]+\.(example|test|invalid))$", re.I)
_DIGITS = re.compile(r"[ \-.()/]")
_CN_MOBILE = re.compile(r"(?:\+?86)?1[3-9]\d{9}\Z")
_PHONE = re.compile(r"(?:\+|00)[1-9]\d{7,14}\Z")
_NO_PHONE = re.compile(r"(?:\+|00)1\d{3}55501\d\d\Z")
"""Numbers of North America kept free for stories."""
_CN_ID = re.compile(r"[1-8]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]\Z")
_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\Z")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}\Z")
_CARD = re.compile(r"[3-6]\d{12,18}\Z")
_NOBODY = re.compile(
    r"(?:[a-z]{0,12}[-_ ]?(?:\d{1,4}|[a-z])|hmac:[0-9a-f]+|[0-9a-f]{16,})?\Z", re.IGNORECASE
)
_ROUND = re.compile(r"^\d+0{5}\Z")
"""A sum of money, whatever number it may also be."""
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def looks_personal(text: str) -> str:
    """What a value looks like, empty when it can be nobody's."""
    text = text.strip()
    plain = _DIGITS.sub("", text)
    if _ROUND.search(plain):
        return ""
    if _MAIL.search(text) and not _NO_MAIL.search(text):
        return "an e-mail address"
    if _CN_ID.match(plain.upper()) and _cn_check(plain.upper()):
        return "an identity number"
    if _SSN.match(text):
        return "a social security number"
    if _IBAN.match(plain.upper()) and _iban_check(plain.upper()):
        return "a bank account"
    if _CARD.match(plain) and _luhn(plain):
        return "a card number"
    if _CN_MOBILE.match(plain) or (_PHONE.match(plain) and not _NO_PHONE.match(plain)):
        return "a telephone number"
    return ""


def names_nobody(text: str) -> bool:
    """Whether a person is named as `P1`, `person-2`, a lone letter or a hash, or not at all."""
    return _NOBODY.match(text.strip()) is not None


def _cn_check(number: str) -> bool:
    """Check digit of a resident identity number, GB 11643-1999."""
    total = sum(int(d) * w for d, w in zip(number[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17]


def _iban_check(number: str) -> bool:
    """ISO 13616: the rearranged number leaves 1 when divided by 97."""
    turned = number[4:] + number[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def _luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    total = 0
    for index, digit in enumerate(reversed(number)):
        doubled = int(digit) * (1 + index % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
