"""The firms of the simulated market: trades, regions, economic groups, sizes, names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.demo.names import PAIRS, compose
from detector.demo.size import Size
from detector.demo.timeline import Bools, Floats, Ints, numbered, only_where, stream, take


@dataclass(frozen=True, slots=True)
class Sector:
    """A trade. `kind` says where its firms meet the regulator: tenders, retail, apps, platform."""

    code: str
    trade_en: str
    trade_zh: str
    kind: str
    weight: float


SECTORS: tuple[Sector, ...] = (
    Sector("road_works", "Paving", "路桥", "tender", 1.3),
    Sector("building_works", "Builders", "建筑", "tender", 1.3),
    Sector("cement", "Cement", "水泥", "tender", 0.8),
    Sector("heating_fuel", "Fuels", "燃料", "tender", 0.8),
    Sector("school_meals", "Catering", "配餐", "tender", 1.0),
    Sector("cleaning", "Cleaning", "保洁", "tender", 1.0),
    Sector("office_supplies", "Stationery", "文具", "tender", 1.0),
    Sector("medical_supplies", "Medical Supply", "医疗器材", "tender", 1.0),
    Sector("it_services", "Systems", "信息技术", "tender", 1.0),
    Sector("cables", "Cable", "线缆", "tender", 0.9),
    Sector("guarding", "Guarding", "安保", "tender", 0.9),
    Sector("landscaping", "Gardens", "园林", "tender", 0.9),
    Sector("electronics", "Electronics", "电子", "retail", 1.1),
    Sector("apparel", "Apparel", "服饰", "retail", 1.2),
    Sector("food", "Foods", "食品", "retail", 1.2),
    Sector("home_goods", "Home Goods", "家居", "retail", 1.1),
    Sector("general_trade", "Trading", "贸易", "retail", 1.1),
    Sector("cosmetics", "Cosmetics", "美妆", "retail", 1.0),
    Sector("toys", "Toys", "玩具", "retail", 0.8),
    Sector("sports", "Sports", "体育用品", "retail", 0.8),
    Sector("appliances", "Appliances", "电器", "retail", 0.9),
    Sector("software", "Software", "软件", "apps", 0.9),
    Sector("games", "Interactive", "互动", "apps", 0.6),
    Sector("health_tech", "Health Online", "互联网健康", "apps", 0.5),
    Sector("platform", "Platform", "平台", "platform", 0.0),
)
_CODES = tuple(s.code for s in SECTORS)
_KINDS = np.array([s.kind for s in SECTORS])
PLATFORM_TRADES = (
    ("Bazaar", "集市"), ("Rides", "出行"), ("Table", "外卖"), ("Stream", "视频"),
    ("Journeys", "旅行"), ("Pay", "支付"), ("App Store", "应用商店"), ("Parcels", "快递"),
)  # fmt: skip

REGIONS: tuple[tuple[str, str, str], ...] = (
    ("North Delta", "CN", "CNY"), ("Jade Bay", "CN", "CNY"), ("Red Plateau", "CN", "CNY"),
    ("Mill Coast", "CN", "CNY"), ("Lower Lakes", "CN", "CNY"), ("Oak March", "EU", "EUR"),
    ("Grey Fjord", "EU", "EUR"), ("Long Prairie", "US", "USD"),
)  # fmt: skip
SIZE_CLASSES = ("micro", "small", "medium", "large")


@dataclass(frozen=True, slots=True)
class Firms:
    """The firms, column by column; the row number is the firm everywhere in the simulation."""

    ids: pl.Series
    sector: Ints
    region: Ints
    group: Ints
    size_class: Ints
    frame: pl.DataFrame

    def in_sector(self, code: str) -> Ints:
        """Rows of one trade."""
        return np.flatnonzero(self.sector == _CODES.index(code))

    def of_kind(self, kind: str) -> Ints:
        """Rows of all trades of one kind (`tender`, `retail`, `apps`, `platform`)."""
        return np.flatnonzero(_KINDS[self.sector] == kind)

    def independent(self) -> Bools:
        """Firms that are an economic group on their own."""
        members = np.bincount(self.group, minlength=self.group.size)
        return np.asarray(members[self.group] == 1, dtype=np.bool_)


def make_firms(seed: int, size: Size) -> Firms:
    """Draw the firms; platforms are spread among the ids, so an id carries no information."""
    rng = stream(seed, "firms")
    sector = _draw_sectors(rng, size)
    region = rng.choice(size.regions, size.firms, p=_shares(size.regions))
    scale = rng.choice(4, size.firms, p=(0.38, 0.37, 0.19, 0.06))
    scale[_KINDS[sector] == "platform"] = 3
    group = _draw_groups(rng, sector)
    ids = numbered("F-", size.firms, 5)
    name_en, name_zh = _draw_names(rng, sector)
    world = np.exp(rng.normal(13.2 + 1.9 * scale, 0.7))
    domestic = world * (1.0 - rng.beta(1.0, 4.0, size.firms) * (scale >= 2))
    frame = pl.DataFrame(
        {
            "firm_id": ids,
            "name": name_en,
            "name_zh": name_zh,
            "group_id": only_where(
                take(numbered("G-", size.firms, 5), group), np.bincount(group)[group] > 1
            ),
            "country": take([r[1] for r in REGIONS], region),
            "sector": take(_CODES, sector),
            "size_class": take(SIZE_CLASSES, scale),
            "turnover_world": _whole(world),
            "turnover_domestic": _whole(domestic),
            "currency": take([r[2] for r in REGIONS], region),
            "year": np.full(size.firms, 2025, dtype=np.int64),
            "is_ciio": (rng.random(size.firms) < 0.08) & (scale == 3),
        }
    )
    return Firms(ids, sector, region, group, scale, frame)


def _draw_sectors(rng: np.random.Generator, size: Size) -> Ints:
    weights = np.array([s.weight for s in SECTORS])
    ordinary = size.firms - size.platforms
    counts = np.floor(weights / weights.sum() * ordinary).astype(np.int64)
    counts[: ordinary - int(counts.sum())] += 1
    counts[_CODES.index("platform")] = size.platforms
    return rng.permutation(np.repeat(np.arange(len(SECTORS)), counts))


def _draw_groups(rng: np.random.Generator, sector: Ints) -> Ints:
    """Group number of each firm: platforms and four in five others stand alone."""
    group = np.arange(sector.size)
    joins = (rng.random(sector.size) < 0.2) & (_KINDS[sector] != "platform")
    grouped = rng.permutation(np.flatnonzero(joins))
    heads = np.cumsum(rng.integers(2, 6, grouped.size))
    block = np.searchsorted(heads, np.arange(grouped.size), side="right")
    first = np.searchsorted(block, block, side="left")
    group[grouped] = grouped[first]
    return group


def _draw_names(rng: np.random.Generator, sector: Ints) -> tuple[pl.Series, pl.Series]:
    trade = sector.copy()
    platforms = np.flatnonzero(_KINDS[sector] == "platform")
    trade[platforms] = len(SECTORS) + np.arange(platforms.size) % len(PLATFORM_TRADES)
    pair = rng.permutation(PAIRS)
    english = [s.trade_en for s in SECTORS] + [en for en, _ in PLATFORM_TRADES]
    chinese = [s.trade_zh for s in SECTORS] + [zh for _, zh in PLATFORM_TRADES]
    # Firms of one trade take neighbouring places of one cycle, so no name occurs twice.
    place = np.empty(sector.size, dtype=np.int64)
    place[np.argsort(trade, kind="stable")] = np.arange(sector.size)
    return compose(pair[place % PAIRS], take(english, trade), take(chinese, trade))


def _shares(regions: int) -> Floats:
    weights = 1.0 / np.sqrt(np.arange(1, regions + 1))
    return np.asarray(weights / weights.sum())


def _whole(money: Floats) -> Floats:
    """Money as it is filed by firms: rounded to thousands."""
    return np.round(money, -3)
