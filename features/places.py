"""When a filed row happened, as months: what cuts a table down to a window.

A row lies in every month any base may count it to. A bid happened when its tender did, and what is
filed about an app when its versions were released, so such tables follow a key. A table without a
place (a register, a dictionary) always takes part whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from features.contracts import CONTRACTS, RECORDED_AT
from features.contracts.references import REFERENCES
from features.reach import Months, first_day, runs

Frames = Mapping[str, pl.LazyFrame]
FIRST, LAST = "_first", "_last"

EVENTS: dict[str, tuple[str, ...]] = {
    "transactions": ("ts",),
    "listing_prices": ("ts",),
    "market_positions": ("period",),
    "breach_notifications": ("aware_at", "notified_at"),
    "reviews": ("ts",),
    "visibility": ("date",),
    "ranking_samples": ("ts",),
    "price_probes": ("ts",),
    "adm_tests": ("tested_on",),
    "api_access": ("ts",),
    "complaints": ("received_on",),
    "consent_metrics": ("period",),
    "dsar_requests": ("received_on",),
    "fees": ("month",),
    "fund_flows": ("ts",),
    "invoices": ("issued", "delivered"),
    "linkage_metrics": ("month",),
    "merchant_presence": ("month",),
    "minor_metrics": ("month",),
    "retention_samples": ("sampled_on",),
    "statements_of_reasons": ("application_date", "created_at"),
    "subscriptions": ("month",),
    "crossborder_transfers": ("date",),
}
"""Tables of events, with the columns any of which may decide the month."""

FAMILIES: dict[str, str] = {
    "tenders": "tender_id",
    "bids": "tender_id",
    "subcontracts": "tender_id",
    "apps": "app_id",
    "data_declarations": "app_id",
    "observed_flows": "app_id",
    "permission_scans": "app_id",
    "sdk_inventory": "app_id",
}
"""Tables that lie in time by a key they share with others."""

SEATED = ("operator_id", "platform_id", "buyer_id", "firm_id")
"""Columns whose firm may lend a row its jurisdiction (`features.jurisdictions`)."""


def is_placed(table: str) -> bool:
    """Whether rows of the table lie in time."""
    return table in EVENTS or table in FAMILIES


class Placed:
    """Filed tables to cut to months; when the things of a key happened is found out once."""

    def __init__(self, tables: Frames) -> None:
        self.tables = tables
        self._spans: dict[str, pl.LazyFrame] = {}
        self._inside: dict[tuple[str, Months], pl.LazyFrame] = {}

    def within(self, table: str, months: Months) -> pl.LazyFrame:
        """Rows of a table that lie in the months; all of them where it has no place."""
        rows = self.tables[table]
        if table in FAMILIES:
            key = FAMILIES[table]
            return rows.join(self.keys(key, months), on=key, how="semi")
        if table not in EVENTS:
            return rows
        simple = _one_moment(table)
        if simple is not None:
            return rows.filter(_moment_in(simple, months))
        return rows.filter(_overlaps(months, *_event_span(table)))

    def keys(self, key: str, months: Months) -> pl.LazyFrame:
        """The values of a key whose things happened in the months."""
        if key not in self._spans:
            self._spans[key] = key_spans(self.tables, key).collect().lazy()
        if (key, months) not in self._inside:
            inside = self._spans[key].filter(_overlaps(months)).select(key)
            self._inside[key, months] = inside.collect().lazy()
        return self._inside[key, months]


def within(tables: Frames, table: str, months: Months) -> pl.LazyFrame:
    """Rows of one table that lie in the months (see `Placed.within`)."""
    return Placed(tables).within(table, months)


def months_of(
    table: str, rows: pl.LazyFrame, tables: Frames, before: Frames | None = None
) -> Months:
    """Months the rows lie in.

    Args:
        rows: of one table; of a table that shares its key with others, rows of any of these.
        tables: all tables, to look the keys of the rows up in.
        before: the tables as they were; what the rows' keys lay in then counts as well.
    """
    if table in FAMILIES:
        key = FAMILIES[table]
        if key == "app_id" and before is not None:
            return _months_of_apps(rows, tables, before)
        return _months_of_keys(key, rows.select(key).unique(), tables, before or {})
    first, last = _event_span(table)
    return _all_months(rows.select(first.alias(FIRST), last.alias(LAST)))


def _months_of_keys(key: str, keys: pl.LazyFrame, tables: Frames, before: Frames) -> Months:
    """All months in which something of the keys happens or happened."""
    families = [_family(frames, key, keys) for frames in (tables, before)]
    parts = [key_spans(f, key) for f in families if f and (key != "tender_id" or "tenders" in f)]
    return _all_months(pl.concat(parts)) if parts else frozenset()


def _all_months(spans: pl.LazyFrame) -> Months:
    found = spans.select(FIRST, LAST).unique().collect()
    return frozenset(m for a, b in found.drop_nulls().iter_rows() for m in range(a, b + 1))


def _months_of_apps(rows: pl.LazyFrame, tables: Frames, before: Frames) -> Months:
    """Months of the versions named in the rows and of the later ones of their apps.

    A version is compared with earlier ones, never with later ones. But all months of an app count
    where a version has no release or no name, or where the app is described in another way than
    before: what a version leaves out is taken from the others.
    """
    filed = rows.select("app_id", pl.col("version").fill_null("")).unique().collect()
    apps = filed.lazy().select("app_id").unique()
    then, now = (_family(frames, "app_id", apps) for frames in (before, tables))
    unnamed = pl.col("version") == ""
    plain = filed.select("app_id").unique()
    vague, dated = [filed.filter(unnamed).select("app_id")], []
    for family in (then, now):
        if "apps" not in family:
            return _months_of_keys("app_id", apps, tables, before)
        releases, loose = (found.collect() for found in _releases(family))
        vague += [loose.select("app_id"), releases.filter(unnamed).select("app_id")]
        dated.append(releases.select("app_id", "version", "at"))
    plain = plain.join(pl.concat(vague).unique(), on="app_id", how="anti")
    described = [_described(family["apps"]).collect() for family in (then, now)]
    plain = plain.join(described[0].join(described[1], on=described[0].columns, how="semi",
                                         nulls_equal=True), on="app_id", how="semi")  # fmt: skip
    moments = pl.concat(dated).join(plain, on="app_id", how="semi")
    first = moments.join(filed, on=["app_id", "version"], how="semi")
    first = first.group_by("app_id").agg(pl.col("at").min().alias(FIRST))
    later = moments.join(first, on="app_id").filter(pl.col("at") >= pl.col(FIRST))
    others = filed.join(plain, on="app_id", how="anti").select("app_id").unique()
    whole = _months_of_keys("app_id", others.lazy(), tables, before) if others.height else set()
    return frozenset(later["at"].unique()) | frozenset(whole)


def _described(apps: pl.LazyFrame) -> pl.LazyFrame:
    """What a version that leaves it out takes from the others of its app."""
    columns = ("app_type", "operator_id", "directed_to_children")
    return apps.group_by("app_id").agg(pl.col(columns).max())


def _family(tables: Frames, key: str, keys: pl.LazyFrame) -> Frames:
    """The tables that share a key, cut to some of the keys."""
    return {
        name: frame.join(keys, on=key, how="semi")
        for name, frame in tables.items()
        if FAMILIES.get(name) == key
    }


def columns_naming_firms(table: str) -> list[str]:
    """Columns of a table that refer to the register of firms."""
    return [
        reference.columns[0]
        for reference in REFERENCES.get(table, ())
        if ("firms", ("firm_id",)) in reference.targets
    ]


def columns_naming_seats(table: str) -> list[str]:
    """Columns of a table whose firm may lend a row its jurisdiction."""
    return [name for name in SEATED if name in CONTRACTS[table].dtypes]


def naming(rows: pl.LazyFrame, columns: Sequence[str], firms: pl.LazyFrame) -> pl.LazyFrame | None:
    """Rows that name one of the firms (`firm_id`) in a column; None without any column."""
    found = [rows.join(firms, left_on=c, right_on="firm_id", how="semi") for c in columns]
    return pl.concat(found) if found else None


def with_kin(tables: Frames, changed: pl.LazyFrame) -> pl.LazyFrame:
    """Ids of changed firms in groups and of all firms of those groups, with their accounts.

    A firm that is and was in no group counts as itself, whether it is registered or not.
    """
    moved = changed.filter(pl.col("group_id").is_not_null().any().over("firm_id"))
    groups = moved.select("group_id").drop_nulls().unique()
    kin = tables["firms"].join(groups, on="group_id", how="semi").select("firm_id")
    found = pl.concat([moved.select("firm_id"), kin]).unique()
    if "merchants" not in tables:
        return found
    accounts = tables["merchants"].join(found, on="firm_id", how="semi")
    return pl.concat([found, accounts.select(firm_id="merchant_id")]).unique()


def key_spans(tables: Frames, key: str) -> pl.LazyFrame:
    """First and last month of everything filed under a key: `key`, `_first`, `_last`."""
    return _SPANS[key](tables)


def _tender_spans(tables: Frames) -> pl.LazyFrame:
    """A lot happened on its award, deadline or call, or those of its tender; else by its bids."""
    lot = pl.col("lot_id").fill_null("").alias("lot")
    day = pl.coalesce(
        pl.col(c).cast(pl.Date) for c in ("awarded_at", "deadline_at", "published_at")
    )
    learned = _month(pl.col(RECORDED_AT).cast(pl.Date))
    tenders = tables["tenders"].select("tender_id", lot, learned.alias("learned"), at=_month(day))
    headed = tenders.filter(pl.col("lot") == "", pl.col("at").is_not_null()).select("tender_id")
    stray = [tenders.filter(pl.col("at").is_null()).select("tender_id")]
    moments = [tenders.select("tender_id", at="learned")]
    if "bids" in tables:
        submitted = _month(pl.col("submitted_at").cast(pl.Date))
        bids = tables["bids"].select("tender_id", lot, learned.alias("learned"), at=submitted)
        listed = tenders.select("tender_id", "lot")
        stray.append(bids.join(listed, on=["tender_id", "lot"], how="anti").select("tender_id"))
        moments += [bids.select("tender_id", "at"), bids.select("tender_id", at="learned")]
    loose = pl.concat(stray).unique().join(headed, on="tender_id", how="anti")
    undated = pl.concat(moments).join(loose, on="tender_id", how="semi")
    return _spans(pl.concat([tenders.select("tender_id", "at"), undated]), "tender_id")


def _app_spans(tables: Frames) -> pl.LazyFrame:
    """A version happened on its release; one without, when it was first seen or learned of."""
    released, undated = _releases(tables)
    moments = [
        released.select("app_id", "at"),
        undated.select("app_id", "at"),
        undated.select("app_id", at="learned"),
    ]
    return _spans(pl.concat(moments), "app_id")


def _releases(tables: Frames) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Released versions with their month, and all that is filed of apps where some are not.

    Columns: `app_id`, `version` (empty for none), `at`; and `app_id`, `at`, `learned`.
    """
    version = pl.col("version").fill_null("").alias("version")
    learned = _month(pl.col(RECORDED_AT).cast(pl.Date)).alias("learned")
    seen: list[pl.LazyFrame] = []
    released = pl.LazyFrame(schema={"app_id": pl.String, "version": pl.String, "at": pl.Int64})
    for name in (n for n in FAMILIES if FAMILIES[n] == "app_id" and n in tables):
        moment = pl.lit(None, dtype=pl.Int64)
        if name == "observed_flows":
            moment = _month(pl.col("ts").cast(pl.Date))
        if name == "apps":
            moment = _month(pl.col("released_at").cast(pl.Date))
        rows = tables[name].select("app_id", version, learned, moment.alias("at"))
        if name == "apps":
            released = rows.drop("learned").drop_nulls("at")
        seen.append(rows)
    everything = pl.concat(seen)
    mentioned = everything.select("app_id", "version").unique()
    named = pl.col("version") != ""
    loose = (
        pl.concat(
            [
                mentioned.filter(named).join(released, on=["app_id", "version"], how="anti"),
                mentioned.join(released, on="app_id", how="anti"),
            ]
        )
        .select("app_id")
        .unique()
    )
    return released, everything.join(loose, on="app_id", how="semi")


_SPANS: dict[str, Callable[[Frames], pl.LazyFrame]] = {
    "tender_id": _tender_spans,
    "app_id": _app_spans,
}


def _spans(moments: pl.LazyFrame, key: str) -> pl.LazyFrame:
    return (
        moments.drop_nulls()
        .group_by(key)
        .agg(pl.col("at").min().alias(FIRST), pl.col("at").max().alias(LAST))
    )


def _event_span(table: str) -> tuple[pl.Expr, pl.Expr]:
    """First and last month of a row; when a date is missing, what we learned counts as well."""
    months = [_filed_month(table, column) for column in EVENTS[table]]
    missing = pl.any_horizontal(m.is_null() for m in months)
    learned = pl.when(missing).then(_month(pl.col(RECORDED_AT).cast(pl.Date)))
    return pl.min_horizontal(*months, learned), pl.max_horizontal(*months, learned)


def _filed_month(table: str, column: str) -> pl.Expr:
    if CONTRACTS[table].dtypes[column] != pl.String:
        return _month(pl.col(column).cast(pl.Date))
    text = pl.col(column)
    quarter = text.str.contains("Q", literal=True)
    inside = (
        pl.when(text.str.len_chars() == 4).then(pl.lit(1))
        .when(quarter).then(3 * text.str.slice(6, 1).cast(pl.Int64, strict=False) - 2)
        .otherwise(text.str.slice(5, 2).cast(pl.Int64, strict=False))
    )  # fmt: skip
    return text.str.slice(0, 4).cast(pl.Int64, strict=False) * 12 + inside - 1


def _month(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int64) * 12 + day.dt.month().cast(pl.Int64) - 1


def _overlaps(months: Months, first: pl.Expr | None = None, last: pl.Expr | None = None) -> pl.Expr:
    """Whether a span has a month in common; a row without any date takes part always."""
    begin = pl.col(FIRST) if first is None else first
    end = pl.col(LAST) if last is None else last
    common = [(begin <= high) & (end >= low) for low, high in runs(months)]
    return pl.any_horizontal(begin.is_null(), *common)


def _one_moment(table: str) -> str | None:
    """The column that alone says when, where every row has it: readers can skip by it."""
    columns = EVENTS[table]
    column = CONTRACTS[table].column(columns[0])
    plain = len(columns) == 1 and not column.nullable and column.dtype != pl.String
    return columns[0] if plain else None


def _moment_in(column: str, months: Months) -> pl.Expr:
    moment = pl.col(column)
    inside = [
        (moment >= pl.lit(first_day(low))) & (moment < pl.lit(first_day(high + 1)))
        for low, high in runs(months)
    ]
    return pl.any_horizontal(inside) if inside else pl.lit(value=False)
