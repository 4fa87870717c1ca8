"""Optional clauses of a rule: bands, time, silence, evidence, suppression, examples."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from features.vocabulary import Reason
from rules.parameters import Day, Figure, LocalName, Strict

Given = dict[str, Figure | None]
EventRow = dict[LocalName, Figure | list[Figure] | None]
"""One row of a canonical table; some columns hold lists."""
Outcomes = Literal["fired", "clear", "not_evaluable", "out_of_scope"]


class Band(Strict):
    """A graver or lighter severity for part of what fires; the first band that holds counts."""

    when: str
    """Condition in the same language."""
    severity: Annotated[int, Field(ge=1, le=5)]
    """1 (minor) to 5 (grave)."""


class Sustain(Strict):
    """The condition must hold now and in `k` of the last `of` periods, this one among them.

    Periods follow one another without a gap; one that was never filed is unknown.
    """

    k: Annotated[int, Field(ge=1, le=60)]
    """In how many periods at least."""
    of: Annotated[int, Field(ge=2, le=60)]
    """Of how many last periods, this one among them."""

    @model_validator(mode="after")
    def _in_order(self) -> Sustain:
        if self.k > self.of:
            raise ValueError("k is larger than of")
        return self


class Absence(Strict):
    """Silence: rows in `seen` periods one after the other, and then none in `missing` periods.

    A subject fires once, in the last of the missing periods. Only periods in which somebody
    filed are expected of anybody.
    """

    seen: Annotated[int, Field(ge=1, le=60)]
    """Periods filed without a gap before the silence."""
    missing: Annotated[int, Field(ge=1, le=60)] = 1
    """Periods of silence until it fires."""


class Evidence(Strict):
    """What is told besides the figures judged."""

    columns: Annotated[tuple[LocalName, ...], Field(strict=False, max_length=20)] = ()
    """Features and attributes of the grain whose values stand beside the facts."""
    tables: Annotated[tuple[LocalName, ...], Field(strict=False, max_length=10)] = ()
    """Canonical tables whose rows prove the finding."""
    chart: Literal["line", "bar", "band", "none"] = "line"
    """How the figures are drawn over time."""


class Suppression(Strict):
    """Firings that repeat one known already are tagged for a while; none is dropped."""

    by: Annotated[tuple[LocalName, ...], Field(min_length=1, strict=False)]
    """Parts of the subject's key that make firings alike."""
    periods: Annotated[int, Field(ge=1, le=60)]
    """For how many periods after the first."""
    reset_on: Annotated[tuple[Literal["severity_up", "material_change"], ...],
                        Field(strict=False)] = ()  # fmt: skip
    """What ends the quiet at once."""


class RuleTest(Strict):
    """One worked example inside a rule.

    Level ``row``: `given` names features, attributes, ``f__reason``, ``f__n``, the peer columns
    ``f__pct``, ``f__median``, ``f__z``, ``f__peers``, earlier values ``f__prev1`` and
    ``period_start``; what it leaves out is null. A `given` of null says that nothing was filed
    for the period. `before` holds the periods before it, the latest last; null for one in which
    nothing was filed.

    Level ``events``: `tables` holds small source tables by their canonical names; features are
    computed from them as they are from filings, and the row of `subject` in the period that
    starts on `period_start` is judged. `as_of` is the day of the judgement, by default the last
    day of that month.

    Level ``golden``: `golden` names a frozen slice of history beside the rule; every row of it
    must end as it did when it was frozen.

    `params` stands in for parameters.
    """

    name: Annotated[str, Field(min_length=3, max_length=120)]
    """What the example shows."""
    level: Literal["row", "events", "golden"] = "row"
    """Where it starts: features of a row, source tables, or a frozen slice."""
    given: Given | None = None
    """Level row: values by name; null where nothing was filed."""
    before: Annotated[tuple[Given | None, ...], Field(strict=False, max_length=60)] = ()
    """Level row: the periods before, the latest last."""
    tables: dict[LocalName, Annotated[tuple[EventRow, ...], Field(strict=False)]] = Field(
        default_factory=dict
    )
    """Level events: rows of canonical tables."""
    as_of: Day | None = None
    """Level events: the day of the judgement."""
    subject: str | None = None
    """Level events: key of the subject judged."""
    period_start: Day | None = None
    """Level events: first day of the period judged."""
    golden: Annotated[str | None, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,119}$")] = None
    """Level golden: file of the frozen slice, beside the rule."""
    params: dict[str, Figure] = Field(default_factory=dict)
    """Values that stand in for parameters."""
    expect: Outcomes
    """How it must end."""
    severity: Annotated[int | None, Field(ge=1, le=5)] = None
    """The severity it must have."""
    reason: Annotated[Reason | None, Field(strict=False)] = None
    """The reason it must give."""

    @model_validator(mode="after")
    def _fits_its_level(self) -> RuleTest:
        needs = {"row": ("given",), "events": ("tables", "subject", "period_start")}
        said = self.model_fields_set
        for level, names in (*needs.items(), ("golden", ("golden",))):
            if level == self.level:
                missing = [name for name in names if name not in said]
                if missing:
                    raise ValueError(f"an example of level {level} needs " + ", ".join(missing))
            elif found := [name for name in names if name in said]:
                raise ValueError(f"`{found[0]}` belongs to level {level}")
        return self
