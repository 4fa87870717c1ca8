"""Traces of shared preparation in the bids of two bidders (MON-BID-DOCSIM).

Legal entities, not economic groups: hopping between firms of one group is what is looked for.
"""

from __future__ import annotations

from math import pi

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.bid_screens import TABLES
from features.library.groups import with_group
from features.operators import Lazy, both, month_end, pair_key, seconds_between
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-BID-DOCSIM", "bid_traces"
_LAW = "China, Tendering Implementing Regulations art. 40 (1), (2), (6)"
TRACES = ("ip_hash", "deposit_account_hash", "contact_hash", "doc_author_hash")
_INPUTS = ("bids.bidder_id", "bids.consortium_id", *(f"bids.{c}" for c in TRACES))
_BLOCK, _BLOCKS = 8, 4
"""Similarity hashes are compared in blocks of eight hex digits, up to four (128 bits)."""


@base(
    name=_BASE, grain="pair_tender", tables=TABLES,
    attributes=("tender_id", "firm_a", "firm_b", "same_group", "market", "jurisdiction",
                "n_traces"),
    peers=("market",),
)  # fmt: skip
def bid_traces(t: Tables) -> Lazy:
    """One row per lot and pair of bidders that both left a trace; bids of any status count.

    Two members of one consortium bid together by right and form no pair. Of several bids of one
    bidder the last counts.
    """
    left = _last(t)
    right = left.rename({c: f"{c}_b" for c in _CARRIED})
    pairs = left.join(right, on="subject_key", how="inner").filter(
        (nw.col("bidder_id") < nw.col("bidder_id_b"))
        & ~(nw.col("consortium_id") == nw.col("consortium_id_b")).fill_null(value=False)
    )
    pairs = pairs.with_columns(
        *((nw.col(c) == nw.col(f"{c}_b")).cast(nw.Int64).alias(f"same_{c}") for c in TRACES),
        seconds_between(nw.col("submitted_at_b"), nw.col("submitted_at")).abs().alias("gap"),
    )
    same = [nw.col(f"same_{c}") for c in TRACES]
    rows = pairs.with_columns(
        nw.sum_horizontal(*(s.fill_null(0) for s in same)).alias("n_links"),
        nw.sum_horizontal(*((~s.is_null()).cast(nw.Int64) for s in same)).alias("n_traces"),
    )
    lots = t.view("lots").select(
        "subject_key", "tender_id", "period_start", "market", "jurisdiction"
    )
    native = collect(rows.join(lots, on="subject_key", how="inner"))
    return nw.from_native(native.with_columns(_jaccard()).lazy()).with_columns(
        both(pair_key(nw.col("bidder_id"), nw.col("bidder_id_b")), nw.col("subject_key")).alias(
            "subject_key"
        ),
        nw.col("bidder_id").alias("firm_a"),
        nw.col("bidder_id_b").alias("firm_b"),
        (nw.col("group") == nw.col("group_b")).alias("same_group"),
        month_end(nw.col("period_start")).alias("period_end"),
    )


_CARRIED = ("bidder_id", "consortium_id", "group", "submitted_at", "doc_simhash", *TRACES)


def _last(t: Tables) -> Lazy:
    """The last bid of every named bidder and lot that left any trace."""
    homes = t.view("lots").select("tender_id", "lot", "subject_key")
    traced = ~nw.all_horizontal(
        *(nw.col(c).is_null() for c in (*TRACES, "doc_simhash")), ignore_nulls=True
    )
    rows = (
        t["bids"]
        .filter(traced & ~nw.col("bidder_id").is_null())
        .with_columns(nw.coalesce(nw.col("lot_id"), nw.lit("")).alias("lot"))
        .join(homes, on=["tender_id", "lot"], how="inner")
        .with_columns(nw.coalesce(nw.col("submitted_at").cast(nw.String), nw.lit("")).alias("_at"))
    )
    grouped = with_group(t, rows, "bidder_id", "group")
    own = ["subject_key", "bidder_id"]
    return (
        grouped.filter(nw.col("_at") == nw.col("_at").max().over(*own))
        .group_by(*own)
        .agg(*(nw.col(c).max() for c in _CARRIED if c != "bidder_id"))
    )


def _jaccard() -> pl.Expr:
    """Jaccard similarity of shingle sets, estimated from two similarity hashes.

    Two bits differ with probability angle / pi (Charikar 2002); sets of equal size with cosine c
    have Jaccard c / (2 - c). Null unless both hashes are hex text of one length.
    """
    one, two = pl.col("doc_simhash"), pl.col("doc_simhash_b")
    digits = one.str.len_chars()
    differ = pl.sum_horizontal(
        *(_block(one, k).xor(_block(two, k)).bitwise_count_ones() for k in range(_BLOCKS))
    )
    hexes = r"^[0-9a-fA-F]{1,32}$"
    usable = one.str.contains(hexes) & two.str.contains(hexes) & (digits == two.str.len_chars())
    cosine = (pi * differ / (4 * digits)).cos().clip(0, 1)
    return pl.when(usable).then(cosine / (2 - cosine)).alias("jaccard")


def _block(text: pl.Expr, k: int) -> pl.Expr:
    """Some hex digits of a hash as a whole number; 0 past its end."""
    part = text.str.slice(k * _BLOCK, _BLOCK)
    return part.str.to_integer(base=16, strict=False).fill_null(0)


def _traced() -> tuple[nw.Expr, Reason]:
    return nw.col("n_traces") == 0, Reason.MISSING_INPUT


@feature(
    name="doc_link_count", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="traces",
    direction="high", n="n_traces", source=_LAW,
    title={"en": "traces two bidders share", "zh": "两家投标人相同痕迹数"},
)  # fmt: skip
def doc_link_count() -> Measure:
    """How many of network address, deposit account, contact and document author are equal.

    Traces that one of the two did not leave are not compared; `n` is the number compared.
    """
    return measure(nw.col("n_links"), _traced())


@feature(
    name="doc_same_deposit", typology=_TYPOLOGY, base=_BASE,
    inputs=("bids.bidder_id", "bids.deposit_account_hash"), unit="flag", direction="high",
    n="n_traces", source=_LAW, kind="bool",
    title={"en": "deposits paid from one account", "zh": "保证金出自同一账户"},
)  # fmt: skip
def doc_same_deposit() -> Measure:
    """Whether both deposits came from one account; deemed collusion in China (art. 40 (6))."""
    return measure(nw.col("same_deposit_account_hash"))


@feature(
    name="doc_same_author", typology=_TYPOLOGY, base=_BASE,
    inputs=("bids.bidder_id", "bids.doc_author_hash"), unit="flag", direction="high",
    n="n_traces", source=_LAW, kind="bool",
    title={"en": "documents by one author", "zh": "投标文件由同一人编制"},
)  # fmt: skip
def doc_same_author() -> Measure:
    """Whether both documents name one author; deemed collusion in China (art. 40 (1), (2))."""
    return measure(nw.col("same_doc_author_hash"))


@feature(
    name="doc_text_jaccard", typology=_TYPOLOGY, base=_BASE,
    inputs=("bids.bidder_id", "bids.doc_simhash"), unit="0-1", direction="high",
    n="n_traces", source="Charikar 2002; Broder 1997", peer_adjusted=True,
    title={"en": "similarity of documents", "zh": "投标文件文本相似度"},
)  # fmt: skip
def doc_text_jaccard() -> Measure:
    """Jaccard similarity of the documents' word shingles, estimated from their similarity hashes.

    c / (2 - c) with c = cos(pi x share of differing bits). The texts themselves are not filed.
    """
    return measure(nw.col("jaccard"))


@feature(
    name="submit_gap_s", typology=_TYPOLOGY, base=_BASE,
    inputs=("bids.bidder_id", "bids.submitted_at"), unit="seconds", direction="low",
    n="n_traces", source="catalogue 3.B", peer_adjusted=True,
    title={"en": "time between two submissions", "zh": "两次递交间隔"},
)  # fmt: skip
def submit_gap_s() -> Measure:
    """Seconds between the submissions of the two bids."""
    return measure(nw.col("gap"))
