"""Shapes of the further parts of a dossier: measures, coverage, network, peers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.alerts import Text
from api.schemas.firms import Known, Reason, why


class BandOf(BaseModel):
    """Quantiles of the peers with a value in the same period."""

    p05: float
    q25: float
    median: float
    q75: float
    p95: float
    level: str = Field(description="the stratum; `all` for everybody")


class Point(BaseModel):
    """A feature in one period."""

    period_start: date
    period_end: date
    value: float | str | None
    reason: str | None = Field(description="why there is no value")
    n: int | None = Field(description="sample the value rests on")
    band: BandOf | None
    peers: int = Field(description="peers with a value")
    band_reason: str | None


class Series(BaseModel):
    """One feature of the firm, or of something of its own, over time."""

    feature: str
    title: Text
    unit: str
    direction: str = Field(description="the suspicious side: high, low or none")
    typology: str
    subject_key: str
    points: list[Point]


class GrainSeries(BaseModel):
    """The series of one kind of subject."""

    grain: str
    gathered: bool = Field(
        description="whether a point is the median over the firm's tenders, incidents or other "
        "one-time events of the period; `n` is then how many of them had a value"
    )
    series: list[Series]
    hidden: int = Field(description="further series not shown")


class FirmEvent(BaseModel):
    """Something dated, to stand as a mark in a chart."""

    on: date
    kind: str = Field(examples=["alert_opened", "deal_signed", "amended"])
    about: str = Field(description="the alert, the deal, the other firm, or the table")
    n: int


class Timeline(BaseModel):
    """Measures over time beside the peers' band, and dated events."""

    known: Known
    grains: list[GrainSeries]
    events: list[FirmEvent]
    reason: Reason | None = why()


class Cell(BaseModel):
    """A rule in a period."""

    outcome: str = Field(
        description="the gravest of `subjects`: fired, error, not_evaluable, clear, out_of_scope; "
        "`not_run` where nothing was judged"
    )
    reason: str | None
    subjects: dict[str, int] = Field(description="subjects of the firm by outcome")


class RuleRow(BaseModel):
    """A rule over the columns of a map."""

    rule_id: str
    rule_version: str
    title: Text
    typology: str
    grain: str
    cells: list[Cell]
    why_not: str | None = Field(
        description="the latest reason it was not judged; `no_subject` where no filing makes the "
        "firm a subject of the rule"
    )


class CoverageMap(BaseModel):
    """Rule by period, for one length of period."""

    period: Literal["day", "week", "month", "quarter", "year"]
    columns: list[date] = Field(description="first days, oldest first")
    hidden: int = Field(description="earlier columns left out")
    rules: list[RuleRow]
    totals: dict[str, int]


class Coverage(BaseModel):
    """What was checked, and what was not and why."""

    known: Known
    maps: list[CoverageMap]
    reason: Reason | None = why()


class Node(BaseModel):
    """An organisation of the network."""

    firm_id: str
    name: str | None
    name_zh: str | None
    country: str | None
    step: int = Field(description="links away from the firm: 0 is the firm or a shop of its own")
    open_alerts: int


class Edge(BaseModel):
    """A link; the weight is comparable inside one kind and unit only."""

    a: str
    b: str
    kind: str = Field(examples=["co_bids", "owns", "sells_to", "shared_recipients"])
    directed: bool = Field(description="from a to b")
    weight: float | None
    unit: str | None
    since: date | None
    until: date | None
    detail: str | None


class Network(BaseModel):
    """Organisations up to two links away, the heaviest links first."""

    known: Known
    nodes: list[Node]
    edges: list[Edge]
    found: list[int] = Field(description="organisations found at step 1 and at step 2")
    shown: int
    cap: int
    kinds: dict[str, int] = Field(description="links shown by kind")
    reason: Reason | None = why()


class Compared(BaseModel):
    """A figure the firms were compared by."""

    feature: str
    title: Text
    unit: str
    value: float | None
    peer_median: float | None
    scale: float | None = Field(description="differences are divided by it")
    compared: bool


class SimilarFirm(BaseModel):
    """A firm like the one asked about."""

    firm_id: str
    name: str | None
    name_zh: str | None
    subject_key: str
    distance: float = Field(description="root mean square of scaled differences; 0 is alike")
    shared: int = Field(title="n", description="figures compared")
    open_alerts: int
    values: dict[str, float | None]


class Similar(BaseModel):
    """The firms most like one."""

    by: Literal["profile", "features"]
    typology: str | None
    grain: str
    period_start: date | None
    level: str = Field(description="the stratum the peers are of")
    candidates: int = Field(title="n", description="firms of the stratum")
    enough: bool = Field(description="whether they are enough for a percentile")
    features: list[Compared]
    peers: list[SimilarFirm]


class Peers(BaseModel):
    """Similar firms."""

    known: Known
    similar: Similar | None
    reason: Reason | None = why()


class NewNote(BaseModel):
    """What somebody wants the next to know."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(
        min_length=1,
        max_length=4_000,
        description="Markdown; no names of persons",
        examples=["The operator disputes the definition of the market."],
    )


class Note(BaseModel):
    """A note on a firm; never changed."""

    id: int
    firm_id: str
    text: str
    author: str
    case: str = Field(description="the case its author worked on")
    at: datetime


class Notes(BaseModel):
    """Notes on a firm, the last first; at most 100."""

    items: list[Note]
