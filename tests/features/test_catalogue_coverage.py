"""Every feature the domain catalogue names exists, under its name or one argued for here.

The catalogue lies beside the repository and is read when it is there; the tables below are facts
about this library and are checked in any case.
"""

from __future__ import annotations

import re
from functools import cache

import pytest

from features.catalogue import catalogue
from features.contracts import CONTRACTS
from features.typologies import TYPOLOGIES
from features.vocabulary import Reason
from tests.conftest import shared_file

RENAMED: dict[tuple[str, str], tuple[tuple[str, ...], str]] = {
    ("MON-STR-HHI", "hhi_bounds"): (("hhi_low", "hhi_high"), "a feature is one number"),
    ("MON-BID-SINGLE", "n_bids"): (("bid_count",), "`n_bids` is the attribute every screen has"),
    ("MON-BID-MISSING", "margin"): (("bid_margin",), "named by a symbol only"),
    ("MON-DOMINANCE-CN", "dominance_presumed"): (
        ("dominance_presumed", "dominant_firms"),
        "a set of firms is a yes or no for each and their number for the market",
    ),
}
"""(typology, catalogue name): our names and why they differ."""

MARKS: dict[tuple[str, str], str] = {
    ("MON-HHI-MERGER", "partial"): "partial",
    ("MON-DOMINANCE-CN", "basis"): "dominance_basis",
    ("MON-GUN-JUMPING", "censored"): "censored",
    ("MON-KILLER-ACQ", "pre_revenue"): "pre_revenue",
    ("MON-PREDATION", "free_side"): "pred_free_side",
    ("PRIV-DARK-PATTERN", "no_choice"): "no_choice",
    ("PRIV-BREACH-LATE", "censored"): "censored",
}
"""Flags beside a number: (typology, catalogue name) to the attribute of a base that carries it."""

OTHER_WORDS: dict[str, str] = {
    "kstwo": "the distribution of scipy that gives the exact p-value",
    "dominance_presumed": "named by 3.D as the gate of unilateral conduct",
}
"""Backticked words that are no feature of the block they stand in."""

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""Named by the catalogue and not built, each with the reason. Keep it empty."""

FOR_RULES: dict[str, tuple[str, ...]] = {
    "MON-HHI-MERGER R3": ("combined_share",),
    "MON-MERGER-THRESHOLD R2": ("cn_threshold_ratio", "eu_threshold_ratio",
                                "us_hsr_threshold_ratio", "buyer_deals_24m"),
    "MON-GATEKEEPER-DMA R1": ("dma_presumed", "dma_undesignated"),
    "MON-SERIAL-ACQ R2": ("serial_hhi_delta", "serial_us2023_presumption"),
    "MON-INTERLOCK R1": ("interlock_count", "interlock_sales", "interlock_above_limits"),
    "MON-GUN-JUMPING R2": ("pre_close_sync", "pre_close_bid_sync"),
    "MON-BID-CV R2": ("bid_cv_share_low", "bid_cv_low_p"),
    "MON-BID-ROTATION": ("rot_joint_share",),
    "MON-BID-SUBCON": ("subcon_loser_gap",),
    "MON-BID-DOCSIM R1": ("doc_same_deposit", "doc_same_author"),
    "MON-BID-SINGLE R2": ("single_bid", "submission_days"),
    "MON-RPM": ("cn_rpm_safe_harbour",),
    "PRIV-XBORDER": ("xb_mechanism_missing",),
    "PRIV-DSAR-DELAY": ("dsar_beyond_longest",),
    "PRIV-DSAR-REFUSAL": ("dr_rate_vs_peers",),
    "PRIV-COMPLAINT-SPIKE": ("cs_ewma_weeks_above",),
    "TRX-WASH-SCC": ("wash_rounds",),
    "TRX-ROUNDTRIP": ("rt_repetitions",),
}  # fmt: skip
"""What conditions of the catalogue's rules read besides the features it names."""

OF_FILINGS: dict[str, tuple[str, ...]] = {
    "DATA-RESTATEMENT": ("restate_changes", "restate_vanished", "restate_dropped",
                         "restate_max_change", "restate_net_change", "restate_operator_rate"),
    "DATA-RECONCILE": ("recon_max_gap", "recon_signed_gap", "recon_apart"),
    "DATA-HEAPING": ("heap_round_share", "heap_round_p", "heap_placeholder_share",
                     "heap_floor_digit_share"),
    "DATA-MISSING": ("missing_filing", "missing_days_overdue", "missing_says_nothing",
                     "missing_peer_share"),
    "PRIV-VENDOR-DRIFT": ("vendor_new_purposes", "vendor_new_special_features",
                          "vendor_consent_to_interest", "vendor_cookie_jump",
                          "vendor_barred_interest"),
}  # fmt: skip
"""The typologies about filings, whose page names what makes them suspicious, not features."""

NO_TAIL: dict[str, str] = {}
"""Typologies without a feature whose tail is suspicious, and why."""


@cache
def named() -> dict[str, tuple[str, ...]]:
    """Words in backticks of each typology's block, in order, without tables and reasons."""
    text = shared_file("domain-catalogue.md").read_text(encoding="utf-8")
    body = text.split("\n## 3. ")[1].split("\n## 6. ")[0]
    # A block ends where the next one, or the next part with its own introduction, begins.
    blocks = re.split(r"^#### ", re.sub(r"^#{2,3} .*$", "#### -", body, flags=re.M), flags=re.M)
    known = {*CONTRACTS, *(r.value for r in Reason)}
    found: dict[str, tuple[str, ...]] = {}
    for block in blocks:
        typology = block.split(" ", 1)[0].strip()
        if typology in TYPOLOGIES:
            words = re.findall(r"`([a-z][A-Za-z0-9_]+)`", block)
            found[typology] = tuple(dict.fromkeys(w for w in words if w not in known))
    return found


def test_the_catalogue_has_a_block_for_every_typology_but_those_about_filings() -> None:
    assert set(TYPOLOGIES) - set(named()) == set(OF_FILINGS)
    assert len(named()) == 80


@pytest.mark.parametrize("typology", sorted(set(TYPOLOGIES) - set(OF_FILINGS)))
def test_every_feature_the_catalogue_names_exists(typology: str) -> None:
    mine = {f.name for f in catalogue().of_typology(typology)}
    spoken = named()[typology]
    for word in spoken:
        key = (typology, word)
        if key in MARKS or key in EXCEPTIONS or word in OTHER_WORDS:
            continue
        wanted = RENAMED[key][0] if key in RENAMED else (word,)
        assert set(wanted) <= mine, f"{typology} names `{word}`"
    assert mine, typology


def test_flags_beside_numbers_are_attributes_of_a_base_of_the_typology() -> None:
    library = catalogue()
    for (typology, word), attribute in MARKS.items():
        bases = {library.bases[f.base] for f in library.of_typology(typology)}
        assert any(attribute in base.attributes for base in bases), (typology, word)


def test_rules_find_what_their_conditions_read() -> None:
    features = catalogue().features
    for rule, names in FOR_RULES.items():
        for name in names:
            assert features[name].typology == rule.split(" ")[0], (rule, name)


def test_typologies_about_filings_are_covered() -> None:
    for typology, names in OF_FILINGS.items():
        assert set(names) <= {f.name for f in catalogue().of_typology(typology)}, typology


def test_every_typology_can_be_suspicious() -> None:
    silent = {
        t for t in TYPOLOGIES
        if all(f.direction == "none" for f in catalogue().of_typology(t))
    }  # fmt: skip
    assert silent == set(NO_TAIL)


def test_the_tables_above_hold_nothing_stale() -> None:
    features = set(catalogue().features)
    assert all(set(names) <= features for names, _ in RENAMED.values())
    assert all(why for why in EXCEPTIONS.values())
    spoken = named()
    for typology, word in {*MARKS, *EXCEPTIONS}:
        # `censored` is both a reason and a flag.
        assert word in spoken[typology] or word in set(Reason), (typology, word)


def test_thirty_nine_app_types_are_those_of_the_catalogue() -> None:
    from features.parameters.necessary_information import APP_TYPES

    text = shared_file("domain-catalogue.md").read_text(encoding="utf-8")
    table = text.split("\n## 7. ")[1].split("\n## 8. ")[0]
    codes: dict[int, tuple[str, bool]] = {}
    for number, code, needs in re.findall(r"^\| (\d+) \| (\w+)[^|]* \| (.*) \|$", table, re.M):
        codes[int(number)] = (code, needs.strip() == "none")
    several = re.search(r"^\| 27–38 \| ([\w, ]+) \| none \|$", table, re.M)
    assert several is not None
    codes |= {27 + k: (c.strip(), True) for k, c in enumerate(several[1].split(","))}
    assert {a.number: (a.code, not a.necessary) for a in APP_TYPES} == codes
    assert len(codes) == 39 and sum(none for _, none in codes.values()) == 13
