"""Shapes of the search of firms and of the parts of a dossier.

Every list that may be empty has a `reason` beside it: a code that says why, null when it is not.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.alerts import Period, Subject, Text

Reason = Literal["nothing_judged", "no_filings", "no_alerts", "no_links", "no_features", "no_rules"]


def why() -> Any:
    """The reason of an empty part."""
    return Field(title="Why empty", description="null where there is something")


class FirmHit(BaseModel):
    """A firm that fits a search."""

    firm_id: str = Field(title="Firm", examples=["F-00037"])
    name: str | None = Field(title="Name", examples=["Lotus Parasol Journeys"])
    name_zh: str | None = Field(title="Chinese name", examples=["莲池阳伞旅行"])
    aliases: list[str] = Field(title="Other names", description="earlier names and shops")
    roles: list[str] = Field(title="Named as", examples=[["bidder", "firm"]])
    group_id: str | None = Field(title="Economic group")
    country: str | None = Field(title="Country of seat")
    sector: str | None = Field(title="Sector")


class FirmPage(BaseModel):
    """The firms that fit best."""

    items: list[FirmHit]
    more: bool = Field(description="whether others fit, too: narrow the search")
    indexed_at: datetime | None = Field(description="null before the first index")
    current: bool = Field(description="whether nothing was filed since the index was made")


class Known(BaseModel):
    """What a part was read from."""

    firm_id: str
    snapshot_id: str = Field(title="Filings", description="hash of the filings as they are now")
    run_id: str | None = Field(title="Run", description="whose results are in force")
    judged_as_known: str | None = Field(description="moment up to which that run knew filings")


class Alias(BaseModel):
    """Another name."""

    name: str
    learned: datetime | None = Field(description="when a filing first said it; null for shops")
    kind: Literal["earlier_name", "shop"]


class Member(BaseModel):
    """Another firm of the economic group."""

    firm_id: str
    name: str | None
    name_zh: str | None
    country: str | None


class Group(BaseModel):
    """The economic group as filed."""

    group_id: str
    n: int = Field(title="Firms", description="the firm itself counted")
    others: list[Member] = Field(description="the first fifty")


class Stake(BaseModel):
    """A share of the capital of a firm."""

    owner_id: str
    owned_id: str
    pct: float | None = Field(title="Share", json_schema_extra={"unit": "% of the capital"})
    from_: date | None = Field(alias="from", serialization_alias="from")
    to: date | None
    current: bool


class Stakes(BaseModel):
    """Stakes, those that last first."""

    n: int
    stakes: list[Stake] = Field(description="the first fifty")


class Ids(BaseModel):
    """Ids that belong to the firm."""

    n: int
    ids: list[str] = Field(description="the first fifty")


class Owner(BaseModel):
    """The end of the chain of majority owners."""

    firm_id: str
    steps: int


class Identity(BaseModel):
    """Who the firm is."""

    firm_id: str = Field(title="Firm")
    name: str | None = Field(title="Name", description="null where no register names the firm")
    name_zh: str | None = Field(title="Chinese name")
    filed: dict[str, Any] = Field(title="Register", description="the other columns of `firms`")
    aliases: list[Alias]
    judged_as: list[str] = Field(
        description="the economic group, where its firms are judged as one"
    )
    group: Group | None
    owners: Stakes
    owned: Stakes
    ultimate_owner: Owner | None
    shops: Ids
    apps: Ids


class Figure(BaseModel):
    """A key figure and the one number it is compared with."""

    figure: str = Field(examples=["open_alerts"])
    value: float | None
    unit: str = Field(examples=["alerts"])
    beside: float | None
    of: str = Field(examples=["of_all_alerts"])


class Position(BaseModel):
    """Size in a market in one period."""

    period: str | None
    period_start: date | None
    period_end: date | None
    metric: str | None
    firm_id: str
    value: float | None = Field(description="in the metric's own unit")
    currency: str | None
    share: float | None = Field(title="Share", json_schema_extra={"unit": "0-1"})
    basis: Literal["filed", "sizes"] | None = Field(
        description="`filed`, or computed from the `sizes` all firms filed; null without a share"
    )
    firms: int = Field(title="n", description="firms with a position in that market and period")
    filed_on: date | None


class Market(BaseModel):
    """A market of the firm over time."""

    market_id: str
    product: str | None
    geography: str | None
    latest: Position
    points: list[Position] = Field(description="oldest first")


class Markets(BaseModel):
    """The firm's markets, the largest share first."""

    items: list[Market]
    reason: Reason | None = why()


class TableFiled(BaseModel):
    """What one table says about the firm."""

    table: str = Field(examples=["bids"])
    title: str
    roles: dict[str, int] = Field(description="rows in force by the column that names the firm")
    rows: int = Field(title="Rows")
    versions: int = Field(title="Versions", description="rows with everything they said before")
    amended: int = Field(title="Amended", description="rows with more than one version")
    first_happened: str | None
    last_happened: str | None
    first_learned: datetime
    last_learned: datetime


class Filings(BaseModel):
    """The tables that name the firm, the most rows first."""

    items: list[TableFiled]
    reason: Reason | None = why()


class FilingsPart(Filings):
    """The same with what it was read from."""

    known: Known


class Version(BaseModel):
    """One version of a row: what it said, when it happened, when that was learned, and where."""

    learned: datetime = Field(title="Learned")
    happened: str | None = Field(title="Happened", description="a day, or a period as filed")
    batch_id: str
    files: list[str] = Field(title="Source files")
    line: int | None = Field(title="Line")
    changed: list[str] = Field(description="columns that differ from the version before")
    values: dict[str, Any] = Field(
        description="columns with a value; natural persons are keyed hashes"
    )


class FiledRow(BaseModel):
    """One row and all its versions, oldest first."""

    key: dict[str, Any]
    versions: list[Version]


class RowPage(BaseModel):
    """Rows of one table about the firm, the last learned first."""

    known: Known
    table: str
    items: list[FiledRow]
    next_cursor: str | None = Field(description="opaque; null on the last page")
    reason: Reason | None = why()


class AlertLine(BaseModel):
    """One alert about the firm and how it ended."""

    id: str
    typology: str
    title: Text
    message: Text
    subject: Subject
    period: Period
    lane: str
    severity: int
    state: str
    close_reason: str | None
    firing: bool
    blind: bool
    assignee: str | None
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    days: float | None = Field(title="Days to decide", json_schema_extra={"unit": "days"})


class Alerts(BaseModel):
    """The alerts about the firm, its shops, apps, deals, incidents and tenders, newest first."""

    n: int
    by_state: dict[str, int]
    by_reason: dict[str, int] = Field(description="how the closed ones ended")
    items: list[AlertLine] = Field(description="the newest 200")
    reason: Reason | None = why()


class Checked(BaseModel):
    """How much was checked; the map is a part of its own."""

    rules: int = Field(description="rules in force that can be about the firm")
    judged: int = Field(description="of these, how many ended in fired or clear at least once")
    totals: dict[str, int] = Field(description="cells of the map by outcome")
    reason: Reason | None = why()


class Dossier(BaseModel):
    """The first page of a dossier."""

    known: Known
    firm: Identity
    figures: list[Figure]
    markets: Markets
    filings: Filings
    alerts: Alerts
    coverage: Checked


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
