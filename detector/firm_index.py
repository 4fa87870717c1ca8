"""Keeps the entries of the search of firms up to the filings; only what changed is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from detector.database import reading, writing
from detector.dossier.parties import ORGANISATIONS
from detector.firm_tables import firm_entry, firm_index_state
from detector.firm_words import folded_column
from features.contracts import CONTRACTS
from features.jurisdictions import JURISDICTION, covering

if TYPE_CHECKING:
    from detector.database import ReadConnection, WriteConnection
    from detector.lake import Lake, Snapshot
    from detector.system import System

STATE = "firms"
LARGE = frozenset(
    ("transactions", "listing_prices", "price_probes", "reviews", "ranking_samples",
     "visibility", "api_access", "users")
)  # fmt: skip
"""Tables of single events: whom they name, the register of shops and platforms names too."""
KNOWN_AS = {
    "firm_id": "firm", "owner_id": "owner", "owned_id": "firm", "bidder_id": "bidder",
    "winner_id": "bidder", "sub_id": "subcontractor", "buyer_id": "buyer",
    "operator_id": "operator", "platform_id": "platform", "seller_id": "seller",
    "supplier_id": "supplier", "merchant_id": "shop", "merchant_gid": "shop",
    "acquirer_id": "acquirer", "target_id": "target", "party_id": "party",
    "counterparty_id": "counterparty", "vendor": "vendor", "vendor_id": "vendor",
    "requester_id": "requester", "reporter_id": "reporter", "from_id": "payer", "to_id": "payee",
}  # fmt: skip
"""What an organisation is called after the column that names it."""
COLUMNS = ("firm_id", "folded_id", "roles", "name", "name_zh", "group_id", "country", "sector",
           "jurisdiction", "aliases", "search_text")  # fmt: skip
CHUNK = 500
FEW = 2_000
"""Up to so many changed entries, their texts are indexed one by one; beyond, all anew."""


@dataclass(frozen=True)
class Indexed:
    """What became of the index.

    Attributes:
        firms: entries now; added, changed and removed are what was written for it.
        current: nothing was filed since the last time, so nothing was done.
    """

    firms: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    current: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def keep_index(system: System, *, anew: bool = False) -> Indexed:
    """Brings the entries up to the filings; without `anew` only when something was filed."""
    snapshot = system.lake.pin()
    versions = indexed_tables(snapshot)
    with reading(system.engine) as connection:
        state = state_of(connection)
    if state is not None and state["versions"] == versions and not anew:
        return Indexed(state["firms"], current=True)
    wanted = entries(system.lake, snapshot)
    with writing(system.engine) as connection:
        if anew:
            connection.execute(sa.delete(firm_entry))
            _Texts(connection, FEW + 1).finish()
        done = _write(connection, wanted)
        connection.execute(sa.delete(firm_index_state).where(firm_index_state.c.name == STATE))
        row = {"name": STATE, "versions": versions, "firms": done.firms, "at": system.clock()}
        connection.execute(sa.insert(firm_index_state).values(row))
    return done


def indexed_tables(snapshot: Snapshot) -> dict[str, int]:
    """Versions of the tables the entries are made from."""
    return {
        table: version
        for table, version in sorted(snapshot.versions.items())
        if table not in LARGE and any(c.name in ORGANISATIONS for c in CONTRACTS[table].columns)
    }


def state_of(connection: ReadConnection) -> dict[str, Any] | None:
    """What was indexed; None before the first time."""
    query = sa.select(firm_index_state).where(firm_index_state.c.name == STATE)
    row = connection.execute(query).mappings().one_or_none()
    return dict(row) if row else None


def entries(lake: Lake, snapshot: Snapshot) -> pl.DataFrame:
    """One row a firm, sorted by id; columns `COLUMNS`."""
    named = [
        lake.scan(snapshot, table)
        .select(firm_id=pl.col(column), role=pl.lit(KNOWN_AS[column]))
        .drop_nulls()
        .unique()
        for table in indexed_tables(snapshot)
        for column in (c.name for c in CONTRACTS[table].columns if c.name in ORGANISATIONS)
    ]
    if not named:
        return pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String()))
    known = pl.concat([*pl.collect_all(named), _groups(lake, snapshot)]).unique()
    roles = known.group_by("firm_id").agg(roles=pl.col("role").sort().str.join(","))
    about = ("name", "name_zh", "group_id", "country", "sector", JURISDICTION)
    register = lake.scan(snapshot, "firms").select("firm_id", *about).collect()
    joined = roles.join(register, on="firm_id", how="left").join(
        aliases(lake, snapshot), on="firm_id", how="left"
    )
    filled = joined.with_columns(pl.col("aliases").fill_null(""), _reach(joined[JURISDICTION]))
    words = pl.concat_str(
        "firm_id", "name", "name_zh", "aliases", separator="\n", ignore_nulls=True
    )
    told = filled.with_columns(
        folded_id=folded_column(pl.col("firm_id")), search_text=folded_column(words)
    )
    return told.select(COLUMNS).sort("firm_id")


def _reach(places: pl.Series) -> pl.Series:
    """Every code a seat is found by, between commas: `,DE,EU,`."""
    codes = {place: f",{','.join(covering(place))}," for place in places.drop_nulls().unique()}
    return places.replace_strict(codes, default=None, return_dtype=pl.String)


def _groups(lake: Lake, snapshot: Snapshot) -> pl.DataFrame:
    """Economic groups of several firms: they are judged as one, under their own id."""
    rows = lake.scan(snapshot, "firms").group_by(firm_id="group_id").agg(pl.len())
    several = rows.drop_nulls("firm_id").filter(pl.col("len") > 1)
    return several.select("firm_id", role=pl.lit("group")).collect()


def aliases(lake: Lake, snapshot: Snapshot) -> pl.DataFrame:
    """By firm, other names one a line: of earlier filings, its shops, as a vendor; of a group the
    names of its firms."""
    versions = lake.history("firms", {}).select("firm_id", "name", "name_zh")
    now = lake.scan(snapshot, "firms").select("firm_id", "name", "name_zh")
    shops = lake.scan(snapshot, "merchants").select("firm_id", said="merchant_id")
    vendors = lake.scan(snapshot, "vendor_declarations").select(firm_id="vendor_id", said="name")
    earlier = _spoken(versions).join(_spoken(now), on=["firm_id", "said"], how="anti")
    rows = lake.scan(snapshot, "firms").select("group_id", "name", "name_zh")
    members = _spoken(rows.rename({"group_id": "firm_id"}))
    every = pl.concat([earlier, shops, vendors, members]).drop_nulls().unique()
    return every.group_by("firm_id").agg(aliases=pl.col("said").sort().str.join("\n")).collect()


def _spoken(rows: pl.LazyFrame) -> pl.LazyFrame:
    names = [rows.select("firm_id", said=column) for column in ("name", "name_zh")]
    return pl.concat(names).drop_nulls().unique()


def _write(connection: WriteConnection, wanted: pl.DataFrame) -> Indexed:
    query = sa.select(*(firm_entry.c[name] for name in COLUMNS))
    found = connection.execute(query).all()
    kept = pl.DataFrame(found, schema=dict.fromkeys(COLUMNS, pl.String()), orient="row")
    differs = wanted.join(kept, on=list(COLUMNS), how="anti", nulls_equal=True)
    gone = kept.join(wanted, on="firm_id", how="anti")["firm_id"]
    changed = differs.join(kept, on="firm_id", how="semi")["firm_id"]
    texts = _Texts(connection, differs.height + gone.len())
    for part in _chunks([*gone, *changed]):
        texts.forget(part)
        connection.execute(sa.delete(firm_entry).where(firm_entry.c.firm_id.in_(part)))
    for rows in differs.iter_slices(CHUNK):
        connection.execute(sa.insert(firm_entry), rows.to_dicts())
        texts.learn(rows["firm_id"].to_list())
    texts.finish()
    added = differs.height - changed.len()
    return Indexed(wanted.height, added, changed.len(), gone.len())


class _Texts:
    """The index of texts of SQLite, which holds no texts of its own; PostgreSQL keeps its own."""

    def __init__(self, connection: WriteConnection, changes: int) -> None:
        self._connection = connection
        self._own = connection.dialect.name == "sqlite"
        self._whole = changes > FEW

    def forget(self, firms: Sequence[str]) -> None:
        """Takes entries out; they must still stand as they were indexed."""
        if self._own and not self._whole:
            found = sa.select(sa.literal("delete"), firm_entry.c.id, firm_entry.c.search_text)
            self._add(["firm_text", "rowid", "search_text"], found, firms)

    def learn(self, firms: Sequence[str]) -> None:
        """Takes entries in."""
        if self._own and not self._whole:
            found = sa.select(firm_entry.c.id, firm_entry.c.search_text)
            self._add(["rowid", "search_text"], found, firms)

    def finish(self) -> None:
        """Reads every entry anew when many changed: ten times as fast as one by one."""
        if self._whole and self._own:
            self._connection.execute(sa.insert(_TEXT).values(firm_text="rebuild"))
        elif self._whole:
            self._connection.execute(sa.text("ANALYZE firm_entry"))

    def _add(self, into: list[str], found: sa.Select[Any], firms: Sequence[str]) -> None:
        chosen = found.where(firm_entry.c.firm_id.in_(firms))
        self._connection.execute(sa.insert(_TEXT).from_select(into, chosen))


_TEXT = sa.table("firm_text", *(sa.column(n) for n in ("firm_text", "rowid", "search_text")))


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[at : at + CHUNK] for at in range(0, len(values), CHUNK))
