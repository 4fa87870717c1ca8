"""The rule format, version 1: what one YAML file may say.

Later versions add keys; none of these changes its meaning. Unknown keys are refused.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from features.vocabulary import GRAINS, TYPOLOGIES, Lane
from rules.clauses import Absence, Band, Evidence, RuleTest, Suppression, Sustain
from rules.parameters import Day, LocalName, Note, ParameterSpec, Strict, Words
from rules.plain import plain_text, stray_braces

RuleId = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Version = Annotated[
    str, Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(\+local\.[0-9a-f]{8})?$")
]
"""Three numbers; behind the plus a shipped rule with figures of the installation (an overlay)."""
Sentence = Annotated[str, Field(min_length=8, max_length=2000), AfterValidator(plain_text)]


class Status(StrEnum):
    """Stage of life: shadow firings are stored apart and never alert."""

    DRAFT = "draft"
    SHADOW = "shadow"
    ACTIVE = "active"
    RETIRED = "retired"


class LegalBasis(Strict):
    """The norm a rule looks after; `in_force_to` is the last day."""

    jurisdiction: Annotated[Note, Field(min_length=2)]
    instrument: Annotated[Note, Field(min_length=2)]
    article: Annotated[Note, Field(min_length=1)]
    in_force_from: Day
    in_force_to: Day | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _in_order(self) -> LegalBasis:
        if self.in_force_to is not None and self.in_force_to < self.in_force_from:
            raise ValueError("in_force_to lies before in_force_from")
        return self


class PeerNeed(Strict):
    """How many peers `pct_rank`, `peer_median` and `peer_z` need before they count."""

    min_n: Annotated[int, Field(ge=2)]


class RuleSpec(Strict):
    """One rule, as written."""

    format: Literal[1] = 1
    id: RuleId
    title: Words
    version: Version
    status: Annotated[Status, Field(strict=False)]
    owner: Annotated[Note, Field(min_length=2)]
    reviewers: Annotated[tuple[Note, ...], Field(strict=False)] = ()
    created: Day
    modified: Day
    supersedes: RuleId | None = None
    retired_reason: Note | None = None
    disclosure: Literal["public", "restricted"] = "public"
    typology: str
    grain: str
    alerts_on: Annotated[tuple[str, ...], Field(strict=False)] = ()
    lane: Annotated[Lane, Field(strict=False)]
    severity: Annotated[int, Field(ge=1, le=5)]
    legal_basis: Annotated[tuple[LegalBasis, ...], Field(strict=False)]
    harm: Words
    scope: str | None = None
    condition: str
    bands: Annotated[tuple[Band, ...], Field(strict=False, max_length=5)] = ()
    sustain: Sustain | None = None
    absence: Absence | None = None
    score: str | None = None
    parameters: dict[LocalName, ParameterSpec] = Field(default_factory=dict)
    on_missing: Literal["not_evaluable", "clear"] = "not_evaluable"
    min_support: dict[LocalName, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    peers: PeerNeed | None = None
    evidence: Evidence = Evidence()
    message: Words
    innocent_explanations: Annotated[tuple[Words, ...], Field(min_length=2, strict=False)]
    triage: Annotated[tuple[Words, ...], Field(min_length=1, strict=False)]
    limits: Annotated[tuple[Sentence, ...], Field(min_length=1, strict=False)]
    references: Annotated[tuple[Note, ...], Field(min_length=1, strict=False)]
    max_flag_rate: Annotated[float | None, Field(gt=0, le=1)] = None
    suppress: Literal["none"] | Suppression = "none"
    tests: Annotated[tuple[RuleTest, ...], Field(strict=False)] = ()

    @model_validator(mode="before")
    @classmethod
    def _silence_needs_no_condition(cls, data: object) -> object:
        """A rule about silence may leave the condition out: whoever is silent fires."""
        if isinstance(data, dict) and "absence" in data and "condition" not in data:
            return {**data, "condition": "TRUE"}
        return data

    @model_validator(mode="after")
    def _one_view_of_time(self) -> RuleSpec:
        if self.sustain is not None and self.absence is not None:
            raise ValueError("a rule has either `sustain` or `absence`")
        return self

    @field_validator("typology")
    @classmethod
    def _known_typology(cls, value: str) -> str:
        if value not in TYPOLOGIES:
            raise ValueError("is not a typology of the catalogue")
        return value

    @field_validator("format", mode="before")
    @classmethod
    def _a_number(cls, value: object) -> object:
        if type(value) is not int:  # true is 1 to a comparison
            raise ValueError("is the number 1")
        return value

    @field_validator("message")
    @classmethod
    def _only_placeholders(cls, value: Words) -> Words:
        if stray_braces(value.en) or stray_braces(value.zh):
            raise ValueError("braces stand only around names, as in {n_bids}")
        return value

    @field_validator("grain", "alerts_on")
    @classmethod
    def _known_grain(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for code in (value,) if isinstance(value, str) else value:
            if code not in GRAINS:
                raise ValueError(f"`{code}` is not a grain of the catalogue")
        return value

    @model_validator(mode="after")
    def _dates_in_order(self) -> RuleSpec:
        if self.modified < self.created:
            raise ValueError("modified lies before created")
        return self

    def alert_grains(self) -> tuple[str, ...]:
        """Grains an alert of this rule may be about, best first."""
        return self.alerts_on or TYPOLOGIES[self.typology].alerts_on
