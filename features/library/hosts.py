"""Who receives what an app sends: hosts brought to organisations, words to one vocabulary."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import view
from features.library.words import personal_words
from features.operators import Lazy
from features.parameters.purposes import known_purposes
from features.parameters.recipients import HOSTS
from features.tables import Tables


def _owner(t: Tables, host: nw.Expr) -> tuple[nw.Expr, nw.Expr]:
    """Organisation and use of a host by the longest domain in force; null where none fits."""
    day = t.context.as_of
    known = [h for h in HOSTS if h.valid_from <= day and (h.valid_to is None or day <= h.valid_to)]
    owner: nw.Expr = nw.lit(None, dtype=nw.String)
    use: nw.Expr = nw.lit(None, dtype=nw.String)
    for h in sorted(known, key=lambda h: len(h.domain)):
        fits = (host == h.domain) | host.str.ends_with(f".{h.domain}")
        owner = nw.when(fits).then(nw.lit(h.organisation)).otherwise(owner)
        use = nw.when(fits).then(nw.lit(h.use)).otherwise(use)
    return owner, use


@view("host_names")
def host_names(t: Tables) -> Lazy:
    """Every host or name of a recipient that is filed: `host` (lower case), `owner`, `use`."""
    filed = (
        ("observed_flows", ("domain", "recipient")),
        ("data_declarations", ("recipient",)),
        ("sdk_inventory", ("domain", "recipient")),
    )
    parts = [
        rows.select(nw.col(c).str.to_lowercase().alias("host"))
        for name, columns in filed
        if (rows := t.get(name)) is not None
        for c in columns
    ]
    hosts = nw.concat(parts).filter(~nw.col("host").is_null()).unique()
    owner, use = _owner(t, nw.col("host"))
    return hosts.with_columns(owner.alias("owner"), use.alias("use"))


def with_owner(t: Tables, rows: Lazy, column: str, prefix: str) -> Lazy:
    """Add `{prefix}_owner` and `{prefix}_use` of the host or name in a column."""
    names = t.view("host_names").rename(
        {"host": "_host", "owner": f"{prefix}_owner", "use": f"{prefix}_use"}
    )
    lower = rows.with_columns(nw.col(column).str.to_lowercase().alias("_host"))
    return lower.join(names, on="_host", how="left").drop("_host")


def organisation(recipient: str, prefix: str, fallback: nw.Expr | None = None) -> nw.Expr:
    """The owner of the named recipient, else its own name, else `fallback`; null: unresolved."""
    named = (nw.col(f"{prefix}_owner"), nw.col(recipient).str.to_lowercase())
    return nw.coalesce(*named, *(() if fallback is None else (fallback,)))


@view("flow_facts")
def flow_facts(t: Tables) -> Lazy:
    """Flows counted by what matters about them.

    Columns: `app_id`, `version` (null: all), `session`, `phase`, `source_type`, `data_type`
    (through the map, null if unmapped), `word` (our word), `host`, `organisation` (null where
    unresolved), `use`, `purpose` (null where unknown), `country`, `requests`.
    """
    own = ("app_id", "version", "session", "phase", "taxonomy", "data_type", "domain",
           "recipient", "purpose_observed", "country")  # fmt: skip
    flows = t["observed_flows"].with_columns(
        nw.coalesce(nw.col("taxonomy"), nw.lit("traffic")).alias("taxonomy")
    )
    counted = flows.group_by(*own).agg(nw.len().cast(nw.Int64).alias("requests"))
    rows = personal_words(t, counted.rename({"data_type": "source_type"}))
    rows = with_owner(t, with_owner(t, rows, "recipient", "r"), "domain", "d")
    return rows.with_columns(
        organisation("recipient", "r", nw.col("d_owner")).alias("organisation"),
        nw.coalesce(nw.col("d_use"), nw.col("r_use")).alias("use"),
        nw.coalesce(nw.col("domain"), nw.col("recipient")).str.to_lowercase().alias("host"),
        purpose("purpose_observed").alias("purpose"),
    ).select("app_id", "version", "session", "phase", "source_type", "data_type", "word", "host",
             "organisation", "use", "purpose", "country", "requests")  # fmt: skip


def purpose(column: str) -> nw.Expr:
    """One of the purposes that are compared; null for any other word."""
    known = known_purposes()
    return (
        nw.col(column)
        .str.to_lowercase()
        .replace_strict(list(known), list(known.values()), default=None, return_dtype=nw.String)
    )
