"""Where recordings come from: the phone systems' own hand-overs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_09"
down_revision = "20261126_08"
branch_labels = None
depends_on = None

SOURCES = ("upload", "spool", "email")
NEW_SOURCES = ("callback", "freeswitch")
STATES = ("received", "transcribed", "failed", "no_engine", "unreadable")
NEW_STATES = ("fetching", "missing")


def allow(table: str, column: str, values: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{column}"), table, type_="check")
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")


def upgrade() -> None:
    allow("recording", "source", (*SOURCES, *NEW_SOURCES))
    allow("recording", "state", (*STATES, *NEW_STATES))
    op.alter_column("recording", "blob", existing_type=sa.Text(), nullable=True)
    op.add_column("recording", sa.Column("message_id", sa.BigInteger(), nullable=True))
    op.add_column("recording", sa.Column("vendor", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column("recording", sa.Column("same_as", sa.BigInteger(), nullable=True))
    op.add_column("recording", sa.Column("compare_until", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_recording_message_id_message"), "recording", "message", ["message_id"], ["id"])
    op.create_foreign_key(op.f("fk_recording_same_as_recording"), "recording", "recording", ["same_as"], ["id"])
    op.create_check_constraint(
        op.f("ck_recording_bytes"), "recording", "blob IS NOT NULL OR state IN ('fetching', 'missing')"
    )
    op.create_check_constraint(op.f("ck_recording_same_as_another"), "recording", "same_as <> id")
    op.create_index("ix_recording_called_at", "recording", ["called_at"])
    op.create_index("ix_recording_message_id", "recording", ["message_id"])
    op.create_index(
        "ix_recording_comparing", "recording", ["id"], postgresql_where=sa.text("compare_until IS NOT NULL")
    )
    op.add_column("message", sa.Column("voicemail", postgresql.JSONB(none_as_null=True), nullable=True))
    op.create_index("ix_message_voicemail", "message", ["id"], postgresql_where=sa.text("voicemail IS NOT NULL"))
    op.add_column(
        "mailbox_account",
        sa.Column("voicemail_hosts", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    op.create_table(
        "door",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "spool",
                "ami",
                "freeswitch",
                "esl",
                "email",
                "callback",
                "upload",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("starting", "open", "failed", name="state", native_enum=False, create_constraint=True, length=40),
            server_default="starting",
            nullable=False,
        ),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_recording_id", sa.BigInteger(), nullable=True),
        sa.Column("messages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refused", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["last_recording_id"], ["recording.id"], name=op.f("fk_door_last_recording_id_recording")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_door")),
    )
    op.create_table(
        "recording_fetch",
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name=op.f("fk_recording_fetch_recording_id_recording")
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recording_fetch")),
    )
    op.create_index(
        "ix_recording_fetch_waiting",
        "recording_fetch",
        ["next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_table(
        "phone_task",
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("message", postgresql.JSONB(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name=op.f("fk_phone_task_recording_id_recording")),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_phone_task")),
    )
    op.create_index(
        "ix_phone_task_waiting",
        "phone_task",
        ["next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Refused by the database where recordings without bytes, or through the new doors, stand."""
    op.drop_table("phone_task")
    op.drop_table("recording_fetch")
    op.drop_table("door")
    op.drop_column("mailbox_account", "voicemail_hosts")
    op.drop_index("ix_message_voicemail", table_name="message")
    op.drop_column("message", "voicemail")
    op.drop_index("ix_recording_comparing", table_name="recording")
    op.drop_index("ix_recording_message_id", table_name="recording")
    op.drop_index("ix_recording_called_at", table_name="recording")
    op.drop_constraint(op.f("ck_recording_same_as_another"), "recording", type_="check")
    op.drop_constraint(op.f("ck_recording_bytes"), "recording", type_="check")
    for column in ("compare_until", "same_as", "vendor", "message_id"):
        op.drop_column("recording", column)
    op.alter_column("recording", "blob", existing_type=sa.Text(), nullable=False)
    allow("recording", "state", STATES)
    allow("recording", "source", SOURCES)
