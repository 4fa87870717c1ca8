"""Alerts are found by parts of their text without reading them all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

ADD = "INSERT INTO alert_words (alert_id, search_text) VALUES (NEW.id, NEW.search_text)"
CHANGE = "UPDATE alert_words SET search_text = NEW.search_text WHERE alert_id = NEW.id"
FORGET = "DELETE FROM alert_words WHERE alert_id = OLD.id"
DIFFERS = "OLD.search_text <> NEW.search_text"
GONE = (
    "INSERT INTO alert_text (alert_text, rowid, search_text)"
    " VALUES ('delete', OLD.n, OLD.search_text)"
)
COME = "INSERT INTO alert_text (rowid, search_text) VALUES (NEW.n, NEW.search_text)"
SQLITE = (
    # pieces only, without their places: a tenth of the size, and the text itself is looked at after
    "CREATE VIRTUAL TABLE alert_text USING fts5(search_text, content='alert_words',"
    " content_rowid='n', tokenize='trigram', detail=none, columnsize=0)",
    "INSERT INTO alert_text (alert_text) VALUES ('rebuild')",
    f"CREATE TRIGGER alert_text_add AFTER INSERT ON alert_words BEGIN {COME}; END",
    f"CREATE TRIGGER alert_text_change AFTER UPDATE ON alert_words BEGIN {GONE}; {COME}; END",
    f"CREATE TRIGGER alert_text_forget AFTER DELETE ON alert_words BEGIN {GONE}; END",
    f"CREATE TRIGGER alert_words_add AFTER INSERT ON alert BEGIN {ADD}; END",
    f"CREATE TRIGGER alert_words_change AFTER UPDATE OF search_text ON alert WHEN {DIFFERS}"
    f" BEGIN {CHANGE}; END",
    f"CREATE TRIGGER alert_words_forget BEFORE DELETE ON alert BEGIN {FORGET}; END",
)
POSTGRESQL = (
    # the function of the search of firms: pieces of three characters, so no extension is needed
    "CREATE INDEX ix_alert_words_grams ON alert_words USING gin (firm_grams(search_text))",
    "CREATE FUNCTION alert_words_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" IF TG_OP = 'INSERT' THEN {ADD}; ELSIF {DIFFERS} THEN {CHANGE}; END IF;"
    " RETURN NULL; END $$",
    "CREATE TRIGGER alert_words_keep AFTER INSERT OR UPDATE OF search_text ON alert"
    " FOR EACH ROW EXECUTE FUNCTION alert_words_keep()",
)


def upgrade() -> None:
    """Creates the table with the text of every alert there is, kept up by the database itself."""
    op.create_table(
        "alert_words",
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column(
            "alert_id",
            sa.String(64),
            sa.ForeignKey("alert.id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("search_text", sa.Text, nullable=False),
    )
    op.execute(
        "INSERT INTO alert_words (alert_id, search_text) SELECT id, search_text FROM alert"
        " ORDER BY id"
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if sqlite else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Drops it; a text is then looked for in every alert."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER alert_words_keep ON alert")
        op.execute("DROP FUNCTION alert_words_keep")
    else:
        for name in ("add", "change", "forget"):
            op.execute(f"DROP TRIGGER alert_words_{name}")
        op.execute("DROP TABLE alert_text")
    op.drop_table("alert_words")
