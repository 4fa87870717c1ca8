"""What is known of one contracting process as canonical rows of `tenders`, `bids` and `firms`.

Field names are those of the Open Contracting Data Standard 1.1 with its extensions for bids and
lots. Values are handed on as text; the ingest reads and checks them like those of any file.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Row = dict[str, str | None]

SOURCE = "OCDS"
_SHAPES = (
    ("tender", dict),
    ("bids", dict),
    ("awards", list),
    ("parties", list),
    ("buyer", dict),
)
_AWARD_RULES = {
    **dict.fromkeys(("priceOnly", "lowestCost", "costOnly"), "lowest"),
    **dict.fromkeys(
        ("ratedCriteria", "bestProposal", "bestValueToGovernment", "qualityOnly"), "best_value"
    ),
}
_NO_BIDS = frozenset({"invited"})
_VOID_AWARDS = frozenset({"pending", "cancelled", "unsuccessful"})
_CEILINGS = ("reservePrice", "maximumValue", "maxValue")
_FIRM_ROLES = frozenset({"supplier", "tenderer"})


def misshapen(release: dict[str, Any]) -> str | None:
    """What makes the release no release, as a sentence; None when it is one."""
    if not isinstance(release.get("ocid"), str) or not release["ocid"].strip():
        return "it has no `ocid`; every release and record of the standard names its process"
    for name, kind in _SHAPES:
        if not isinstance(release.get(name, kind()), kind | None):
            return f"`{name}` is not {'an object' if kind is dict else 'a list'}"
    if not isinstance(_object(release.get("bids")).get("details", []), list | None):
        return "`bids.details` is not a list"
    return None


class Process:
    """One contracting process as known after one release."""

    def __init__(self, release: dict[str, Any], notes: Counter[str]) -> None:
        self._ocid = release["ocid"].strip()
        self._tender = _object(release.get("tender"))
        self._release, self._notes = release, notes
        self._parties = {text(p.get("id")): p for p in _objects(release.get("parties"))}
        lots = [text(lot.get("id")) for lot in _objects(self._tender.get("lots"))]
        self._lots: list[str | None] = [*(lot for lot in lots if lot)] or [None]
        self._details = _objects(_object(release.get("bids")).get("details"))
        self._awards = [
            a for a in _objects(release.get("awards")) if a.get("status") not in _VOID_AWARDS
        ]

    def tenders(self) -> Iterator[Row]:
        """One row, or one per lot."""
        tender, buyer = self._tender, self._buyer()
        period = _object(tender.get("tenderPeriod"))
        criteria = text(tender.get("awardCriteria"))
        address = _object(_object(self._parties.get(buyer)).get("address"))
        if silent := sum(not _award_lots(a) for a in self._awards) * (len(self._lots) > 1):
            self._notes["awards name none of several lots and were left out of them"] += silent
        for lot in self._lots:
            stated = _object(self._lot(lot).get("value") if lot else tender.get("value"))
            awards = self._awards_of(lot)
            currency, value = self._award_value(awards, text(stated.get("currency")))
            dates = sorted(d for a in awards if (d := text(a.get("date"))))
            winners = _suppliers(awards)
            yield {
                "tender_id": self._ocid,
                "lot_id": lot,
                "buyer_id": buyer,
                "category": self._category(lot),
                "region": text(address.get("region")),
                "kind": text(tender.get("mainProcurementCategory")),
                "method": text(tender.get("procurementMethod")),
                "award_rule": _AWARD_RULES.get(criteria or ""),
                "award_criteria": criteria,
                "jurisdiction": _jurisdiction(_object(self._parties.get(buyer))),
                "reserve_price": self._above_zero(text(self._ceiling(lot).get("amount"))),
                "estimate": self._above_zero(text(stated.get("amount"))),
                "currency": currency,
                "published_at": text(period.get("startDate")),
                "deadline_at": text(period.get("endDate")),
                "awarded_at": dates[0] if dates else None,
                "winner_id": winners[0] if len(winners) == 1 else None,
                "award_value": self._above_zero(value),
                "n_tenderers": self._tenderers(lot),
                "item_classes": json.dumps(self._classes(lot)) if self._classes(lot) else None,
                "released_at": text(self._release.get("date")),
                "source": SOURCE,
            }

    def bids(self) -> Iterator[Row]:
        """One row per bid, lot and tenderer."""
        for bid in self._details:
            if bid.get("status") in _NO_BIDS:
                self._notes["invitations are no bids and were left out"] += 1
                continue
            status = text(bid.get("status"))
            value = _object(bid.get("value"))
            related = _texts(bid.get("relatedLots"))
            only = self._lots[0] if len(self._lots) == 1 else None
            lots: Sequence[str | None] = related or [only]
            tenderers = [text(t.get("id")) for t in _objects(bid.get("tenderers"))]
            for lot in lots:
                for bidder in tenderers or [None]:
                    name = self._bid_name(bid, lot, related, bidder, tenderers)
                    joint = len(tenderers) > 1
                    yield {
                        "tender_id": self._ocid,
                        "lot_id": lot,
                        "bid_id": name,
                        "bidder_id": bidder,
                        "amount": text(value.get("amount")),
                        "currency": text(value.get("currency")),
                        "submitted_at": text(bid.get("date")),
                        "status": "valid" if status == "pending" else status,
                        "won": self._won(bid, lot, bidder),
                        "consortium_id": "+".join(sorted(filter(None, tenderers)))
                        if joint
                        else None,
                        "contact_hash": self._contact(bidder),
                        "source": SOURCE,
                    }

    def firms(self) -> Iterator[Row]:
        """One row per party that bids or supplies."""
        for name, party in self._parties.items():
            roles = set(_texts(party.get("roles")))
            if name and (roles & _FIRM_ROLES):
                address, details = _object(party.get("address")), _object(party.get("details"))
                yield {
                    "firm_id": name,
                    "name": text(party.get("name")),
                    "country": text(address.get("country")),
                    "size_class": text(details.get("scale")),
                    "source": SOURCE,
                }

    def _buyer(self) -> str | None:
        buyer = _object(self._release.get("buyer"))
        return text(buyer.get("id")) or text(_object(self._tender.get("procuringEntity")).get("id"))

    def _lot(self, lot: str) -> dict[str, Any]:
        lots = _objects(self._tender.get("lots"))
        return next((one for one in lots if text(one.get("id")) == lot), {})

    def _awards_of(self, lot: str | None) -> list[dict[str, Any]]:
        """Awards of a lot; one that names no lot counts only where there is just one."""
        if len(self._lots) == 1:
            return self._awards
        return [a for a in self._awards if lot in _award_lots(a)]

    def _award_value(
        self, awards: list[dict[str, Any]], currency: str | None
    ) -> tuple[str | None, str | None]:
        """Currency of the tender, and the awards' sum where all of them are in it."""
        values = [_object(a.get("value")) for a in awards]
        stated = [(text(v.get("amount")), text(v.get("currency"))) for v in values]
        amounts = [(amount, unit) for amount, unit in stated if amount is not None]
        units = {unit for _, unit in amounts if unit} | ({currency} if currency else set())
        if len(units) > 1:
            self._notes["awards are in another currency than the tender; value left out"] += 1
            return currency, None
        unit = next(iter(units), None)
        if len(amounts) == len(awards) == 1:
            return unit, amounts[0][0]
        return unit, _sum([amount for amount, _ in amounts]) if len(amounts) == len(
            awards
        ) else None

    def _above_zero(self, amount: str | None) -> str | None:
        """Registers file zero for a value nobody stated."""
        if amount in ("0", "0.0"):
            self._notes["values of zero of a tender or award were read as not stated"] += 1
            return None
        return amount

    def _ceiling(self, lot: str | None) -> dict[str, Any]:
        """The price above which bids are refused; the standard has no field, publishers have."""
        stated = self._lot(lot) if lot else self._tender
        values = (_object(stated.get(name)) for name in _CEILINGS)
        return next((value for value in values if value), {})

    def _tenderers(self, lot: str | None) -> str | None:
        """Number of bidders of the tender; of a lot among several none is stated."""
        stated = self._tender.get("numberOfTenderers")
        known = isinstance(stated, int) and not isinstance(stated, bool) and stated >= 0
        return str(stated) if known and (lot is None or len(self._lots) == 1) else None

    def _category(self, lot: str | None) -> str | None:
        """Classification of the first item (of the lot, where items name lots)."""
        found = [*self._classes(lot), text(_object(self._tender.get("classification")).get("id"))]
        return next((name for name in found if name), None)

    def _classes(self, lot: str | None) -> list[str]:
        """Classifications of the items (of the lot, where items name lots), each once."""
        items = _objects(self._tender.get("items"))
        items += [i for a in self._awards for i in _objects(a.get("items"))]
        own = [i for i in items if text(i.get("relatedLot")) == lot] if lot else []
        found = (text(_object(i.get("classification")).get("id")) for i in own or items)
        return list(dict.fromkeys(name for name in found if name))

    def _bid_name(
        self,
        bid: dict[str, Any],
        lot: str | None,
        lots: list[str],
        bidder: str | None,
        tenderers: list[str | None],
    ) -> str | None:
        """Bid ids are unique in their process only; ours over everything."""
        name = text(bid.get("id"))
        if name is None:
            return None
        parts = [self._ocid, name]
        parts += [lot] if lot and len(lots) > 1 else []
        parts += [bidder] if bidder and len(tenderers) > 1 else []
        return "/".join(parts)

    def _won(self, bid: dict[str, Any], lot: str | None, bidder: str | None) -> str | None:
        """Whether an award names the bid or its bidder; None before any award."""
        awards = self._awards_of(lot) if lot in self._lots else []
        name = text(bid.get("id"))
        named = [text(a.get("relatedBid")) for a in awards if text(a.get("relatedBid"))]
        if name and named:
            return str(name in named).lower()
        winners = _suppliers(awards)
        return str(bidder in winners).lower() if winners and bidder else None

    def _contact(self, bidder: str | None) -> str | None:
        contact = _object(_object(self._parties.get(bidder)).get("contactPoint"))
        return text(contact.get("email")) or text(contact.get("name"))


def text(value: Any) -> str | None:
    """A value as it would stand in a file; nothing for nothing."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [t for v in value if (t := text(v))] if isinstance(value, list) else []


def _jurisdiction(buyer: dict[str, Any]) -> str | None:
    """Country code of the buyer: of its address, else of the register that names it."""
    country = text(_object(buyer.get("address")).get("country"))
    scheme = text(_object(buyer.get("identifier")).get("scheme")) or ""
    register = re.match("[A-Z]{2}(?=-)", scheme)
    return country or (register.group() if register else None)


def _award_lots(award: dict[str, Any]) -> list[str]:
    items = (text(i.get("relatedLot")) for i in _objects(award.get("items")))
    return _texts(award.get("relatedLots")) or [lot for lot in items if lot]


def _suppliers(awards: Iterable[dict[str, Any]]) -> list[str]:
    found = (text(s.get("id")) for a in awards for s in _objects(a.get("suppliers")))
    return list(dict.fromkeys(name for name in found if name))


def _sum(amounts: list[str]) -> str | None:
    try:
        return json.dumps(sum(float(a) for a in amounts)) if amounts else None
    except ValueError:
        return None
