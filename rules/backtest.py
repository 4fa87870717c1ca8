"""What a rule did over a window of history, from the rows its evaluation gave.

Nothing here computes features, reads a home or knows a clock: rows in, figures out. The firing
hash is built of one digest a rule and period, so that a run that judged only some periods anew
still names all of its rows in force.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from features.intervals import wilson
from features.vocabulary import Outcome

FIRINGS: Mapping[str, pl.DataType] = {
    "typology": pl.String(),
    "grain": pl.String(),
    "rule_id": pl.String(),
    "rule_version": pl.String(),
    "period_start": pl.Date(),
    "rows": pl.Int64(),
    "fired": pl.Int64(),
    "digest": pl.String(),
}
"""One row a rule and period: what it judged, and a digest of how."""

KEY = ("subject_key", "period_start")

_RULE = ("typology", "grain", "rule_id", "rule_version")
_FIRED = pl.col("outcome") == Outcome.FIRED.value


@dataclass(frozen=True, slots=True)
class Share:
    """A share `k` of `n` with its Wilson interval of 95 %; without any case all three are null."""

    k: int
    n: int

    @property
    def value(self) -> float | None:
        return self.k / self.n if self.n else None

    def as_dict(self) -> dict[str, float | int | None]:
        low, high = wilson(self.k, self.n) if self.n else (None, None)
        return {"value": self.value, "low": low, "high": high, "n": self.n, "k": self.k}


def outcome_counts(rows: pl.DataFrame) -> dict[str, int]:
    """Number of rows by each of the five outcomes, zeros included."""
    found = dict(rows.group_by("outcome").len().iter_rows())
    return {outcome.value: int(found.get(outcome.value, 0)) for outcome in Outcome}


def flag_rate(rows: pl.DataFrame) -> Share:
    """Share fired of what could be judged, that is fired or clear."""
    counts = outcome_counts(rows)
    fired = counts[Outcome.FIRED]
    return Share(fired, fired + counts[Outcome.CLEAR])


def base_rate(rows: pl.DataFrame) -> Share:
    """Share fired of every subject and period of the grain, judged or not."""
    return Share(outcome_counts(rows)[Outcome.FIRED], rows.height)


def by_period(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Outcomes and flag rate of each period, oldest first."""
    found = []
    for period in rows.sort("period_start").partition_by("period_start", maintain_order=True):
        counts, share = outcome_counts(period), flag_rate(period)
        head = {"period_start": period["period_start"][0], "period_end": period["period_end"].max()}
        found.append({**head, **counts, "flag_rate": share.value})
    return found


def firing_cells(rows: pl.DataFrame) -> pl.DataFrame:
    """A digest a rule and period over the rows of `rules.evaluate.evaluate_rules`.

    Every row counts with subject, outcome, reason and strength; facts count where the rule fired,
    because evaluation may leave the others out. The order of the rows does not matter; status and
    severity do not count, so a draft hashes as it will when it is active.

    Returns:
        Rows of `FIRINGS`, sorted.
    """
    if rows.is_empty():
        return pl.DataFrame(schema=dict(FIRINGS))
    facts = pl.when(_FIRED).then("facts")
    strength = pl.col("strength").cast(pl.String)
    texts = [*map(pl.col, ("subject_key", "outcome", "reason")), strength, facts]
    line = pl.concat_str(_sized(text) for text in texts)
    cells = (
        rows.lazy()
        .select(*_RULE, "period_start", fired=_FIRED, line=line)
        .group_by(*_RULE, "period_start")
        .agg(pl.len().alias("rows"), pl.sum("fired"), pl.col("line").sort().str.join("\n"))
        .sort(*_RULE, "period_start")
        .collect()
    )
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in cells["line"]]
    named = cells.drop("line").with_columns(digest=pl.Series(digests, dtype=pl.String))
    return named.select(pl.col(n).cast(t) for n, t in FIRINGS.items())


def _sized(text: pl.Expr) -> pl.Expr:
    """The text with its length before it, so that no two lists of texts join to the same."""
    return pl.concat_str(
        text.str.len_bytes().cast(pl.String).fill_null("-"), pl.lit(":"), text.fill_null("")
    )


def firing_hash(frame: pl.DataFrame) -> str:
    """SHA-256 of what one rule said about every subject and period of a window.

    Args:
        frame: rows of one rule version, schema `rules.evaluate.RESULT_SCHEMA`.

    Raises:
        ValueError: rows of several rules or versions.
    """
    return hash_of_cells(firing_cells(frame))


def hash_of_cells(cells: pl.DataFrame) -> str:
    """The firing hash of one rule version from its rows of `FIRINGS`.

    Raises:
        ValueError: rows of several rules or versions.
    """
    if cells.select(pl.struct("rule_id", "rule_version").n_unique()).item() > 1:
        raise ValueError("a firing hash is of one version of one rule")
    ordered = cells.sort("period_start").select("period_start", "digest")
    total = hashlib.sha256()
    for start, digest in ordered.iter_rows():
        total.update(f"{start.isoformat()} {digest}\n".encode())
    return total.hexdigest()


def firing_hashes(cells: pl.DataFrame) -> dict[str, str]:
    """The firing hash of every rule, by label ``id@version``, from rows of `FIRINGS`."""
    parts = cells.partition_by("rule_id", "rule_version", as_dict=True)
    return {f"{i}@{v}": hash_of_cells(part) for (i, v), part in sorted(parts.items())}


def fired_keys(rows: pl.DataFrame) -> pl.DataFrame:
    """Subjects and periods a rule fired for."""
    return rows.filter(_FIRED).select(KEY).unique()


def overlap(rows: pl.DataFrame, others: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """How far a rule fires where others do: the Jaccard index of their fired sets.

    Args:
        rows: rows of the rule.
        others: by label, fired subjects and periods of rules of the same grain; or, without the
            column ``period_start``, fired subjects of rules of the same kind of subject.

    Returns:
        The rules it shares a firing with, nearest first: ``rule``, ``level`` (what is compared),
        ``both``, ``fired`` (by the other), ``jaccard``.
    """
    mine = fired_keys(rows)
    found = []
    for label, theirs in sorted(others.items()):
        key = [name for name in KEY if name in theirs.columns]
        own, other = mine.select(key).unique(), theirs.select(key).unique()
        both = own.join(other, on=key, how="semi").height
        if both:
            found.append(
                {
                    "rule": label,
                    "level": "subject and period" if len(key) == len(KEY) else "subject",
                    "both": both,
                    "fired": other.height,
                    "jaccard": both / (own.height + other.height - both),
                }
            )
    return sorted(found, key=lambda one: (-float(one["jaccard"]), str(one["rule"])))


@dataclass(frozen=True)
class Difference:
    """What two evaluations of the same rows disagree on.

    Attributes:
        both: number of subjects and periods fired before and after.
        entered, left: rows fired only after, and only before; strongest first. What left has the
            figures of the evaluation that no longer fires where that has any.
    """

    both: int
    entered: pl.DataFrame
    left: pl.DataFrame

    def as_dict(self, examples: int) -> dict[str, Any]:
        """Counts of firings and of subjects, and the strongest examples of each side."""
        return {
            "both": self.both,
            "entered": self.entered.height,
            "left": self.left.height,
            "subjects_entered": self.entered["subject_key"].n_unique(),
            "subjects_left": self.left["subject_key"].n_unique(),
            "examples": {
                "entered": told(self.entered, examples),
                "left": told(self.left, examples),
            },
        }


def difference(before: pl.DataFrame, after: pl.DataFrame) -> Difference:
    """Who enters and who leaves when a rule changes; both frames are of the same window."""
    old, new = before.filter(_FIRED), after.filter(_FIRED)
    return Difference(
        old.join(new, on=KEY, how="semi").height,
        strongest(new.join(old, on=KEY, how="anti")),
        strongest(old.join(new, on=KEY, how="anti")),
    )


def strongest(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows by strength, the highest first; ties by key."""
    return rows.sort(
        "strength", *KEY, descending=[True, False, False], nulls_last=True, maintain_order=True
    )


def told(rows: pl.DataFrame, examples: int) -> list[dict[str, Any]]:
    """The first rows for people: subject, period, strength, reason in words, facts."""
    columns = ("subject_kind", "subject_key", "period_start", "strength", "message_en", "facts")
    found = rows.head(examples).select(columns).to_dicts()
    return [{**row, "facts": json.loads(row["facts"] or "[]")} for row in found]


def review_hours(fired: int, minutes: float) -> dict[str, Any]:
    """Hours of work the firings ask for, with the assumption it rests on."""
    return {
        "value": round(fired * minutes / 60, 2),
        "minutes_per_firing": minutes,
        "assumption": f"{minutes:g} minutes a firing, each looked at once (setting review_minutes)",
    }


def inside(rows: pl.DataFrame, start: date | None, end: date | None) -> pl.DataFrame:
    """Rows of periods that start in the window, both days included; open ends reach for ever."""
    kept: Iterable[pl.Expr] = [
        *([pl.col("period_start") >= start] if start else []),
        *([pl.col("period_start") <= end] if end else []),
    ]
    return rows.filter(*kept) if kept else rows
