"""What people corrected, for the model to learn from; and further topics of one ticket."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261127_06"
down_revision: str | None = "20261127_05"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_EMPTY = sa.text("'{}'::jsonb")


def upgrade() -> None:
    op.create_table(
        "correction",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("decided", sa.Text(), nullable=False),
        sa.Column("corrected", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", postgresql.JSONB(), server_default=_EMPTY, nullable=False),
        sa.Column("before", postgresql.JSONB(), server_default=_EMPTY, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("transcript_id", sa.BigInteger(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('language', 'topic', 'priority')", name=op.f("ck_correction_kind")),
        sa.CheckConstraint(
            "num_nonnulls(message_id, transcript_id, entry_id) <= 1", name=op.f("ck_correction_one_source")
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name=op.f("ck_correction_ended")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_correction_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_correction_person_id_person")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_correction_message_id_message"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["transcript_id"], ["transcript.id"], name=op.f("fk_correction_transcript_id_transcript"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entry.id"], name=op.f("fk_correction_entry_id_entry"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["ended_by_id"], ["person.id"], name=op.f("fk_correction_ended_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )  # fmt: skip
    op.create_index("ix_correction_at", "correction", ["at"])
    op.create_index("ix_correction_ticket_id", "correction", ["ticket_id"])
    op.create_index(
        "uq_correction_counts", "correction", ["ticket_id", "kind"], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.add_column(
        "ticket",
        sa.Column("also_topics", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    # Only open tickets are looked through by topic without words.
    op.create_index(
        "ix_ticket_also_topics", "ticket", ["also_topics"], postgresql_using="gin",
        postgresql_where=sa.text("also_topics <> '[]'::jsonb"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_ticket_also_topics", table_name="ticket")
    op.drop_column("ticket", "also_topics")
    op.drop_table("correction")
