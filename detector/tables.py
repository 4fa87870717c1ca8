"""Tables of the machine itself: runs, what is published, the fence, and the lives of rules."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from alerts.tables import Instant

metadata = MetaData()


run = Table(
    "run",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("job", String(64), nullable=False),
    # UTC moment as text, or `manual:<uuid>`: the name of the piece of work, not a time to compute
    Column("slot", String(64), nullable=False),
    Column("attempt", Integer, nullable=False, default=1),
    Column("token", BigInteger, nullable=False, default=0),
    Column("lease_until", Instant),
    Column("heard_at", Instant),
    Column("state", String(16), nullable=False),
    Column("worker", String(255)),
    Column("planned_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("inputs_hash", String(128)),
    Column("outputs_hash", String(128)),
    Column("counts", JSON(none_as_null=True)),
    Column("error", Text),
    Column("note", Text),
    UniqueConstraint("job", "slot", name="uq_run_job_slot"),
    Index("ix_run_state_lease", "state", "lease_until"),
    Index("ix_run_planned", "planned_at"),
)
"""One row per piece of work that fell due or was asked for, whatever became of it."""

publication = Table(
    "publication",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("run_id", String(64), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
)
"""Which run's results are in force, by name: readers follow this pointer and nothing else."""

fence = Table(
    "fence",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""The counter tokens come from; its row lock also makes claims decide one at a time."""


rule_version = Table(
    "rule_version",
    metadata,
    Column("rule_id", String(80), primary_key=True),
    Column("version", String(64), primary_key=True),
    Column("content_hash", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("source", String(16), nullable=False),
    Column("first_seen", Instant, nullable=False),
    CheckConstraint("source IN ('shipped', 'local', 'overlay')", name="rule_version_source"),
)
"""Every text of a rule that ever judged or was proposed; triggers refuse a change of a row."""

rule_event = Table(
    "rule_event",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("rule_id", String(80), nullable=False),
    Column("version", String(64), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", Text),
    Column("data", JSON, nullable=False),
    CheckConstraint("actor <> ''", name="rule_event_actor"),
    ForeignKeyConstraint(
        ["rule_id", "version"],
        ["rule_version.rule_id", "rule_version.version"],
        name="rule_event_version",
    ),
    Index("ix_rule_event_rule", "rule_id", "id"),
)
"""What people and releases decided about rules; never edited, never deleted."""

rule_draft = Table(
    "rule_draft",
    metadata,
    Column("rule_id", String(80), primary_key=True),
    Column("text", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("saved_by", String(128), nullable=False),
    Column("saved_at", Instant, nullable=False),
    Column("revision", Integer, nullable=False),
    CheckConstraint("saved_by <> ''", name="rule_draft_actor"),
)
"""Texts somebody is writing, one a rule; what is decided about is kept as a version instead."""

wealth_batch = Table(
    "wealth_batch",
    metadata,
    Column("stream", String(160), primary_key=True),
    Column("batch", String(96), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("granted", Double, nullable=False),
    Column("level", Double, nullable=False),
    Column("tests", Integer, nullable=False),
    Column("found", Integer, nullable=False),
    Column("most", Integer, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("stream", "place", name="uq_wealth_batch_place"),
    CheckConstraint("level >= 0 AND tests > 0", name="wealth_batch_level"),
)
"""Blocks booked on the long-run budget of false alarms (`detector.wealth`); rows never change."""

lesson = Table(
    "lesson",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("conduct", String(64), nullable=False),
    Column("grain", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("data", JSON, nullable=False),
    Index("ix_lesson_conduct", "conduct", "grain", "id"),
)
"""What reviews taught about the order of the queue, each lesson once."""

alert_replay = Table(
    "alert_replay",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("alert_id", String(64), nullable=False),
    # of the alert that was judged again
    Column("version", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("differences", Integer, nullable=False),
    Column("data", JSON, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("outcome IN ('identical', 'differs')", name="alert_replay_outcome"),
    Index("ix_alert_replay_alert", "alert_id", "id"),
)
"""What judging an alert again gave, each time."""

kept_answer = Table(
    "kept_answer",
    metadata,
    # whose key it is: two people may use the same
    Column("person_id", String(32), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("mark", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("status", Integer),
    Column("headers", JSON),
    Column("body", Text),
    Column("at", Instant, nullable=False),
    CheckConstraint("state IN ('running', 'kept', 'withheld')", name="kept_answer_state"),
    Index("ix_kept_answer_at", "at"),
)
"""Answers to changes sent with an idempotency key, for a day."""
