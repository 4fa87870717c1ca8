"""Filings on Spark: the same feature expressions where one machine is too small.

`compute_features` takes the frames of `filings` as it takes those of the lake; what a base reduces,
Spark reduces, and the features of each subject come back as rows of this process. Needs the extra
``spark`` and Java 17 or newer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from features.errors import WardenError
from features.tables import handed

if TYPE_CHECKING:
    import polars as pl
    from pyspark.sql import SparkSession

    from features.operators import Lazy

SETTINGS = {
    # Civil days are days in UTC, on every engine.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # A division by zero or a failed cast is null with a reason here, not the end of a run.
    "spark.sql.ansi.enabled": "false",
}
"""What results depend on; everything else is the operator's choice."""

CHOSEN = {
    # For every column made, PySpark would ask for and send where in our code it was made: two
    # thirds of all that passes between the processes while a plan is built.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
"""What we choose where the operator does not."""


def open_session(master: str, settings: Mapping[str, str] | None = None) -> SparkSession:
    """A session on a cluster, or on this machine with ``local[2]``.

    Raises:
        WardenError: `missing_extra` where PySpark is not installed.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise WardenError(
            "missing_extra",
            "Spark is not installed.",
            "Install it with: pip install 'marketwarden[spark]'; Java 17 or newer is needed too.",
        ) from error
    builder: Any = SparkSession.builder
    builder = builder.master(master).appName("marketwarden")
    for name, value in {**CHOSEN, **(settings or {}), **SETTINGS}.items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    return session


def filings(session: SparkSession, tables: Mapping[str, pl.LazyFrame]) -> dict[str, Lazy]:
    """The tables of a run, as read from the lake, as frames of the session."""
    return {name: handed(table.collect(), session) for name, table in tables.items()}
