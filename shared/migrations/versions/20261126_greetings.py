"""Greetings as a product: drafts, checks, approval, pairs, what was heard when, and what somebody else changed."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_13"
down_revision = "20261126_12"
branch_labels = None
depends_on = None

STAMP = sa.DateTime(timezone=True)
NOW = sa.text("now()")
SITUATIONS = ("open", "after_hours", "holiday", "emergency")


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def allow(table: str, constraint: str, column: str, values: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(constraint), table, type_="check")
    op.create_check_constraint(op.f(constraint), table, f"{column} IN ({', '.join(map(repr, values))})")


def alerts() -> list[str]:
    """What the store allows now, whichever migration added it."""
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_alert_kind'")
    )
    return re.findall(r"'([a-z_]+)'::", definition or "")


def upgrade() -> None:
    allow("alert", "ck_alert_kind", "kind", tuple(dict.fromkeys([*alerts(), "greeting"])))
    op.add_column("greeting_version", sa.Column("source", sa.String(40), server_default="upload", nullable=False))
    op.create_check_constraint(
        op.f("ck_greeting_version_source"), "greeting_version", "source IN ('upload', 'record', 'tts', 'adopted')"
    )
    for column in ("treatment", "measured"):
        op.add_column(
            "greeting_version",
            sa.Column(column, postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        )
    op.create_table(
        "greeting_approval",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("decision", choice("decision", "approved", "rejected"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("at", STAMP, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["greeting_version.id"], name=op.f("fk_greeting_approval_version_id_greeting_version")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_greeting_approval_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_greeting_approval")),
    )
    op.create_index("ix_greeting_approval_version_id", "greeting_approval", ["version_id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON greeting_approval "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER never_truncated BEFORE TRUNCATE ON greeting_approval "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "greeting_check",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            choice("state", "waiting", "heard", "no_engine", "failed"),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", STAMP, server_default=NOW, nullable=True),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("language_confidence", sa.Float(), nullable=True),
        sa.Column("wrong_language", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("remarks", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("model_sha256", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("checked_at", STAMP, nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"], ["greeting_version.id"], name=op.f("fk_greeting_check_version_id_greeting_version")
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_greeting_check")),
    )
    op.create_index(
        "ix_greeting_check_waiting",
        "greeting_check",
        ["next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.add_column("greeting_activation", sa.Column("pair_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_greeting_activation_pair_id_greeting_activation"),
        "greeting_activation",
        "greeting_activation",
        ["pair_id"],
        ["id"],
    )
    op.add_column("greeting_activation", sa.Column("alone_because", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "greeting_activation",
        sa.Column("confirmed", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    op.create_table(
        "greeting_drift",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("expected_sha256", sa.Text(), nullable=False),
        sa.Column("found_sha256", sa.Text(), nullable=True),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("noticed_at", STAMP, server_default=NOW, nullable=False),
        sa.Column("decision", choice("decision", "put_back", "adopt"), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", STAMP, nullable=True),
        sa.Column("adopted_version_id", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", STAMP, nullable=True),
        sa.Column("outcome", choice("outcome", "put_back", "replaced", "went_back"), nullable=True),
        sa.CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name=op.f("ck_greeting_drift_settled")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["greeting_version.id"], name=op.f("fk_greeting_drift_version_id_greeting_version")
        ),
        sa.ForeignKeyConstraint(
            ["adopted_version_id"],
            ["greeting_version.id"],
            name=op.f("fk_greeting_drift_adopted_version_id_greeting_version"),
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name=op.f("fk_greeting_drift_decided_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_greeting_drift")),
    )
    op.create_index(
        "uq_greeting_drift_open",
        "greeting_drift",
        ["line", "language", "target"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "greeting_airing",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), server_default="", nullable=False),
        sa.Column("is_fallback", sa.Boolean(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.Column("drift_id", sa.BigInteger(), nullable=True),
        sa.Column("situation", choice("situation", *SITUATIONS), nullable=False),
        sa.Column("started_at", STAMP, nullable=False),
        sa.Column("ended_at", STAMP, nullable=True),
        sa.CheckConstraint("(version_id IS NULL) <> (drift_id IS NULL)", name=op.f("ck_greeting_airing_one_thing")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["greeting_version.id"], name=op.f("fk_greeting_airing_version_id_greeting_version")
        ),
        sa.ForeignKeyConstraint(
            ["drift_id"], ["greeting_drift.id"], name=op.f("fk_greeting_airing_drift_id_greeting_drift")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_greeting_airing")),
    )
    op.create_index(
        "uq_greeting_airing_open",
        "greeting_airing",
        ["line", "language", "target"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_greeting_airing_started_at", "greeting_airing", ["started_at"])
    allow("greeting_live", "ck_greeting_live_state", "state", ("live", "failed", "drifted"))
    # What is live now has been heard since then.
    op.execute(
        "INSERT INTO greeting_airing (line, language, target, is_fallback, version_id, situation, started_at) "
        "SELECT line, language, target, language = 'en', version_id, situation, live_since FROM greeting_live "
        "WHERE version_id IS NOT NULL AND situation IS NOT NULL AND live_since IS NOT NULL AND state = 'live'"
    )
    # An emergency ends by itself: those that were begun without an end get one.
    op.execute(
        "UPDATE greeting_activation a SET ends_at = greatest(now(), a.starts_at) + interval '8 hours' "
        "FROM greeting_slot s WHERE s.id = a.slot_id AND s.situation = 'emergency' AND a.ends_at IS NULL "
        "AND a.cancelled_at IS NULL"
    )


def downgrade() -> None:
    op.execute("DELETE FROM alert WHERE kind = 'greeting'")
    allow("alert", "ck_alert_kind", "kind", tuple(kind for kind in alerts() if kind != "greeting"))
    op.execute(
        "UPDATE greeting_live SET state = 'failed', error = 'changed on the phone system' WHERE state = 'drifted'"
    )
    allow("greeting_live", "ck_greeting_live_state", "state", ("live", "failed"))
    op.drop_table("greeting_airing")
    op.drop_table("greeting_drift")
    for column in ("confirmed", "alone_because"):
        op.drop_column("greeting_activation", column)
    op.drop_constraint(
        op.f("fk_greeting_activation_pair_id_greeting_activation"), "greeting_activation", type_="foreignkey"
    )
    op.drop_column("greeting_activation", "pair_id")
    op.drop_table("greeting_check")
    op.drop_table("greeting_approval")
    op.drop_constraint(op.f("ck_greeting_version_source"), "greeting_version", type_="check")
    for column in ("measured", "treatment", "source"):
        op.drop_column("greeting_version", column)
