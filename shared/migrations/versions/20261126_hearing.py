"""What was heard, region by region; who corrected it; and how often an engine died of a recording."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_10"
down_revision = "20261126_09"
branch_labels = None
depends_on = None

ENTRY_KIND = "transcript_corrected"


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


def upgrade() -> None:
    allow(list(dict.fromkeys([*entry_kinds(), ENTRY_KIND])))
    op.add_column("recording", sa.Column("partial_segments", postgresql.JSONB(), nullable=True))
    op.add_column("recording", sa.Column("taken_up_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("recording", sa.Column("engine_deaths", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_index("ix_recording_taken_up", "recording", ["line", "mailbox", "taken_up_at"])
    op.add_column(
        "transcript",
        sa.Column("regions", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    op.create_table(
        "transcript_correction",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("transcript_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_transcript_correction_version")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name=op.f("fk_transcript_correction_recording_id_recording")
        ),
        sa.ForeignKeyConstraint(
            ["transcript_id"], ["transcript.id"], name=op.f("fk_transcript_correction_transcript_id_transcript")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_transcript_correction_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcript_correction")),
        sa.UniqueConstraint("transcript_id", "version", name=op.f("uq_transcript_correction_transcript_id_version")),
    )
    op.create_index("ix_transcript_correction_recording_id", "transcript_correction", ["recording_id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON transcript_correction "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER never_truncated BEFORE TRUNCATE ON transcript_correction "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("transcript_correction")
    op.drop_column("transcript", "regions")
    op.drop_index("ix_recording_taken_up", "recording")
    for column in ("engine_deaths", "taken_up_at", "partial_segments"):
        op.drop_column("recording", column)
    allow([kind for kind in entry_kinds() if kind != ENTRY_KIND])
