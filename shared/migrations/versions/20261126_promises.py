"""Three promises to each customer, their targets and pauses. A ticket's `due_at` is whichever of them is due next."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_15"
down_revision = "20261126_14"
branch_labels = None
depends_on = None

ENTRY_KIND = "clock"
CLOCK_KINDS = "'first_response', 'next_response', 'resolution'"


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


def when(name: str, *, needed: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not needed)


def upgrade() -> None:
    allow(list(dict.fromkeys([*entry_kinds(), ENTRY_KIND])))
    op.alter_column("ticket", "first_response_due_at", new_column_name="due_at")
    op.add_column("ticket", sa.Column("due_kind", sa.String(40), nullable=True))
    op.create_check_constraint(op.f("ck_ticket_due_kind"), "ticket", f"due_kind IN ({CLOCK_KINDS})")
    op.drop_constraint(op.f("ck_scheduled_call_left"), "scheduled_call", type_="check")
    op.drop_column("scheduled_call", "left_s")
    op.create_table(
        "sla_target",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(40), nullable=True),
        sa.Column("priority", sa.String(40), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("around_clock", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(f"kind IN ({CLOCK_KINDS})", name=op.f("ck_sla_target_kind")),
        sa.CheckConstraint(
            "channel IN ('email', 'voicemail', 'phone', 'walk_in')", name=op.f("ck_sla_target_channel")
        ),
        sa.CheckConstraint(
            "priority IN ('emergency', 'high', 'normal', 'low')", name=op.f("ck_sla_target_priority")
        ),
        sa.CheckConstraint("minutes BETWEEN 1 AND 525600", name=op.f("ck_sla_target_minutes")),
        sa.CheckConstraint("language ~ '^([a-z]{2}|mixed|unknown)$'", name=op.f("ck_sla_target_language")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["person.id"], name=op.f("fk_sla_target_updated_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_target")),
        sa.UniqueConstraint(
            "kind", "channel", "priority", "language",
            name=op.f("uq_sla_target_kind_channel_priority_language"), postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    op.create_table(
        "sla_clock",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        when("started_at", needed=True),
        sa.Column("target_s", sa.Integer(), nullable=False),
        sa.Column("around_clock", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("used_s", sa.Float(), server_default="0", nullable=False),
        when("running_since"),
        when("due_at"),
        when("warn_at"),
        when("warned_at"),
        when("breached_at"),
        when("ended_at"),
        sa.Column("ended_how", sa.String(40), nullable=True),
        sa.Column("late_s", sa.Float(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(f"kind IN ({CLOCK_KINDS})", name=op.f("ck_sla_clock_kind")),
        sa.CheckConstraint("ended_how IN ('met', 'dropped')", name=op.f("ck_sla_clock_ended_how")),
        sa.CheckConstraint("(ended_how IS NULL) = (ended_at IS NULL)", name=op.f("ck_sla_clock_ended")),
        sa.CheckConstraint("ended_at IS NULL OR running_since IS NULL", name=op.f("ck_sla_clock_stopped")),
        sa.CheckConstraint("target_s > 0", name=op.f("ck_sla_clock_target")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_sla_clock_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_clock")),
    )
    still_open = sa.text("ended_at IS NULL")
    op.create_index("uq_sla_clock_open", "sla_clock", ["ticket_id", "kind"], unique=True, postgresql_where=still_open)
    op.create_index("ix_sla_clock_ticket_id", "sla_clock", ["ticket_id"])
    op.create_index(
        "ix_sla_clock_due", "sla_clock", ["due_at"],
        postgresql_where=sa.text("ended_at IS NULL AND breached_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_sla_clock_warn", "sla_clock", ["warn_at"],
        postgresql_where=sa.text("ended_at IS NULL AND breached_at IS NULL AND warned_at IS NULL"),
    )  # fmt: skip
    op.create_index("ix_sla_clock_revision", "sla_clock", ["revision"], postgresql_where=still_open)
    op.create_table(
        "sla_pause",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("clock_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(40), nullable=False),
        when("stopped_at", needed=True),
        sa.Column("at_s", sa.Float(), nullable=False),
        when("resumed_at"),
        sa.Column("passed_s", sa.Float(), nullable=True),
        sa.CheckConstraint("cause IN ('customer', 'call')", name=op.f("ck_sla_pause_cause")),
        sa.CheckConstraint("(resumed_at IS NULL) = (passed_s IS NULL)", name=op.f("ck_sla_pause_resumed")),
        sa.CheckConstraint("resumed_at >= stopped_at", name=op.f("ck_sla_pause_forward")),
        sa.ForeignKeyConstraint(["clock_id"], ["sla_clock.id"], name=op.f("fk_sla_pause_clock_id_sla_clock")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_pause")),
    )
    op.create_index(
        "uq_sla_pause_open", "sla_pause", ["clock_id"], unique=True, postgresql_where=sa.text("resumed_at IS NULL")
    )
    op.create_index("ix_sla_pause_clock_id", "sla_pause", ["clock_id"])
    op.create_table(
        "sla_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        when("at", needed=True),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        when("recount_from"),
        when("recount_until"),
        sa.Column("moved", sa.Integer(), server_default="0", nullable=False),
        when("done_at"),
        sa.CheckConstraint("kind IN ('targets', 'week', 'day')", name=op.f("ck_sla_change_kind")),
        sa.CheckConstraint("(kind = 'targets') = (before IS NULL)", name=op.f("ck_sla_change_before")),
        sa.CheckConstraint("(before IS NULL) = (after IS NULL)", name=op.f("ck_sla_change_after")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_sla_change_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_change")),
    )
    op.create_index("ix_sla_change_open", "sla_change", ["id"], postgresql_where=sa.text("done_at IS NULL"))


def downgrade() -> None:
    for table in ("sla_change", "sla_pause", "sla_clock", "sla_target"):
        op.drop_table(table)
    op.add_column("scheduled_call", sa.Column("left_s", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_scheduled_call_left"), "scheduled_call", "left_s >= 0")
    op.drop_constraint(op.f("ck_ticket_due_kind"), "ticket", type_="check")
    op.drop_column("ticket", "due_kind")
    op.alter_column("ticket", "due_at", new_column_name="first_response_due_at")
    allow([kind for kind in entry_kinds() if kind != ENTRY_KIND])
