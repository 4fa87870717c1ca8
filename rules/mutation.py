"""Mutation check: would the examples of a rule notice a wrong threshold or operator?

Every number and parameter is nudged up and down by a step, every comparison is made strict or lax
and turned round, AND and OR, plus and minus, times and divided by change places, IN and IS NULL
are turned round, a NOT is left out, and `prev` reads a period more and less. The numbers of
`bands`, `sustain`, `absence`, `min_support` and `peers` are nudged too. A nudge no example notices
has survived. The score only ranks and is not looked at, nor are golden examples, which are frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from features.catalogue import FeatureCatalogue
from features.errors import WardenError
from rules.case_frames import Bench
from rules.cases import NOBODY, benches, mismatch
from rules.load import Rule
from rules.nodes import (
    MOST_PERIODS_BACK,
    And,
    Arithmetic,
    ArithmeticSign,
    Comparator,
    Compare,
    IsNull,
    Member,
    Node,
    Not,
    Number,
    Or,
    Parameter,
    Peer,
    Prev,
    children,
    parameter_names,
    walk,
)
from rules.parameters import ParameterBook
from rules.reader import Place
from rules.trials import Ending, Trial, endings, nudged
from rules.writing import write

_NEIGHBOURS: dict[Comparator, tuple[Comparator, ...]] = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
    "=": ("<>",), "<>": ("=",),
}  # fmt: skip
_SIGNS: dict[ArithmeticSign, ArithmeticSign] = {"+": "-", "-": "+", "*": "/", "/": "*"}
_WAYS = ((-1, "down"), (1, "up"))


@dataclass(frozen=True, slots=True)
class Mutant:
    """One nudge and whether an example failed because of it."""

    rule_id: str
    change: str
    noticed: bool


def mutate(rule: Rule, parameters: ParameterBook, catalogue: FeatureCatalogue) -> list[Mutant]:
    """Try every nudge of a rule against its examples, all in one pass over their rows.

    Raises:
        WardenError: an example names what the grain or the contracts do not have.
    """
    trials = [*_trials(rule, parameters)]
    tables = benches(rule, catalogue)
    noticed = _noticed(rule, trials, tables, catalogue, whole=False)
    # What the outcome does not tell, the reason or the severity may.
    left = [n for n, seen in enumerate(noticed) if not seen]
    if left and any(test.reason or test.severity for test in rule.spec.tests):
        again = _noticed(rule, [trials[n] for n in left], tables, catalogue, whole=True)
        for number, seen in zip(left, again, strict=True):
            noticed[number] = seen
    return [
        Mutant(rule.id, trial.change, seen) for trial, seen in zip(trials, noticed, strict=True)
    ]


def _noticed(
    rule: Rule,
    trials: list[Trial],
    tables: list[Bench],
    catalogue: FeatureCatalogue,
    *,
    whole: bool,
) -> list[bool]:
    found = [False] * len(trials)
    for bench in tables:
        for number, ended in enumerate(_endings(trials, bench, catalogue, whole=whole)):
            found[number] |= ended is None or any(
                _differs(rule, spot.index, ended.get((spot.subject, spot.period_start)), whole)
                for spot in bench.spots
            )
    return found


def _endings(
    trials: list[Trial], bench: Bench, catalogue: FeatureCatalogue, *, whole: bool
) -> list[dict[Any, Ending] | None]:
    """How the rows end under each trial; None for one that cannot be judged at all."""
    try:
        return list(endings(trials, bench, catalogue, whole=whole))
    except WardenError:
        if len(trials) == 1:
            return [None]
        return [
            ended
            for trial in trials
            for ended in _endings([trial], bench, catalogue, whole=whole)
        ]  # fmt: skip


def _differs(rule: Rule, index: int, ended: Ending | None, whole: bool) -> bool:
    test, ended = rule.spec.tests[index], ended or Ending(NOBODY)
    if not whole:
        return ended.outcome != test.expect
    return bool(mismatch(test, ended.outcome, ended.reason, ended.severity))


def _trials(rule: Rule, book: ParameterBook) -> Iterator[Trial]:
    for name in dict.fromkeys(n for _, tree in rule.trees() for n in parameter_names(tree)):
        yield from _moved_parameter(rule, book, name)
    for place, tree in rule.trees():
        if place == ("score",):
            continue
        for changed in _variants(tree):
            where = "band" if place[0] == "bands" else place[0]
            yield Trial(f"{where}: {write(changed)}", _with_tree(rule, place, changed), book)
    for change, spec in _clauses(rule):
        yield Trial(change, replace(rule, spec=rule.spec.model_copy(update=spec)), book)


def _with_tree(rule: Rule, place: Place, tree: Node) -> Rule:
    if place[0] == "bands":
        bands = list(rule.bands)
        bands[int(place[1])] = tree
        return replace(rule, bands=tuple(bands))
    return replace(rule, condition=tree) if place[0] == "condition" else replace(rule, scope=tree)


def _moved_parameter(rule: Rule, book: ParameterBook, name: str) -> Iterator[Trial]:
    """The parameter a step down and up, whether it stands in the rule, in a table or an example."""
    entry = rule.spec.parameters[name]
    sample = entry.value if entry.table is None else book.table(entry.table).rows[0].value
    for sign, way in _WAYS:
        if not isinstance(sample, bool | str) or sign > 0:
            parameters, tables = dict(rule.spec.parameters), dict(book.tables)
            if entry.table is None and entry.value is not None:
                moved = {"value": nudged(entry.value, sign)}
                parameters[name] = entry.model_copy(update=moved)
            elif entry.table is not None:
                table = book.table(entry.table)
                rows = tuple(
                    row.model_copy(update={"value": nudged(row.value, sign)}) for row in table.rows
                )
                tables[entry.table] = table.model_copy(update={"rows": rows})
            spec = rule.spec.model_copy(update={"parameters": parameters})
            changed = replace(rule, spec=spec)
            yield Trial(f":{name} {way}", changed, ParameterBook(tables), (name, sign))


def _clauses(rule: Rule) -> Iterator[tuple[str, dict[str, Any]]]:
    """Numbers outside the expressions, each a step down and up where that means something."""
    spec = rule.spec
    for sign, way in _WAYS:
        for name, least in spec.min_support.items():
            if least + sign >= 1:
                yield (
                    f"min_support {name} {way}",
                    {"min_support": {**spec.min_support, name: least + sign}},
                )
        if spec.peers is not None and spec.peers.min_n + sign > 1:
            moved = spec.peers.model_copy(update={"min_n": spec.peers.min_n + sign})
            yield f"peers min_n {way}", {"peers": moved}
        if (sustain := spec.sustain) is not None:
            if 1 <= sustain.k + sign <= sustain.of:
                moved_k = sustain.model_copy(update={"k": sustain.k + sign})
                yield f"sustain k {way}", {"sustain": moved_k}
            if sustain.of + sign >= max(sustain.k, 2):
                moved_of = sustain.model_copy(update={"of": sustain.of + sign})
                yield f"sustain of {way}", {"sustain": moved_of}
        if (absence := spec.absence) is not None:
            for name in ("seen", "missing"):
                value = getattr(absence, name) + sign
                if value >= 1:
                    yield (
                        f"absence {name} {way}",
                        {"absence": absence.model_copy(update={name: value})},
                    )
        for index, band in enumerate(spec.bands):
            if 1 <= band.severity + sign <= 5:
                bands = list(spec.bands)
                bands[index] = band.model_copy(update={"severity": band.severity + sign})
                yield f"band {index + 1} severity {way}", {"bands": tuple(bands)}


def _variants(tree: Node) -> Iterator[Node]:
    """Every tree that differs from this one in a single place."""
    for node in walk(tree):
        for other in _alternatives(node):
            yield _replaced(tree, node, other)


def _alternatives(node: Node) -> Iterator[Node]:
    match node:
        case Number(value) if value != 0:
            yield from (replace(node, value=float(nudged(value, sign))) for sign in (-1, 1))
        case Compare(op):
            yield from (replace(node, op=other) for other in _NEIGHBOURS[op])
        case And(operands):
            yield Or(operands, node.at)
        case Or(operands):
            yield And(operands, node.at)
        case Not(operand):
            yield operand
        case IsNull() | Member():
            yield Not(node, node.at)
        case Arithmetic(sign):
            yield replace(node, sign=_SIGNS[sign])
        case Prev(_, periods):
            for back in (periods - 1, periods + 1):
                if 1 <= back <= MOST_PERIODS_BACK:
                    yield replace(node, periods=back)
        case _:
            return


def _replaced(tree: Node, old: Node, new: Node) -> Node:
    """A copy of a tree in which one node, found by identity, is another."""
    if tree is old:
        return new
    if isinstance(tree, Peer | Prev | Number | Parameter) or not children(tree):
        return tree
    swap: Callable[[Any], Any] = lambda v: _replaced(v, old, new) if hasattr(v, "at") else v  # noqa: E731
    changes: dict[str, Any] = {}
    for item in fields(tree):
        value = getattr(tree, item.name)
        changes[item.name] = tuple(map(swap, value)) if isinstance(value, tuple) else swap(value)
    return replace(tree, **changes)


def survivors(mutants: list[Mutant]) -> list[Mutant]:
    """Nudges no example noticed."""
    return [mutant for mutant in mutants if not mutant.noticed]


def score(mutants: list[Mutant]) -> float:
    """Share of nudges that were noticed; 1 when there are none."""
    return sum(m.noticed for m in mutants) / len(mutants) if mutants else 1.0
