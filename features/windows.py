"""Computing only some months: which cells a run must compute, and from which rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

import narwhals as nw
import polars as pl

from features.catalogue import Base, FeatureCatalogue
from features.jurisdictions import JURISDICTION
from features.operators import Lazy
from features.places import (
    FAMILIES,
    Frames,
    Placed,
    columns_naming_firms,
    columns_naming_seats,
    is_placed,
    months_of,
    naming,
    with_kin,
)
from features.reach import (
    ROLL_UPS,
    Months,
    Reach,
    first_day,
    month_of,
    reach_of,
    runs,
    whole_units,
)
from features.tables import AnyLazy, Tables
from features.vocabulary import RunContext

Scope = Mapping[str, Months | None]
"""Months whose cells are computed, by grain; None for all. Grains left out are not computed."""

REGISTER = "firms"
LOCAL = {
    "net_prices": "day",
    "price_days": "day",
    "firm_price_days": "day",
    "market_price_days": "day",
    "lots": "tender_id",
    "lot_terms": "tender_id",
}
"""Views whose rows lie in time by a day or a key of their own: where one has been made of all
time, that of a window is cut from it."""
WIDER = 1.6
"""A window is made wider by up to this, to be shared."""


class Watched(Tables):
    """Tables that note which of them a base looked at, through its views as well."""

    def __init__(
        self, tables: Mapping[str, AnyLazy], context: RunContext, registry: FeatureCatalogue
    ) -> None:
        super().__init__(tables, context, registry)
        self._looking: list[set[str]] = [set()]
        self._behind: dict[str, frozenset[str]] = {}
        self._placed: Placed | None = None

    def __getitem__(self, name: str) -> Lazy:
        self._looking[-1].add(name)
        return super().__getitem__(name)

    def get(self, name: str) -> Lazy | None:
        self._looking[-1].add(name)
        return super().get(name)

    def missing(self, names: tuple[str, ...]) -> str | None:
        self._looking[-1] |= set(names)
        return super().missing(names)

    def view(self, name: str) -> Lazy:
        if name not in self._behind:
            self._looking.append(set())
            super().view(name)
            self._behind[name] = frozenset(self._looking.pop())
        self._looking[-1] |= self._behind[name]
        return super().view(name)

    @property
    def placed(self) -> Placed:
        """The tables as the engine of this process knows them, to be cut to months."""
        if self._placed is None:
            self._placed = Placed({n: nw.to_native(f) for n, f in self._frames.items()})
        return self._placed

    def timeless(self, name: str) -> bool:
        """Whether a view already made looks only at tables without a place in time."""
        return name in self._behind and not any(is_placed(n) for n in self._behind[name])

    def made(self, name: str) -> bool:
        """Whether a view has been made."""
        return name in self._views

    def lend(self, name: str, other: Watched) -> None:
        """Give another the view as it was made here."""
        other._views[name], other._behind[name] = self._views[name], self._behind[name]

    def seen(self) -> frozenset[str]:
        """Tables looked at since the last call."""
        found, self._looking = frozenset(self._looking[-1]), [set()]
        return found


class Windowed(Watched):
    """The same tables cut to some months; what is absent or empty is told of the whole."""

    def __init__(
        self, whole: Watched, months: Months, context: RunContext, registry: FeatureCatalogue
    ) -> None:
        super().__init__({}, context, registry)
        self._whole, self._cut, self._months = whole, whole.placed, months

    def __getitem__(self, name: str) -> Lazy:
        if name not in self._frames:
            filed = name in self._cut.tables
            cut = self._cut.within(name, self._months) if filed else None
            self._frames[name] = self._whole[name] if cut is None else nw.from_native(cut)
        return super().__getitem__(name)

    def view(self, name: str) -> Lazy:
        if name not in self._views and self._whole.timeless(name):
            self._whole.lend(name, self)
        elif name not in self._views and name in LOCAL and self._whole.made(name):
            self._take_part(name)
        found = super().view(name)
        if name not in self._whole._views and self.timeless(name):
            self.lend(name, self._whole)
        return found

    def _take_part(self, name: str) -> None:
        """Cut a view of the whole, instead of making it from cut tables."""
        self._whole.lend(name, self)
        rows, column = nw.to_native(self._views[name]), LOCAL[name]
        if column in FAMILIES.values():
            part = rows.join(self._cut.keys(column, self._months), on=column, how="semi")
        else:
            part = rows.filter(inside(self._months, column))
        self._views[name] = nw.from_native(part.collect().lazy())

    def get(self, name: str) -> Lazy | None:
        self._looking[-1].add(name)
        return None if self._whole.get(name) is None else self[name]

    def missing(self, names: tuple[str, ...]) -> str | None:
        self._looking[-1] |= set(names)
        return self._whole.missing(names)


@dataclass(frozen=True)
class Part:
    """One run over the tables, whole or cut, with its windows made once and shared.

    Attributes:
        scope: None computes every cell.
        bases: those to be computed; windows of theirs that are nearly the same are made one.
    """

    frames: Mapping[str, AnyLazy]
    context: RunContext
    registry: FeatureCatalogue
    scope: Scope | None = None
    bases: tuple[Base, ...] = ()
    _made: dict[Months | None, Watched] = field(default_factory=dict)
    _shared: dict[Months, Months] = field(default_factory=dict)

    @property
    def whole(self) -> Watched:
        """The tables of all time."""
        if None not in self._made:
            self._made[None] = Watched(self.frames, self.context, self.registry)
        return self._made[None]

    def wants(self, grain: str) -> bool:
        """Whether any cell of the grain is computed."""
        return self.scope is None or grain in self.scope

    def cells(self, grain: str) -> Months | None:
        """Months of the grain that are computed; None for all."""
        return None if self.scope is None else self.scope[grain]

    def in_order(self, bases: Iterable[Base]) -> list[Base]:
        """Those first that are computed from the whole: windows take parts of its views."""
        return sorted(bases, key=lambda base: isinstance(self.for_base(base), Windowed))

    def for_base(self, base: Base) -> Watched:
        """The tables a base is computed from."""
        return self._cut(reach_of(base), self.cells(base.grain))

    def for_roll_up(self, child: str, parent: str) -> tuple[Watched, Months | None]:
        """The tables of a membership, and the months of the children it must tell of.

        Parents are told whole: those of computed children, and those computed themselves.
        """
        reach, scope = ROLL_UPS.get((child, parent)), self.scope
        if reach is None or scope is None:
            return self.whole, None
        wanted = [scope[grain] for grain in (child, parent) if grain in scope]
        if any(months is None for months in wanted):
            return self.whole, None
        months = frozenset[int]().union(*(months for months in wanted if months is not None))
        return self._cut(reach, months), whole_units(months, reach.unit)

    def _cut(self, reach: Reach | None, cells: Months | None) -> Watched:
        if reach is None or cells is None:
            return self.whole
        months = reach.needed(cells)
        if months is None:
            return self.whole
        if not self._shared:
            self._shared.update(shared(self._windows(), month_of(self.context.as_of)))
        months = self._shared.get(months, months)
        if months not in self._made:
            self._made[months] = Windowed(self.whole, months, self.context, self.registry)
        return self._made[months]

    def _windows(self) -> set[Months]:
        """The months the bases read, of those that read some only."""
        found: set[Months] = set()
        for base in self.bases:
            reach = reach_of(base)
            cells = self.cells(base.grain) if self.wants(base.grain) else None
            months = reach.needed(cells) if reach and cells is not None else None
            found |= set() if months is None else {months}
        return found


def shared(windows: Collection[Months], today: int) -> dict[Months, Months]:
    """For each window a wider one, so that few are made and views are computed for all at once.

    A cell comes out the same from more rows than it reaches. A window takes part in a wider one
    as long as that has not many more months with filings, which lie before today.
    """

    def past(months: Months) -> int:
        return sum(m <= today for m in months)

    groups: list[tuple[Months, list[Months]]] = []
    for window in sorted(windows, key=lambda w: (-past(w), sorted(w))):
        for i, (union, members) in enumerate(groups):
            if past(union | window) <= WIDER * past(window):
                groups[i] = (union | window, [*members, window])
                break
        else:
            groups.append((window, [window]))
    return {window: union for union, members in groups for window in members}


def inside(months: Months, column: str = "period_start") -> pl.Expr:
    """Whether the day in a column lies in the months."""
    day = pl.col(column)
    parts = [
        (day >= pl.lit(first_day(low))) & (day < pl.lit(first_day(high + 1)))
        for low, high in runs(months)
    ]
    return pl.any_horizontal(parts) if parts else pl.lit(value=False)


@dataclass(frozen=True)
class Changes:
    """What was filed since the last run, and what that run had read.

    Attributes:
        tables: the filings as they are now.
        before: the filings as they were.
        changed: by table, the new rows, and the rows in force before of every key they touch.
        fresh: tables that held nothing at the last run.
        reads: by base, the tables it looked at; a base that is not named was never computed.
        new_day: whether the day of the judgement is another one.
    """

    tables: Frames
    before: Frames
    changed: Frames
    fresh: frozenset[str]
    reads: Mapping[str, Collection[str]]
    new_day: bool
    _months: dict[str, Months] = field(default_factory=dict)
    _firms: dict[str, pl.DataFrame] = field(default_factory=dict)

    def scope(
        self, bases: Iterable[Base], whole: Collection[str], filed: Collection[str]
    ) -> dict[str, Months | None]:
        """Months of every grain that must be computed anew.

        Args:
            whole: grains to be computed whole for other reasons.
            filed: tables that hold rows now.
        """
        found: dict[str, Months | None] = dict.fromkeys(whole)
        for base in bases:
            if not set(base.tables) <= set(filed):
                continue
            months = self.affected(base)
            before = found.get(base.grain, frozenset())
            if months is None or before is None:
                found[base.grain] = None
            elif months:
                found[base.grain] = before | months
        return found

    def affected(self, base: Base) -> Months | None:
        """Months of the cells of a base that may differ; None for all."""
        reads = self.reads.get(base.name)
        if reads is None or self.fresh & set(reads):
            return None
        touched = sorted(set(self.changed) & set(reads))
        reach = reach_of(base)
        if reach is None:
            return None if touched or self.new_day else frozenset()
        if self.new_day and reach.clock:
            return None
        months: set[int] = set()
        for name in touched:
            if is_placed(name):
                months |= self._in_time(name)
            elif name == REGISTER and (reach.firms or reach.seats):
                months |= self._of_firms(reads) if reach.firms else frozenset()
                months |= self._of_seats(reads) if reach.seats else frozenset()
            else:
                return None
        return reach.affected(months) if months else frozenset()

    def _in_time(self, name: str) -> Months:
        """Months the changed rows of a table lie in; of all tables that share its key at once."""
        label = FAMILIES.get(name, name)
        if label not in self._months:
            rows = self.changed[name]
            if label != name:
                family = [n for n in sorted(self.changed) if FAMILIES.get(n) == label]
                names = ("app_id", "version") if label == "app_id" else (label,)
                rows = pl.concat([self.changed[n].select(names) for n in family])
            self._months[label] = months_of(name, rows, self.tables, self.before)
        return self._months[label]

    def _of_firms(self, reads: Collection[str]) -> Months:
        """Months of the rows that name a changed firm or one of its group."""
        if "kin" not in self._firms:
            self._firms["kin"] = with_kin(self.tables, self.changed[REGISTER]).collect()
        return self._naming("kin", reads, columns_naming_firms)

    def _of_seats(self, reads: Collection[str]) -> Months:
        """Months of the rows that may take their jurisdiction from a changed firm."""
        if "seats" not in self._firms:
            placed = pl.col(JURISDICTION).is_not_null().any().over("firm_id")
            changed = self.changed[REGISTER].filter(placed)
            self._firms["seats"] = changed.select("firm_id").unique().collect()
        return self._naming("seats", reads, columns_naming_seats)

    def _naming(
        self, kind: str, reads: Collection[str], columns: Callable[[str], list[str]]
    ) -> Months:
        """Months of the rows of these tables that name one of the firms of a kind."""
        firms = self._firms[kind]
        if firms.is_empty():
            return frozenset()
        found: set[int] = set()
        for name in sorted(n for n in reads if is_placed(n) and n in self.tables):
            label = f"{kind} in {name}"
            if label not in self._months:
                rows = naming(self.tables[name], columns(name), firms.lazy())
                self._months[label] = (
                    frozenset() if rows is None else months_of(name, rows, self.tables)
                )
            found |= self._months[label]
        return frozenset(found)
