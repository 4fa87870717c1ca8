"""Fingerprints tell identities apart and nothing else; short ids never clash."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from alerts.identity import fingerprint, short_id

PARTS = st.tuples(st.text("ab|/:1"), st.text("ab|/:1"), st.text("ab|/:1"), st.dates())


def test_a_fingerprint_never_changes_between_releases() -> None:
    mark = fingerprint("MON-BID-CV", "firm", "91310000-企业", date(2025, 1, 1))
    assert mark == "5bfee7ec924d8a61fc3a87a878290c0cec1264f901f6cd17d0bd23bde0a03a0d"
    assert short_id(mark, {}) == "A-LP7OP3ESJW"


@given(PARTS, PARTS)
def test_only_equal_identities_share_a_fingerprint(
    one: tuple[str, str, str, date], other: tuple[str, str, str, date]
) -> None:
    assert (fingerprint(*one) == fingerprint(*other)) == (one == other)


def test_a_taken_id_is_lengthened_and_ones_own_is_kept() -> None:
    mark = fingerprint("T", "firm", "F", date(2025, 1, 1))
    plain = short_id(mark, {})
    assert short_id(mark, {plain: mark}) == plain
    longer = short_id(mark, {plain: "somebody else"})
    assert longer.startswith(plain)
    assert len(longer) == len(plain) + 1
