"""Tables of what is remembered about a suspicion: the alert as it stands, and every event."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)

metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, aware on both sides; SQLite has no zone, so it keeps the bare UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses a naive time: it would silently mean another moment on another machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a time zone: {value!r}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002  the shape is SQLAlchemy's
    ) -> datetime | None:
        """Always aware, always UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


alert = Table(
    "alert",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    # what was seen: replaced as a whole when a run judges the same subject and period again
    Column("typology", String(64), nullable=False),
    Column("subject_kind", String(32), nullable=False),
    Column("subject_key", Text, nullable=False),
    Column("period_start", Date, nullable=False),
    Column("period_end", Date, nullable=False),
    Column("lane", String(8), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("suspicion", Double, nullable=False),
    Column("p_value", Double),
    Column("q_value", Double),
    Column("title", JSON, nullable=False),
    Column("message", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("models", JSON, nullable=False),
    Column("legal_basis", JSON, nullable=False),
    Column("innocent", JSON, nullable=False),
    Column("not_checked", JSON, nullable=False),
    Column("snapshot_id", String(128)),
    # where it stands: moved by people, and by runs only to reopen or to note that it went quiet
    Column("state", String(16), nullable=False),
    Column("close_reason", String(16)),
    Column("closed_severity", Integer),
    Column("firing", Boolean, nullable=False),
    Column("assignee", String(128)),
    Column("version", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("run_id", String(64), nullable=False),
    # where it comes in the queue
    Column("priority", Double, nullable=False),
    Column("likely", Double, nullable=False),
    Column("harm", Double, nullable=False),
    Column("urgency", Double, nullable=False),
    Column("queue_rank", Double, nullable=False),
    Column("search_text", Text, nullable=False),
    # what exceptions and suppressions said of it: a tag never drops anything
    Column("tags", JSON(none_as_null=True)),
    Column("set_aside", Boolean, nullable=False, server_default=false()),
    # how the rank came about, piece by piece; null for alerts of releases before
    Column("evidence", JSON(none_as_null=True)),
    # whether it lies inside the long-run budget of false alarms, with the level it was held to
    Column("budget", JSON(none_as_null=True)),
    # whether the figures of the machine are kept back until somebody has decided
    Column("blind", Boolean, nullable=False, server_default=false()),
    # how reviews of its kind moved it in the queue; null where its place is that of its figures
    Column("learned", JSON(none_as_null=True)),
    # how the work on it goes
    Column("due_on", Date, nullable=False),
    Column("labels", JSON(none_as_null=True)),
    Column("stale_since", Instant),
    # a closure that another person is to approve
    Column("pending", JSON(none_as_null=True)),
    # whose authorities it concerns, as filed; empty: nothing filed says, null: not looked up yet
    Column("jurisdictions", JSON(none_as_null=True)),
    CheckConstraint(
        "state IN ('open', 'acknowledged', 'in_review', 'escalated', 'closed')",
        name="alert_state",
    ),
    CheckConstraint("(state = 'closed') = (close_reason IS NOT NULL)", name="alert_close_reason"),
    CheckConstraint("lane IN ('legal', 'screen')", name="alert_lane"),
    CheckConstraint("severity BETWEEN 1 AND 5", name="alert_severity"),
    Index("alert_subject", "subject_key"),
    Index("ix_alert_due", "due_on", "id"),
    Index("ix_alert_opened", "opened_at", "id"),
    Index(
        "ix_alert_unplaced",
        "id",
        sqlite_where=text("jurisdictions IS NULL"),
        postgresql_where=text("jurisdictions IS NULL"),
    ),
)

_C = alert.c
_FILTERED = (_C.state, _C.lane, _C.typology, _C.severity, _C.set_aside, _C.assignee)
# pages are read off these in order; what they are filtered by stands in them too
Index("alert_queue", _C.queue_rank.desc(), _C.id, *_FILTERED)
Index("alert_state_queue", _C.state, _C.queue_rank.desc(), _C.id)
Index("alert_typology", _C.typology, _C.queue_rank.desc(), _C.id, _C.state, _C.lane, _C.severity)
Index("ix_alert_assignee", _C.assignee, _C.state, _C.lane, sqlite_where=_C.assignee.is_not(None),
      postgresql_where=_C.assignee.is_not(None))  # fmt: skip
for _name, _has in (("pending", _C.pending), ("stale", _C.stale_since), ("tagged", _C.tags)):
    # what few alerts have is found without reading the others
    _only = _has.is_not(None)
    Index(f"ix_alert_{_name}", _C.queue_rank.desc(), _C.id, sqlite_where=_only,
          postgresql_where=_only)  # fmt: skip
# what the queue is counted by
Index("ix_alert_spread", *_FILTERED, _C.due_on, _C.opened_at)

alert_answer = Table(
    "alert_answer",
    metadata,
    Column("alert_id", String(64), ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    # of the rendering; what another release has kept is not read
    Column("form", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # for whoever may not see restricted limits; null where there are none
    Column("withheld", LargeBinary),
    Column("opened_day", Integer),
    Column("due_day", Integer),
)
"""Alerts as the interface answers them (`alerts.answers`); a trigger deletes the row of an alert
that changes."""

alert_words = Table(
    "alert_words",
    metadata,
    Column("n", Integer, primary_key=True),
    Column(
        "alert_id",
        String(64),
        ForeignKey("alert.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("search_text", Text, nullable=False),
)
"""What free text is looked for in, apart from the alerts; kept up by triggers, with an index of
its pieces of three characters."""

alert_event = Table(
    "alert_event",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("alert_id", String(64), ForeignKey("alert.id"), nullable=False),
    # of the alert once this has happened; a comment changes nothing and keeps it
    Column("version", Integer, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    Column("run_id", String(64)),
    Column("reason", String(32)),
    Column("note", Text),
    Column("data", JSON, nullable=False),
    CheckConstraint("actor <> ''", name="alert_event_actor"),
    Index("alert_event_alert", "alert_id", "id"),
    # what a person did lately
    Index("ix_alert_event_actor", "actor", "id"),
)

alert_label = Table(
    "alert_label",
    metadata,
    Column("label", String(40), primary_key=True),
    Column("alert_id", String(64), ForeignKey("alert.id"), primary_key=True),
    Index("ix_alert_label_alert", "alert_id"),
)
"""The labels of alerts once more, to find alerts by them."""

alert_jurisdiction = Table(
    "alert_jurisdiction",
    metadata,
    Column("alert_id", String(64), ForeignKey("alert.id"), primary_key=True),
    Column("jurisdiction", String(16), primary_key=True),
)
"""Every code by which an alert is within somebody's reach: those filed, and those they lie in."""

queue_view = Table(
    "queue_view",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("name", String(40), nullable=False),
    # the filters as they stand in the address of the queue
    Column("query", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("owner <> '' AND name <> ''", name="queue_view_owner"),
    Index("ix_queue_view_owner", "owner"),
)
"""Views of the queue that people keep for themselves."""

attachment = Table(
    "attachment",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("alert_id", String(64), ForeignKey("alert.id"), nullable=False),
    # the file lies under its hash; the same file twice lies there once
    Column("sha256", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", Integer, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Instant, nullable=False),
    CheckConstraint("size > 0", name="attachment_size"),
    Index("ix_attachment_alert", "alert_id", "id"),
)

tuning_request = Table(
    "tuning_request",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("rule_id", String(80), nullable=False),
    Column("rule_version", String(32), nullable=False),
    Column("alert_id", String(64), ForeignKey("alert.id"), nullable=False),
    Column("note", Text, nullable=False),
    Column("asked_by", String(128), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Index("ix_tuning_request_rule", "rule_id", "id"),
)
"""Alerts sent back to the author of a rule."""

rule_exception = Table(
    "rule_exception",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("rule_id", String(80), nullable=False),
    # one subject, or every subject of a kind
    Column("subject_kind", String(32)),
    Column("subject_key", Text),
    # periods that end on these days are meant, whenever they are judged
    Column("first_day", Date),
    Column("last_day", Date),
    Column("expires", Date, nullable=False),
    Column("owner", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("needs_second", Boolean, nullable=False),
    Column("approved_by", String(128)),
    Column("approved_at", Instant),
    Column("ended_on", Date),
    Column("ended_by", String(128)),
    Column("ended_at", Instant),
    Column("version", Integer, nullable=False),
    CheckConstraint("owner <> '' AND reason <> ''", name="rule_exception_owner"),
    CheckConstraint(
        "subject_kind IS NOT NULL OR subject_key IS NOT NULL", name="rule_exception_scope"
    ),
    Index("ix_rule_exception_rule", "rule_id"),
)

review_draw = Table(
    "review_draw",
    metadata,
    Column("alert_id", String(64), ForeignKey("alert.id"), primary_key=True),
    # `sample`: no run had raised it; `decoy`: an alert of a run shown in the same way beside it
    Column("role", String(8), nullable=False),
    # year and week of the draw; one draw a week, however often it is asked for
    Column("slot", String(16), nullable=False),
    Column("grain", String(32), nullable=False),
    # subjects of the stratum without an alert, and with one, when it was drawn
    Column("population", Integer, nullable=False),
    Column("alerted", Integer, nullable=False),
    Column("probability", Double, nullable=False),
    Column("suspicion", Double),
    Column("run_id", String(64), nullable=False),
    Column("drawn_by", String(128), nullable=False),
    Column("drawn_at", Instant, nullable=False),
    CheckConstraint("role IN ('sample', 'decoy')", name="review_draw_role"),
    CheckConstraint("probability > 0 AND probability <= 1", name="review_draw_probability"),
    Index("ix_review_draw_slot", "slot"),
)
"""Where alerts of the blind review came from. Reviewers are not told: neither queue nor page nor
API reads this table for them."""

weights = Table(
    "weights",
    metadata,
    # hash of the figures; the newest row is the one in force
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("mark", String(16), nullable=False),
    Column("data", JSON, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)
"""What evidence was worth, by the run that first ranked by it; a replay reads it from here."""
