"""The registries of this product's numbers: views, bases, features, memberships and notes.

A *view* is a prepared table several bases share. A *base* is one lazy frame per grain with the
aggregates its features need. A *feature* is one expression over a base, with the metadata a reader,
a rule and a model need. Nothing here reads data.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

import narwhals as nw

from features.errors import WardenError
from features.jurisdictions import JURISDICTION, placed
from features.operators import Lazy
from features.vocabulary import GRAINS, TYPOLOGIES, Direction, Reason

if TYPE_CHECKING:
    from features.tables import Tables

Kind = Literal["number", "bool", "class"]
KEY_COLUMNS: tuple[str, ...] = ("subject_key", "period_start", "period_end")


@dataclass(frozen=True, slots=True)
class Measure:
    """A value and the ordered conditions under which it is undefined.

    Attributes:
        value: the expression; only read where no check holds.
        checks: (condition, reason) pairs; the first that holds names the reason.
    """

    value: nw.Expr
    checks: tuple[tuple[nw.Expr, Reason], ...]


def measure(value: nw.Expr, *checks: tuple[nw.Expr, Reason]) -> Measure:
    """Write a feature's formula together with its edge cases."""
    return Measure(value, checks)


Frame = Callable[["Tables"], Lazy]
Formula = Callable[[], Measure]


@dataclass(frozen=True, slots=True)
class View:
    """A prepared table, computed once in a run and shared by the bases that name it.

    Views run on the streaming engine, so they may count, take extremes and add whole numbers, but
    not add floats; they sort their rows where a base goes on to add floats.
    """

    name: str
    fn: Frame


@dataclass(frozen=True, slots=True)
class Base:
    """One row per subject and period, with attributes and the aggregates of its features.

    Attributes:
        tables: canonical tables without which nothing can be computed.
        attributes: descriptive columns handed on beside the features.
        peers: attribute columns that define peers, coarsest first: jurisdiction, market or kind
            of app, ``size_decile``, channel.
        size: attribute whose tenths among the peers are the ``size_decile``.
    """

    name: str
    grain: str
    tables: tuple[str, ...]
    attributes: tuple[str, ...]
    peers: tuple[str, ...]
    fn: Frame
    size: str = ""


@dataclass(frozen=True, slots=True)
class Feature:
    """One named number (or class) about a subject in a period.

    Attributes:
        inputs: canonical columns it depends on, as ``table.column``.
        direction: the suspicious tail; ``none`` marks context no model may use.
        min_n: the sample size below which nobody is judged by the number, see
            `features.reliance`; 0 where a count of nothing is an answer.
        n: the column of the base holding the sample size.
        source: where formula and direction come from.
        title: short neutral name by language (``en``, ``zh``).
        doc: meaning and formula.
        uses_as_of: depends on the day of the judgement (open cases).
        retrospective: tells what later filings did to a period, so filings of later periods may
            change it: restatements and filings that came late. Every other feature of a period
            stays as it is when later periods are filed.
        peer_adjusted: only meaningful against peers of the same stratum.
        kind: ``bool`` is 1.0 or 0.0; ``class`` is text.
    """

    name: str
    typology: str
    grain: str
    base: str
    inputs: tuple[str, ...]
    unit: str
    direction: Direction
    min_n: int
    n: str
    source: str
    title: dict[str, str]
    doc: str
    uses_as_of: bool
    peer_adjusted: bool
    kind: Kind
    fn: Formula
    retrospective: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """Which coarser subjects a subject belongs to, for rolling suspicions up."""

    child: str
    parent: str
    tables: tuple[str, ...]
    fn: Frame


@dataclass(frozen=True, slots=True)
class Note:
    """A table of things a run must report although they are no feature (unmapped words, ...)."""

    name: str
    typology: str
    tables: tuple[str, ...]
    fn: Frame


def _duplicate(what: str, name: str) -> WardenError:
    return WardenError(
        f"duplicate_{what}",
        f"The {what} '{name}' is defined twice.",
        "Rename one of the two; names are the contract between features, rules and models.",
        "conflict",
    )


@dataclass(slots=True)
class FeatureCatalogue:
    """Everything registered; the library fills one, tests may fill their own."""

    features: dict[str, Feature] = field(default_factory=dict)
    bases: dict[str, Base] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    memberships: dict[tuple[str, str], Membership] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)

    def of_grain(self, grain: str) -> tuple[Feature, ...]:
        """Features at one grain, in the order of their definition."""
        return tuple(f for f in self.features.values() if f.grain == grain)

    def of_typology(self, typology: str) -> tuple[Feature, ...]:
        """Features of one typology, in the order of their definition."""
        return tuple(f for f in self.features.values() if f.typology == typology)

    def of_base(self, base_name: str) -> tuple[Feature, ...]:
        """Features computed from one base."""
        return tuple(f for f in self.features.values() if f.base == base_name)

    def bases_for(
        self, typologies: Iterable[str] | None, also: Iterable[str] = ()
    ) -> tuple[Base, ...]:
        """Bases the asked typologies and the features beside them need; all when ``None``.

        Raises:
            WardenError: ``unknown_typology`` when no such typology exists.
        """
        asked = set(TYPOLOGIES) if typologies is None else set(typologies)
        if unknown := sorted(asked - set(TYPOLOGIES)):
            raise WardenError(
                "unknown_typology",
                f"Unknown typology: {', '.join(unknown)}.",
                f"Known ones: {', '.join(sorted(TYPOLOGIES))}.",
            )
        names = {f.base for f in self.features.values() if f.typology in asked}
        names |= {self.features[name].base for name in also}
        return tuple(b for b in self.bases.values() if b.name in names)

    def add_view(self, entry: View) -> None:
        """Register a view; a second of the same name is an error."""
        if entry.name in self.views:
            raise _duplicate("view", entry.name)
        self.views[entry.name] = entry

    def add_base(self, entry: Base) -> None:
        """Register a base; its grain must be one of the known grains."""
        if entry.name in self.bases:
            raise _duplicate("base", entry.name)
        if entry.grain not in GRAINS:
            raise WardenError("unknown_grain", f"Base '{entry.name}': no grain '{entry.grain}'.")
        self.bases[entry.name] = entry

    def add_feature(self, entry: Feature) -> None:
        """Register a feature of a base that is already registered."""
        if entry.name in self.features:
            raise _duplicate("feature", entry.name)
        if not entry.doc or not entry.source:
            raise WardenError(
                "undocumented_feature", f"Feature '{entry.name}' lacks a docstring or a source."
            )
        self.features[entry.name] = entry


LIBRARY = FeatureCatalogue()
"""What the modules of ``features.library`` register into; read it through `catalogue()`."""


def view(name: str) -> Callable[[Frame], Frame]:
    """Register a shared prepared table."""

    def register(fn: Frame) -> Frame:
        LIBRARY.add_view(View(name, fn))
        return fn

    return register


def base(
    *,
    name: str,
    grain: str,
    tables: tuple[str, ...],
    attributes: tuple[str, ...] = (),
    peers: tuple[str, ...] = (),
    size: str = "",
    under: str = "",
) -> Callable[[Frame], Frame]:
    """Register the function that computes the rows and aggregates of one grain.

    With `under`, a column of its rows that names a firm, the subjects also carry the attribute
    ``jurisdiction``: that of the rows themselves where they have one, else that of the firm.
    """
    told = (*attributes, JURISDICTION) if under else attributes

    def register(fn: Frame) -> Frame:
        rows = placed(fn, under) if under else fn
        LIBRARY.add_base(Base(name, grain, tables, told, peers, rows, size))
        return fn

    return register


def feature(
    *,
    name: str,
    typology: str,
    base: str,
    inputs: tuple[str, ...],
    unit: str,
    direction: Direction,
    n: str,
    source: str,
    title: dict[str, str],
    min_n: int = 1,
    uses_as_of: bool = False,
    peer_adjusted: bool = False,
    retrospective: bool = False,
    kind: Kind = "number",
    doc: str | None = None,
) -> Callable[[Formula], Formula]:
    """Register a formula; its docstring is the meaning readers see."""

    def register(fn: Formula) -> Formula:
        text = doc or (fn.__doc__ or "").strip()
        grain = LIBRARY.bases[base].grain
        LIBRARY.add_feature(
            Feature(
                name,
                typology,
                grain,
                base,
                inputs,
                unit,
                direction,
                min_n,
                n,
                source,
                title,
                text,
                uses_as_of,
                peer_adjusted,
                kind,
                fn,
                retrospective,
            )
        )
        return fn

    return register


def membership(*, child: str, parent: str, tables: tuple[str, ...]) -> Callable[[Frame], Frame]:
    """Register how subjects of one grain roll up to another."""

    def register(fn: Frame) -> Frame:
        if (child, parent) in LIBRARY.memberships:
            raise _duplicate("membership", f"{child} -> {parent}")
        LIBRARY.memberships[(child, parent)] = Membership(child, parent, tables, fn)
        return fn

    return register


def note(*, name: str, typology: str, tables: tuple[str, ...]) -> Callable[[Frame], Frame]:
    """Register a table of findings about the filings themselves."""

    def register(fn: Frame) -> Frame:
        if name in LIBRARY.notes:
            raise _duplicate("note", name)
        LIBRARY.notes[name] = Note(name, typology, tables, fn)
        return fn

    return register


@cache
def catalogue() -> FeatureCatalogue:
    """The whole library, loaded on first use."""
    library = importlib.import_module("features.library")
    for module in sorted(m.name for m in pkgutil.iter_modules(library.__path__)):
        importlib.import_module(f"features.library.{module}")
    _settle(LIBRARY)
    return LIBRARY


def _settle(library: FeatureCatalogue) -> None:
    """Put the entries in an order that does not depend on which module was imported first.

    Columns of frames and pages of the reference follow it: a module somebody imports by itself
    must not move them. Within a module, the order of definition stays.
    """

    def place(entry: View | Base | Feature | Membership | Note) -> str:
        return entry.fn.__module__

    library.views = {e.name: e for e in sorted(library.views.values(), key=place)}
    library.bases = {e.name: e for e in sorted(library.bases.values(), key=place)}
    library.features = {e.name: e for e in sorted(library.features.values(), key=place)}
    library.memberships = {
        (e.child, e.parent): e for e in sorted(library.memberships.values(), key=place)
    }
    library.notes = {e.name: e for e in sorted(library.notes.values(), key=place)}
