"""Small made-up tenders for the screens of a whole market: who bid what, where, and who won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from tests.features.filings import Filing

FIRST_DAY = date(2024, 1, 8)
Tables = dict[str, list[Filing]]


def lot(
    number: int,
    bids: Mapping[str, float],
    winner: str | None = None,
    *,
    day: date | None = None,
    prefix: str = "T",
    **terms: Any,
) -> Tables:
    """One tender awarded on its own day of 2024 unless told otherwise; bids by firm."""
    tender = f"{prefix}{number:05d}"
    awarded = day or FIRST_DAY + timedelta(days=number % 350)
    head: Filing = {"tender_id": tender, "awarded_at": awarded.isoformat(), "category": "works"}
    return {
        "tenders": [head | {"winner_id": winner} | terms],
        "bids": [
            {"tender_id": tender, "bidder_id": firm, "amount": float(amount)}
            for firm, amount in bids.items()
        ],
    }


def market(*lots: Tables) -> Tables:
    """All tenders together."""
    names = dict.fromkeys(name for tables in lots for name in tables)
    return {name: [row for tables in lots for row in tables.get(name, [])] for name in names}


def margins(center: int, flank: int) -> Tables:
    """Two-bid tenders with these many margins in the centre and in each flank."""
    gaps = [0.25] * (center // 2) + [1.0] * flank
    assert center % 2 == 0
    return market(
        *(lot(k, {"A": 80, "B": 80 + gap}, reserve_price=100.0) for k, gap in enumerate(gaps))
    )


def rounds(winners: Sequence[str], values: Sequence[float] | None = None) -> Tables:
    """Tenders all members bid for, won in this order for these amounts."""
    members = sorted(set(winners))
    amounts = values or [100.0] * len(winners)
    return market(
        *(
            lot(k, {m: a + (m != w) for m in members}, w, award_value=float(a))
            for k, (w, a) in enumerate(zip(winners, amounts, strict=True))
        )
    )


def attendance(sets: Mapping[str, Sequence[int]]) -> Tables:
    """Tenders by number, each firm bidding for those of its set."""
    numbers = sorted({n for tenders in sets.values() for n in tenders})
    return market(
        *(lot(n, {f: 100.0 for f, tenders in sets.items() if n in tenders}) for n in numbers)
    )


def covers(ratios: Sequence[float]) -> Tables:
    """Tenders firm A won, with the loser's bid at these multiples of the winning one."""
    return market(*(lot(k, {"A": 1000, "L": 1000 * r}, "A") for k, r in enumerate(ratios)))


def unlucky(bids: int, wins: int, rivals: int) -> Tables:
    """Firm X beside so many rivals in so many tenders; another rival wins each in turn."""
    firms = [f"R{k}" for k in range(rivals)]
    return market(
        *(
            lot(k, dict.fromkeys(["X", *firms], 100.0), "X" if k < wins else firms[k % rivals])
            for k in range(bids)
        )
    )


def shared_out(wins: Sequence[Sequence[int]]) -> Tables:
    """Awards by firm (row) and region (column); only the winner bids."""
    awards = [
        (f"F{i}", f"R{j}")
        for i, row in enumerate(wins)
        for j, w in enumerate(row)
        for _ in range(w)
    ]
    return market(*(lot(k, {f: 100.0}, f, region=r) for k, (f, r) in enumerate(awards)))


def lonely(single: int, tenders: int, buyer: str = "B", start: int = 0) -> Tables:
    """A buyer's tenders, so many of them with one bidder."""
    return market(
        *(
            lot(start + k, {"A": 90} if k < single else {"A": 90, "C": 95}, buyer_id=buyer)
            for k in range(tenders)
        )
    )


def passed_on(value: float, subs: Sequence[Sequence[Any]], losers: Sequence[str]) -> Tables:
    """A contract, its losing bidders and its subcontracts (firm, value)."""
    bids = {"W": value} | {firm: value * (1.1 + k / 10) for k, firm in enumerate(losers)}
    return lot(0, bids, "W", award_value=float(value)) | {
        "subcontracts": [
            {"tender_id": "T00000", "winner_id": "W", "sub_id": s, "value": float(v)}
            for s, v in subs
        ]
    }


def digits(counts: Sequence[int]) -> Tables:
    """One-bid tenders whose amounts start with 1, 2, ... so often, over four orders."""
    amounts = [
        float(d * 10 ** (2 + k % 4)) for d, n in enumerate(counts, start=1) for k in range(n)
    ]
    return market(*(lot(k, {"A": a}) for k, a in enumerate(amounts)))


def traces(one: Mapping[str, Any], two: Mapping[str, Any]) -> Tables:
    """Two bids for one tender with the traces each left."""
    made = lot(0, {"A": 100, "B": 101})
    made["bids"] = [row | dict(more) for row, more in zip(made["bids"], (one, two), strict=True)]
    return made
