"""A million conditions by chance: run, refused, and nothing else.

    python -m tests.rules.fuzz --count 1000000 --seed 1

While a condition is read, checked and compiled, an audit hook ends the process with an error on
any file, socket, process, import or compilation of code. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

import narwhals as nw
import polars as pl

from rules.checking import check_condition
from rules.compilation import Compiled, compile_condition
from rules.errors import ExpressionError
from rules.expression import parse_condition
from rules.limits import MAX_LENGTH, MAX_TOKENS
from rules.nodes import Node, walk
from rules.parameters import Threshold
from rules.writing import write
from tests.rules.grammar import NAMES, PARAMETERS, Grammar

_FORBIDDEN = (
    "open", "socket.", "subprocess.", "os.", "shutil.", "exec", "compile", "import", "ctypes.",
    "urllib.", "http.", "ftplib.", "smtplib.", "sqlite3.", "tempfile.", "glob.", "pathlib.",
    "marshal.", "pickle.", "code.", "mmap.", "pty.", "webbrowser.", "builtins.input",
)  # fmt: skip
CAPS = (
    "nested deeper", "more than 200 parts", "too much is nested", "words and signs",
    "longer than",
)  # fmt: skip
"""Why a condition of the grammar may be refused nonetheless."""
_TOO_LONG = (f"longer than {MAX_LENGTH}", f"more than {MAX_TOKENS} words")

THRESHOLDS = {
    "k": Threshold("k", "number", "ratio", nw.lit(0.5), nw.lit("ENG"), 0.5),
    "limit_1": Threshold("limit_1", "number", "", nw.lit(2.0), nw.lit("ENG"), 2.0),
    "word": Threshold("word", "text", "", nw.lit("x"), nw.lit("ENG"), "x"),
}
FRAME = pl.DataFrame(
    {
        "a": [1.0, None, float("inf")], "b": [0.0, 2.0, 1e308], "c": [-1.0, None, float("nan")],
        "part": [0.5, 1.0, 0.0], "wait": [3.0, None, 0.0], "level": ["x", None, "y"],
        "n_bids": [1, 2, None], "category": ["x", "y", None], "is_new": [True, False, None],
        "a__median": [1.0, None, 2.0], "b__z": [None, 1.0, 2.0], "c__pct": [0.1, 0.9, None],
        "a__prev1": [1.0, None, 3.0],
    }
)  # fmt: skip
COLUMNS = frozenset(FRAME.columns)


class Access(BaseException):
    """The language reached for something outside; not an `Exception`, so that none swallows it."""


@dataclass
class Guard:
    """An audit hook that can be armed; hooks cannot be taken off again."""

    armed: bool = False
    seen: list[str] = field(default_factory=list)

    def install(self) -> Guard:
        sys.addaudithook(self)
        return self

    def __call__(self, event: str, details: tuple[Any, ...]) -> None:
        if self.armed and event.startswith(_FORBIDDEN):
            self.armed = False
            self.seen.append(f"{event} {details!r}"[:200])
            raise Access(self.seen[-1])


@dataclass
class Tally:
    """What happened, and the slowest of it in milliseconds of this process's own time."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)
    largest: int = 0
    failures: list[str] = field(default_factory=list)

    def took(self, what: str, started: float, text: str) -> None:
        spent = (time.thread_time() - started) * 1000.0
        if spent > self.slowest.get(what, (0.0, ""))[0]:
            self.slowest[what] = (spent, text)

    def report(self) -> dict[str, Any]:
        slow = {k: {"ms": round(v, 1), "text": t[:300]} for k, (v, t) in self.slowest.items()}
        return {"counts": dict(self.counts), "slowest": slow, "largest_tree": self.largest,
                "failures": self.failures}  # fmt: skip


def bare(node: Node) -> tuple[Any, ...]:
    """A tree without its offsets."""
    parts: list[Any] = [type(node).__name__]
    for item in fields(node):
        value = getattr(node, item.name)
        if item.name == "at":
            continue
        if isinstance(value, tuple):
            parts.append(tuple(bare(v) for v in value))
        else:
            parts.append(bare(value) if hasattr(value, "at") else value)
    return tuple(parts)


def judge(text: str, tally: Tally, *, sound: bool, compute: bool = False) -> None:
    """One condition through the whole door; raises AssertionError for anything unforeseen."""
    started = time.thread_time()
    try:
        tree = parse_condition(text)
    except ExpressionError as error:
        tally.took("refuse", started, text)
        lines = text.split("\n")
        assert error.message, text
        assert 1 <= error.line <= len(lines), (text, error.line)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1, (text, error.column)
        capped = error.message.startswith(CAPS) or any(c in error.message for c in CAPS)
        assert capped or not sound, (text, error.message)
        tally.counts["refused_by_a_cap" if capped else "refused"] += 1
        return
    tally.took("parse", started, text)
    faults = check_condition(tree, NAMES, PARAMETERS)
    assert all(0 <= f.at <= len(text) and f.message for f in faults), text
    _written_again(text, tree, tally)
    if faults:
        tally.counts["refused_by_types"] += 1
        return
    begun = time.thread_time()
    compiled = compile_condition(tree, NAMES, THRESHOLDS, COLUMNS)
    tally.took("compile", begun, text)
    tally.took("parse_check_write_compile", started, text)
    size = sum(1 for _ in walk(tree))
    tally.largest = max(tally.largest, size)
    tally.counts["compiled_of_100_parts_or_more"] += size >= 100
    tally.counts["compiled"] += 1
    if compute:
        _computed(compiled, text)
        tally.counts["computed"] += 1


def _written_again(text: str, tree: Node, tally: Tally) -> None:
    again = write(tree)
    try:
        second = parse_condition(again)
    except ExpressionError as error:
        assert any(why in error.message for why in _TOO_LONG), (text, again, error.message)
        tally.counts["longer_when_written"] += 1
        return
    assert bare(second) == bare(tree), (text, again)


def _computed(compiled: Compiled, text: str) -> None:
    """The engine takes it, and what comes out is a boolean and a strength between 0 and 1."""
    frame = nw.from_native(FRAME.lazy())
    for stage in (compiled.sides, compiled.judgements):
        frame = frame.with_columns(*stage) if stage else frame
    whole = frame.select(
        compiled.truth.alias("t"), compiled.strength.alias("s"), compiled.reason.alias("r")
    )
    found = whole.to_native().collect()
    assert found.schema["t"] in (pl.Boolean, pl.Null), text
    for truth, strength, reason in found.iter_rows():
        assert truth is None or reason is None, text
        assert strength is None or 0.0 <= strength <= 1.0, (text, strength)


def run(count: int, seed: int, guard: Guard | None = None, every: int = 200) -> Tally:
    """Judges `count` conditions, half of them damaged; computes one in `every`.

    Goes on after a failure, so that a long run tells all of them.
    """
    chance, tally = Random(seed), Tally()
    grammar = Grammar(chance)
    for number in range(count):
        if number and number % 50_000 == 0:
            print(number, tally.counts, len(tally.failures), file=sys.stderr, flush=True)
        sound = number % 2 == 0
        text = grammar.condition() if sound else grammar.damaged()
        compute = number % every == 0
        if guard is not None:
            guard.armed = not compute
        try:
            judge(text, tally, sound=sound, compute=compute)
        except Exception as error:  # noqa: BLE001  the point is to see all of them
            if len(tally.failures) < 50:
                tally.failures.append(f"{type(error).__name__} {error} for {text!r}"[:2000])
        finally:
            if guard is not None:
                guard.armed = False
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run(200, 0, every=5)  # what is imported late is imported now
    gc.collect()
    gc.freeze()  # what is there already is not gone through again while a condition is timed
    guard = Guard().install()
    started = time.perf_counter()
    tally = run(options.count, options.seed, guard)
    seconds = time.perf_counter() - started
    print(json.dumps(
        {"count": options.count, "seed": options.seed, "seconds": round(seconds, 1)}
        | tally.report() | {"outside": guard.seen}, indent=1, ensure_ascii=False,
    ))  # fmt: skip
    sys.exit(bool(tally.failures or guard.seen))


if __name__ == "__main__":
    main()
