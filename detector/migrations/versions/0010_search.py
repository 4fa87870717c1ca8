"""The search of firms and saved searches; the index of parts of names of either database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TEXT_OF_SQLITE = (
    "CREATE VIRTUAL TABLE firm_text USING fts5("
    "search_text, content='firm_entry', content_rowid='id', tokenize='trigram')",
)
TEXT_OF_POSTGRESQL = (
    "CREATE FUNCTION firm_grams(t text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE "
    "AS $$ SELECT coalesce(array_agg(DISTINCT substr(t, i, 3)), '{}') "
    "FROM generate_series(1, length(t) - 2) AS i $$",
    "CREATE INDEX ix_firm_entry_grams ON firm_entry USING gin (firm_grams(search_text))",
)
"""Pieces of three characters, so that no extension is needed."""


def upgrade() -> None:
    """Creates the four tables and the index of parts of names."""
    op.create_table(
        "firm_entry",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("firm_id", sa.Text, nullable=False, unique=True),
        sa.Column("folded_id", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("name_zh", sa.Text),
        sa.Column("group_id", sa.Text),
        sa.Column("country", sa.Text),
        sa.Column("sector", sa.Text),
        sa.Column("aliases", sa.Text, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
    )
    op.create_index(
        "ix_firm_entry_folded",
        "firm_entry",
        ["folded_id"],
        postgresql_ops={"folded_id": "text_pattern_ops"},
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in TEXT_OF_SQLITE if sqlite else TEXT_OF_POSTGRESQL:
        op.execute(statement)
    op.create_table(
        "firm_index_state",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("versions", sa.JSON, nullable=False),
        sa.Column("firms", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    _create_searches()


def _create_searches() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("about", sa.String(8), nullable=False),
        sa.Column("query", sa.JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("run_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("about IN ('firms', 'alerts')", name="saved_search_about"),
        sa.CheckConstraint("owner <> '' AND name <> ''", name="saved_search_owner"),
    )
    op.create_index("ix_saved_search_owner", "saved_search", ["owner"])
    op.create_table(
        "saved_search_hit",
        sa.Column("search_id", sa.String(32), sa.ForeignKey("saved_search.id"), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("title", sa.JSON, nullable=False),
        sa.Column("known", sa.Boolean, nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT),
        sa.Column("seen_by", sa.String(128)),
    )
    op.create_index("ix_saved_search_hit_found", "saved_search_hit", ["search_id", "found_at"])


def downgrade() -> None:
    """Drops them: saved searches are lost, the index is made from the filings again."""
    op.drop_table("saved_search_hit")
    op.drop_table("saved_search")
    op.drop_table("firm_index_state")
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        op.execute("DROP TABLE firm_text")
    op.drop_table("firm_entry")
    if not sqlite:
        op.execute("DROP FUNCTION firm_grams(text)")
