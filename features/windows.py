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
    columns_naming_firms,
    columns_naming_seats,
    is_placed,
    months_of,
    naming,
    with_kin,
    within,
)
from features.reach import ROLL_UPS, Months, Reach, first_day, reach_of, runs, whole_units
from features.tables import AnyLazy, Tables
from features.vocabulary import RunContext

Scope = Mapping[str, Months | None]
"""Months whose cells are computed, by grain; None for all. Grains left out are not computed."""

REGISTER = "firms"


class Watched(Tables):
    """Tables that note which of them a base looked at, through its views as well."""

    def __init__(
        self, tables: Mapping[str, AnyLazy], context: RunContext, registry: FeatureCatalogue
    ) -> None:
        super().__init__(tables, context, registry)
        self._looking: list[set[str]] = [set()]
        self._behind: dict[str, frozenset[str]] = {}

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

    def native(self) -> dict[str, pl.LazyFrame]:
        """The tables as the engine of this process knows them."""
        return {name: nw.to_native(frame) for name, frame in self._frames.items()}

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
        self._whole, self._filed, self._months = whole, whole.native(), months

    def __getitem__(self, name: str) -> Lazy:
        if name not in self._frames:
            cut = within(self._filed, name, self._months) if name in self._filed else None
            self._frames[name] = self._whole[name] if cut is None else nw.from_native(cut)
        return super().__getitem__(name)

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
    """

    frames: Mapping[str, AnyLazy]
    context: RunContext
    registry: FeatureCatalogue
    scope: Scope | None = None
    _made: dict[Months | None, Watched] = field(default_factory=dict)

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
        if months not in self._made:
            self._made[months] = Windowed(self.whole, months, self.context, self.registry)
        return self._made[months]


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
                rows = pl.concat([self.changed[n].select(label) for n in family])
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
