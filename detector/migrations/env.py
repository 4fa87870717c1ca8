"""Runs the revisions on the connection handed over, inside its transaction."""

from __future__ import annotations

from alembic import context

import alerts.approval_tables
import alerts.case_tables  # declares its tables
import alerts.notify.tables  # noqa: F401  the same
import detector.firm_tables  # the same
import detector.lake_tables  # the same
import detector.people.tables  # noqa: F401  the same
from alerts.tables import metadata as alerts_metadata
from detector.tables import metadata as detector_metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=[alerts_metadata, detector_metadata],
    # SQLite can roll schema changes back too once the driver leaves transactions to us
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
