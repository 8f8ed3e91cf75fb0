"""What a caller wants: numbers and names with their place in the audio; and calls without words."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_11"
down_revision = "20261126_10"
branch_labels = None
depends_on = None

ENTRY_KINDS = ("caller", "kind")


def entry_kinds() -> list[str]:
    """Those the store allows now, whatever earlier migrations made of them."""
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_entry_kind'")
    )
    return re.findall(r"'([a-z_]+)'", definition or "")


def allow(kinds: list[str]) -> None:
    op.drop_constraint(op.f("ck_entry_kind"), "entry", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_entry_kind"), "entry", f"kind IN ({listed})")


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    allow(list(dict.fromkeys([*entry_kinds(), *ENTRY_KINDS])))
    empty = sa.text("'[]'::jsonb")
    op.create_table(
        "caller_fact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", choice("kind", "callback", "account", "name"), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "state",
            choice("state", "heard", "confirmed", "rejected", "gone"),
            server_default="heard",
            nullable=False,
        ),
        sa.Column("position", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("places", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("doubts", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("unclear_digits", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("earlier", sa.Text(), server_default="", nullable=False),
        sa.Column("agrees_with_caller_id", sa.Boolean(), nullable=True),
        sa.Column("for_other", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("replaces_id", sa.BigInteger(), nullable=True),
        sa.Column("by_hand_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("value <> ''", name=op.f("ck_caller_fact_value")),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_caller_fact_confidence")),
        sa.CheckConstraint(
            "(state IN ('confirmed', 'rejected')) = (decided_at IS NOT NULL)", name=op.f("ck_caller_fact_decided")
        ),
        sa.CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name=op.f("ck_caller_fact_decided_by")),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name=op.f("fk_caller_fact_recording_id_recording")),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["caller_fact.id"], name=op.f("fk_caller_fact_replaces_id_caller_fact")
        ),
        sa.ForeignKeyConstraint(["by_hand_id"], ["person.id"], name=op.f("fk_caller_fact_by_hand_id_person")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name=op.f("fk_caller_fact_decided_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller_fact")),
        sa.UniqueConstraint("recording_id", "kind", "value", name=op.f("uq_caller_fact_recording_id_kind_value")),
    )
    op.create_index(
        "ix_caller_fact_replaces_id",
        "caller_fact",
        ["replaces_id"],
        postgresql_where=sa.text("replaces_id IS NOT NULL"),
    )
    op.add_column(
        "ticket",
        sa.Column(
            "kind",
            sa.Enum(
                "contact", "hang_up", "silence", "repeated_calls",
                name="kind", native_enum=False, create_constraint=False, length=40,
            ),
            server_default="contact",
            nullable=False,
        ),
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_ticket_kind"), "ticket", "kind IN ('contact', 'hang_up', 'silence', 'repeated_calls')"
    )
    op.create_index(
        "ix_ticket_wordless",
        "ticket",
        ["id"],
        postgresql_where=sa.text("kind <> 'contact' AND state <> 'closed'"),
    )
    op.add_column("intake", sa.Column("heard_segments", sa.Integer(), server_default="0", nullable=False))
    op.add_column("intake", sa.Column("correction_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_intake_correction_id_transcript_correction"),
        "intake",
        "transcript_correction",
        ["correction_id"],
        ["id"],
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_intake_correction_id_transcript_correction"), "intake", type_="foreignkey")
    for column in ("correction_id", "heard_segments"):
        op.drop_column("intake", column)
    op.drop_index("ix_ticket_wordless", "ticket")
    op.drop_constraint(op.f("ck_ticket_kind"), "ticket", type_="check")
    op.drop_column("ticket", "kind")
    op.drop_table("caller_fact")
    allow([kind for kind in entry_kinds() if kind not in ENTRY_KINDS])
