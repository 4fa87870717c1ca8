"""Shapes of the search of firms and of the first page of a dossier.

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
