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
    """Where the norm holds: a country (`CN`), a union (`EU`) or a part of one (`US-CA`)."""
    instrument: Annotated[Note, Field(min_length=2)]
    """Name of the statute or guideline."""
    article: Annotated[Note, Field(min_length=1)]
    """Article, section or number."""
    in_force_from: Day
    """First day in force."""
    in_force_to: Day | None = None
    """Last day in force; absent while it is."""
    note: Note | None = None
    """What a reader must know about the citation."""

    @model_validator(mode="after")
    def _in_order(self) -> LegalBasis:
        if self.in_force_to is not None and self.in_force_to < self.in_force_from:
            raise ValueError("in_force_to lies before in_force_from")
        return self


class PeerNeed(Strict):
    """How many peers `pct_rank`, `peer_median` and `peer_z` need before they count."""

    min_n: Annotated[int, Field(ge=2)]
    """Fewest peers for `pct_rank`, `peer_median` and `peer_z`; else the row is not evaluable."""


class RuleSpec(Strict):
    """One rule, as written."""

    format: Literal[1] = 1
    """Version of this format."""
    id: RuleId
    """Name of the rule for ever, as its file is called: words of a-z and 0-9 joined by `-`."""
    title: Words
    """What is seen, in a few words, without accusing."""
    version: Version
    """Three numbers, quoted; another condition or limit needs another version."""
    status: Annotated[Status, Field(strict=False)]
    """Stage of life. A local rule stays a draft until people promote it, whatever stands here."""
    owner: Annotated[Note, Field(min_length=2)]
    """Who answers for the rule."""
    reviewers: Annotated[tuple[Note, ...], Field(strict=False)] = ()
    """Who has read it."""
    created: Day
    """Day it was written, quoted."""
    modified: Day
    """Day of its last change, quoted."""
    supersedes: RuleId | None = None
    """Id of the rule it takes the place of."""
    retired_reason: Note | None = None
    """Why it is retired."""
    disclosure: Literal["public", "restricted"] = "public"
    """`restricted` limits are shown only to those who may see them."""
    typology: str
    """Code of the suspicion, one of the typologies."""
    grain: str
    """What one judged row is about."""
    alerts_on: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Grains an alert may be about, best first; the typology's where absent."""
    lane: Annotated[Lane, Field(strict=False)]
    """`legal` for a fact against a statutory limit, `screen` for everything probabilistic."""
    severity: Annotated[int, Field(ge=1, le=5)]
    """1 (minor) to 5 (grave)."""
    legal_basis: Annotated[tuple[LegalBasis, ...], Field(strict=False)]
    """Norms the rule looks after."""
    harm: Words
    """Who is hurt, and how."""
    scope: str | None = None
    """Condition that decides whom the rule is about; others end `out_of_scope`."""
    condition: str
    """What makes a row fire, in the language of conditions."""
    bands: Annotated[tuple[Band, ...], Field(strict=False, max_length=5)] = ()
    """Other severities for part of what fires; the first that holds counts."""
    sustain: Sustain | None = None
    """The condition must hold in several periods."""
    absence: Absence | None = None
    """The rule is about silence; the condition may then be left out."""
    score: str | None = None
    """Number from 0 to 100 that ranks what fired, and nothing else."""
    parameters: dict[LocalName, ParameterSpec] = Field(default_factory=dict)
    """Limits by the name the condition calls them."""
    on_missing: Literal["not_evaluable", "clear"] = "not_evaluable"
    """How a row ends whose condition is unknown."""
    min_support: dict[LocalName, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Fewest cases by feature, or `n` for every feature of the condition."""
    peers: PeerNeed | None = None
    """What statistics among peers need."""
    evidence: Evidence = Evidence()
    """What is told besides the figures judged."""
    message: Words
    """One sentence for the reviewer, with the row's figures in braces."""
    innocent_explanations: Annotated[tuple[Words, ...], Field(min_length=2, strict=False)]
    """Reasons that would clear the subject; at least two."""
    triage: Annotated[tuple[Words, ...], Field(min_length=1, strict=False)]
    """Steps of a reviewer, in order."""
    limits: Annotated[tuple[Sentence, ...], Field(min_length=1, strict=False)]
    """What the rule cannot see."""
    references: Annotated[tuple[Note, ...], Field(min_length=1, strict=False)]
    """Where method and limits come from."""
    max_flag_rate: Annotated[float | None, Field(gt=0, le=1)] = None
    """Largest share of judged rows that may fire; above it one alert is about the rule itself."""
    suppress: Literal["none"] | Suppression = "none"
    """Which repeats are tagged for a while; none is dropped."""
    tests: Annotated[tuple[RuleTest, ...], Field(strict=False)] = ()
    """Worked examples, run by `warden rules test`."""

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
