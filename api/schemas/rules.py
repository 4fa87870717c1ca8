"""Shapes of rules, their versions and decisions, of findings, examples and exceptions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerts.lifecycle import LONGEST_NOTE
from rules.reader import MAX_BYTES

Text = dict[str, str]
RULE_ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
VERSION = r"^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(\+local\.[0-9a-f]{8})?$"


class Asked(BaseModel):
    """A request body: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Label(BaseModel):
    """A version and the hash of its text."""

    version: str
    content_hash: str


class Candidate(Label):
    """Today's text: that of the file, with the overlay where there is one."""

    status: str
    source: str


class Rule(BaseModel):
    """One rule: what is live, what is in shadow beside it, what its file says."""

    id: str
    title: Text
    version: str
    status: Literal["draft", "shadow", "active", "retired"]
    source: Literal["shipped", "local", "overlay"]
    typology: str
    grain: str
    lane: str
    severity: int
    owner: str
    live: Label | None
    shadow: Label | None
    candidate: Candidate
    governed: bool = Field(description="whether a person of the installation decided about it")
    number: int = Field(description="of the last decision, also the ETag")


class RuleList(BaseModel):
    """Rules in the order of their ids."""

    items: list[Rule]


class RuleDecision(BaseModel):
    """One thing that was decided; `release` is the actor of what came with the software."""

    number: int
    rule: str
    version: str
    content_hash: str
    kind: str
    actor: str
    at: datetime
    note: str | None
    data: dict[str, Any]


class RuleDetail(Rule):
    """A rule with all that was decided about it, oldest first."""

    versions: list[str]
    history: list[RuleDecision]
    bunching: list[dict[str, Any]] = Field(
        description="values just inside its limits, as the last drift report counted them"
    )


class RuleVersion(BaseModel):
    """One version with the text it judged by."""

    id: str
    version: str
    content_hash: str
    status: str
    source: str
    first_seen: datetime | None
    text: str


class RuleVersions(BaseModel):
    """Versions of a rule, oldest first."""

    items: list[RuleVersion]


class TextDiff(BaseModel):
    """From one version to what counts today, as a unified diff; empty when they are equal."""

    rule: str
    version: str
    today: str
    diff: list[str]


class FiredText(BaseModel):
    """The text a rule of an alert fired with, and what has changed in it since."""

    id: str
    version: str
    text: str
    today: str | None = Field(description="the live version now; null when none is live")
    diff: list[str] = Field(description="unified, from the text to today's; empty when equal")


class FiredTexts(BaseModel):
    """Rules of one alert."""

    items: list[FiredText]


class Promotion(Asked):
    """A step of a rule: into shadow with a report, or, by a second person, live."""

    to: Literal["shadow", "active"]
    note: str | None = Field(default=None, max_length=LONGEST_NOTE)
    version: str | None = Field(default=None, pattern=VERSION)
    content_hash: str | None = Field(default=None, description="of the text that was read")
    report: dict[str, Any] | None = Field(default=None, description="answer of a backtest")


class Retirement(Asked):
    """Takes a rule out of use, or only the named one of two versions in use."""

    note: str = Field(min_length=1, max_length=LONGEST_NOTE)
    version: str | None = Field(default=None, pattern=VERSION)


class RollBack(Asked):
    """Makes live again what was live before."""

    note: str | None = Field(default=None, max_length=LONGEST_NOTE)


class Typed(BaseModel):
    """A whole rule file as somebody typed it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=MAX_BYTES)


class Issue(BaseModel):
    """One finding, with its place in the text."""

    line: int
    column: int
    code: str
    severity: Literal["error", "warning"]
    message: str
    hint: str
    rule: str


class Issues(BaseModel):
    """Everything lint has to say, in the order of the text."""

    items: list[Issue]


class Example(BaseModel):
    """How one example of a rule ended."""

    name: str
    level: str
    passed: bool
    expected: str
    outcome: str
    detail: str


class Examples(BaseModel):
    """Examples of a rule, in its order."""

    items: list[Example]


class Window(Asked):
    """Which periods of history; open where null."""

    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(default=None, alias="to")
    known_as_of: datetime | None = None
    version: str | None = Field(default=None, pattern=VERSION)


class Backtest(Window):
    """A question to history; `set` moves parameters."""

    set: list[str] = Field(default=[], max_length=10, examples=[["max_cv=0.03"]])


class Comparison(Window):
    """Another version, or another rule of the same grain, to compare with."""

    rule: str | None = Field(default=None, pattern=RULE_ID)


class Hidden(BaseModel):
    """What an exception covers now."""

    alerts: int
    set_aside: int
    worst_severity: int | None
    firings: int


class RuleException(BaseModel):
    """Firings of a rule that are known and answered for, for a while."""

    id: int
    rule: str
    subject: dict[str, str | None]
    period: dict[str, date | None]
    expires: date
    until: date = Field(description="last day on which a covered period may end")
    owner: str
    reason: str
    in_force: bool
    added_by: str
    added_at: datetime
    needs_second: bool
    approved_by: str | None
    ended_on: date | None
    ended_by: str | None
    version: int = Field(description="also the ETag")


class RuleExceptionReport(RuleException):
    """An exception with what it has hidden."""

    hidden: Hidden


class RuleExceptions(BaseModel):
    """Exceptions, oldest first, ended and expired ones too."""

    items: list[RuleExceptionReport]


class NewException(Asked):
    """One subject, or every subject of a kind; it expires in 90 days unless it says."""

    rule: str = Field(pattern=RULE_ID, max_length=80)
    reason: str = Field(min_length=1, max_length=LONGEST_NOTE)
    owner: str | None = Field(default=None, max_length=80, description="the actor by default")
    subject_kind: str | None = Field(default=None, max_length=32)
    subject_key: str | None = Field(default=None, max_length=400)
    first_day: date | None = None
    last_day: date | None = None
    expires: date | None = None


class Ending(Asked):
    """The last day covered; today when null."""

    on: date | None = None
