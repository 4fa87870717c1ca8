"""Whose a subject is: the economic group that is left out of its peers together with it.

Firms of one group are one player, so a firm is never compared with its sisters, nor a listing, an
app or an incident of one firm with those of another firm of the group. A subject made of several
firms (a pair, a cluster) is not compared with subjects it shares a member with.

Subjects that are events among firms or places where firms meet (a tender, a deal, a market) belong
to no one: their bidders and parties are what is judged, so leaving every tender of a bidder out
would leave nobody in a market of few. Of those, only the subject itself is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from detector.lake import Lake, Snapshot
    from features.compute import FeatureFrame

OWNER = "_owner"
"""Helper column of a feature table: owners joined by `|`; null for nobody's subjects."""
KEY = "subject_key"
Kind = Literal["firm", "merchant", "app"]


@dataclass(frozen=True)
class Owned:
    """Where a subject's owner is named: attribute columns tried in order, or its key."""

    columns: tuple[str, ...] = (KEY,)
    kind: Kind = "firm"
    joint: bool = False


_OPERATOR = Owned(("operator_id", KEY))
_MEMBERS = Owned(joint=True)
OWNED: Mapping[str, Owned] = {
    **dict.fromkeys(("firm_q", "firm_y", "buyer_q", "buyer_y", "platform_m", "vendor"), Owned()),
    **dict.fromkeys(("operator_d", "operator_m", "operator_q"), _OPERATOR),
    # The key, because the operator column names only the rows of some of its typologies.
    "operator_y": Owned(),
    **dict.fromkeys(
        ("operator_type_q", "operator_topic_w", "service_pair_m", "metric_cell", "filing"),
        Owned(("operator_id",)),
    ),
    **dict.fromkeys(("incident", "request", "dataset"), Owned(("operator_id",))),
    **dict.fromkeys(("app_v", "app_data_type"), Owned(("operator_id",))),
    "app_m": Owned(kind="app"),
    "app_locale_m": Owned(("app_id",), "app"),
    "market_firm_y": Owned(("firm_id",)),
    **dict.fromkeys(("sku_seller_q", "sku_event", "item_d"), Owned(("seller_id",), "merchant")),
    **dict.fromkeys(("merchant_d", "merchant_w", "merchant_m"), Owned(kind="merchant")),
    "cell": Owned(("pp_seller",), "merchant"),
    "product_m": Owned(("exc_seller", "sqz_firm"), "merchant"),
    "product_q": Owned(("b2b_seller",)),
    "product_pair_m": Owned(("tie_seller",), "merchant"),
    **dict.fromkeys(("pair_y", "pair_q", "group_y", "cluster_m", "path_m"), _MEMBERS),
    "pair_tender": Owned(("firm_a", "firm_b"), joint=True),
}
"""By grain; grains that are not named belong to nobody. No two firms own a row of the others."""


@dataclass(frozen=True)
class Groups:
    """Economic groups as known at one moment: `id`, `group`, of each kind of id.

    Ids that are not named are players of their own. Merchants are called after the group or the
    firm behind them, apps after their operator's.
    """

    tables: Mapping[Kind, pl.DataFrame]

    @classmethod
    def nobody(cls) -> Groups:
        """No group is known."""
        return cls({})

    @classmethod
    def known(cls, lake: Lake, snapshot: Snapshot) -> Groups:
        """The groups filed in the snapshot's firms, merchants and apps."""
        tables = {
            name: lake.scan(snapshot, name)
            for name in ("firms", "merchants", "apps")
            if name in snapshot.versions
        }
        return cls.of(tables)

    @classmethod
    def of(cls, tables: Mapping[str, pl.LazyFrame]) -> Groups:
        """The same from canonical tables; every one of them may be missing."""
        firms = _firms(tables["firms"]) if "firms" in tables else _NONE.clear()
        found: dict[Kind, pl.DataFrame] = {"firm": firms}
        if "merchants" in tables:
            behind = pl.coalesce("group_id", "firm_id")
            rows = _one(tables["merchants"], "merchant_id", behind)
            found["merchant"] = _through(rows, firms)
        if "apps" in tables:
            rows = _one(tables["apps"], "app_id", pl.col("operator_id"))
            found["app"] = _through(rows, firms)
        return cls(found)

    def behind(self, owners: pl.Series, grain: str) -> pl.Series:
        """The economic groups behind the owners of a grain's rows, joined by `|`."""
        owned = OWNED.get(grain)
        kinds = _kinds(owned) if owned else ()
        known = pl.concat([_NONE, *(self.tables[k] for k in kinds if k in self.tables)])
        if known.is_empty() or owners.null_count() == owners.len():
            return owners
        mapping = dict(known.unique("id", keep="first", maintain_order=True).iter_rows())
        distinct = owners.drop_nulls().unique()
        several = distinct.str.contains("|", literal=True)
        alone, many = distinct.filter(~several), distinct.filter(several)
        members = pl.DataFrame({"owners": many, "one": many.str.split("|")}).explode("one")
        joined = members.group_by("owners").agg(
            pl.col("one").replace(mapping).unique().sort().str.join("|")
        )
        told = pl.concat([alone.replace(mapping), joined["one"]])
        names = pl.concat([alone, joined["owners"]])
        return owners.replace_strict(names, told, default=None, return_dtype=pl.String)

    def digest(self) -> str:
        """Names the content; equal groups leave the same subjects out."""
        import hashlib

        h = hashlib.sha256()
        for kind in sorted(self.tables):
            rows = self.tables[kind].sort("id", "group")
            h.update("\0".join([kind, *rows["id"], *rows["group"]]).encode())
        return h.hexdigest()


_NONE = pl.DataFrame(schema={"id": pl.String(), "group": pl.String()})


def _firms(firms: pl.LazyFrame) -> pl.DataFrame:
    """Firms of groups of two or more, as `features.library.groups` counts them."""
    known = _one(firms, "firm_id", pl.col("group_id"))
    return known.filter(pl.len().over("group") > 1)


def _one(rows: pl.LazyFrame, name: str, group: pl.Expr) -> pl.DataFrame:
    named = rows.select(id=pl.col(name).cast(pl.String), group=group.cast(pl.String)).drop_nulls()
    return named.group_by("id").agg(pl.col("group").max()).sort("id").collect()


def _through(rows: pl.DataFrame, firms: pl.DataFrame) -> pl.DataFrame:
    """Groups of ids that are named after a firm: the firm's group where it has one."""
    above = rows.join(firms.rename({"id": "group", "group": "_above"}), on="group", how="left")
    return above.select("id", group=pl.coalesce("_above", "group"))


def with_owners(frame: FeatureFrame) -> FeatureFrame:
    """The table with the helper column `_owner`: ids as filed, whatever group they are of."""
    owned, table = OWNED.get(frame.grain), frame.frame
    if owned is None or OWNER in table.columns:
        return frame
    columns = [c for c in owned.columns if c in table.columns]
    if not columns:
        return frame
    owner = pl.concat_str(columns, separator="|", ignore_nulls=True)
    if not owned.joint:
        owner = pl.coalesce(pl.col(columns).cast(pl.String))
    return replace(frame, frame=table.with_columns(owner.alias(OWNER)))


def _kinds(owned: Owned) -> tuple[Kind, ...]:
    """A seller may be filed as a merchant or as the firm itself."""
    return (owned.kind,) if owned.kind == "firm" else (owned.kind, "firm")
