"""One vocabulary for what apps declare and what they are seen to send.

Declarations and flows use the words of their own taxonomy and are compared only through
`data_type_map`; a word without a row there is reported, never dropped or guessed.
"""

from __future__ import annotations

import narwhals as nw

from features.catalogue import note, view
from features.operators import Lazy
from features.parameters.necessary_information import known_words
from features.tables import Tables

NOTHING = "*"
_TYPOLOGY = "PRIV-UNDECLARED-COLLECTION"
TABLES = ("data_declarations", "observed_flows", "data_type_map")


def translated(t: Tables, rows: Lazy) -> Lazy:
    """Add `data_type` from the map to rows with `taxonomy` and `source_type`; null if unmapped."""
    blank = nw.coalesce(nw.col("taxonomy"), nw.lit(""))
    filed = t.get("data_type_map")
    if filed is None:
        return rows.with_columns(
            blank.alias("taxonomy"), nw.lit(None, dtype=nw.String).alias("data_type")
        )
    words = (
        filed.filter(nw.col("source_type") != NOTHING)
        .select(blank.alias("taxonomy"), "source_type", "data_type")
        .unique(["taxonomy", "source_type", "data_type"])
    )
    return rows.with_columns(blank.alias("taxonomy")).join(
        words, on=["taxonomy", "source_type"], how="left"
    )


def personal_words(t: Tables, rows: Lazy) -> Lazy:
    """Add `data_type` (through the map) and `word`, our word for it; both null where unknown.

    A word without a row in the map is still known where it is itself one of our words for
    personal data. A mapped word that is none of ours keeps the map's word.
    """
    known = known_words()
    rows = translated(t, rows)

    def ours(column: str) -> nw.Expr:
        return (
            nw.col(column)
            .str.to_lowercase()
            .replace_strict(list(known), list(known.values()), default=None, return_dtype=nw.String)
        )

    return rows.with_columns(
        nw.coalesce(ours("data_type"), nw.col("data_type"), ours("source_type")).alias("word")
    )


@view("declared_types")
def declared_types(t: Tables) -> Lazy:
    """Filed declarations: `app_id`, `version` (null: all), `taxonomy`, `source_type`, `data_type`,
    `declared`. The word ``*`` files that nothing is collected and stays untranslated."""
    rows = t["data_declarations"].select(
        "app_id",
        "version",
        "taxonomy",
        nw.col("data_type").alias("source_type"),
        nw.coalesce(nw.col("declared"), nw.lit(value=True)).alias("declared"),
    )
    return translated(t, rows.unique())


@view("observed_types")
def observed_types(t: Tables) -> Lazy:
    """Flows by app, version (null: all), word and translated type, with counts of flows and
    sessions, their `bytes` (of the `sized` flows) and whether any carried an identifier."""
    rows = (
        t["observed_flows"]
        .with_columns(nw.coalesce(nw.col("taxonomy"), nw.lit("traffic")).alias("taxonomy"))
        .group_by("app_id", "version", "taxonomy", "data_type")
        .agg(
            nw.len().alias("flows"),
            nw.col("session").n_unique().alias("_sessions"),
            nw.col("session").count().alias("_with_session"),
            nw.col("identified").cast(nw.Int64).max().alias("identified"),
            nw.col("bytes").sum().alias("bytes"),
            nw.col("bytes").count().alias("sized"),
            nw.col("ts").min().alias("first_seen"),
            nw.col("recorded_at").min().alias("recorded_at"),
        )
        .rename({"data_type": "source_type"})
    )
    missing = (nw.col("flows").cast(nw.Int64) > nw.col("_with_session").cast(nw.Int64)).cast(
        nw.Int64
    )
    sessions = nw.col("_sessions").cast(nw.Int64) - missing
    return translated(t, rows.with_columns(sessions.alias("sessions")))


@note(name="unmapped_types", typology=_TYPOLOGY, tables=TABLES)
def unmapped_types(t: Tables) -> Lazy:
    """Words without a row in `data_type_map`: where they occur, in how many apps."""
    seen = t.view("observed_types").with_columns(nw.lit("observed_flows").alias("table"))
    filed = t.view("declared_types").with_columns(nw.lit("data_declarations").alias("table"))
    columns = ("table", "taxonomy", "source_type", "app_id")
    unknown = nw.col("data_type").is_null() & (nw.col("source_type") != NOTHING)
    both = nw.concat([f.filter(unknown).select(*columns) for f in (seen, filed)])
    return both.group_by("table", "taxonomy", "source_type").agg(
        nw.col("app_id").n_unique().alias("apps")
    )
