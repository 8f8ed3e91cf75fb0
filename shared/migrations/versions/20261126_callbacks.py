"""Attempts to call a caller back, scheduled calls, what was promised, and waveforms."""

import re

import sqlalchemy as sa
from alembic import op

revision = "20261126_12"
down_revision = "20261126_11"
branch_labels = None
depends_on = None

ENTRY_KINDS = ("call", "promise")
OUTCOMES = ("reached", "no_answer", "left_message", "wrong_number", "not_made", "not_logged")
ENDS = ("due", "called", "changed", "moved_on")


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


def number() -> "sa.Column[int]":
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def moment(name: str, *, now: bool = False) -> "sa.Column[object]":
    """A time; `now`: the moment at which the row is made."""
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def one_of(name: str, values: tuple[str, ...]) -> "sa.Column[str]":
    kind = sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
    return sa.Column(name, kind, nullable=True)


def points_to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    allow(list(dict.fromkeys([*entry_kinds(), *ENTRY_KINDS])))
    op.create_table(
        "call_attempt",
        number(),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        moment("started_at", now=True),
        moment("ended_at"),
        one_of("outcome", OUTCOMES),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name=op.f("ck_call_attempt_ended")),
        sa.CheckConstraint("number LIKE '+%'", name=op.f("ck_call_attempt_number")),
        points_to("call_attempt", "ticket_id", "ticket"),
        points_to("call_attempt", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_attempt")),
    )
    still = sa.text("ended_at IS NULL")
    op.create_index("uq_call_attempt_open", "call_attempt", ["ticket_id"], unique=True, postgresql_where=still)
    op.create_index("ix_call_attempt_ticket_id", "call_attempt", ["ticket_id", "id"])
    op.create_index("ix_call_attempt_person_open", "call_attempt", ["person_id"], postgresql_where=still)
    op.create_table(
        "scheduled_call",
        number(),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("call_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("left_s", sa.Integer(), nullable=True),
        moment("created_at", now=True),
        moment("ended_at"),
        one_of("ended_how", ENDS),
        sa.CheckConstraint("(ended_how IS NULL) = (ended_at IS NULL)", name=op.f("ck_scheduled_call_ended")),
        sa.CheckConstraint("left_s >= 0", name=op.f("ck_scheduled_call_left")),
        points_to("scheduled_call", "ticket_id", "ticket"),
        points_to("scheduled_call", "by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_call")),
    )
    op.create_index("uq_scheduled_call_open", "scheduled_call", ["ticket_id"], unique=True, postgresql_where=still)
    op.create_index("ix_scheduled_call_due", "scheduled_call", ["call_at"], postgresql_where=still)
    op.create_index("ix_scheduled_call_ticket_id", "scheduled_call", ["ticket_id"])
    op.create_table(
        "promise",
        number(),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        moment("remind_at"),
        moment("reminded_at"),
        moment("created_at", now=True),
        moment("kept_at"),
        sa.Column("kept_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(due_on IS NULL) = (remind_at IS NULL)", name=op.f("ck_promise_remind")),
        sa.CheckConstraint("(kept_at IS NULL) = (kept_by_id IS NULL)", name=op.f("ck_promise_kept")),
        sa.CheckConstraint("text <> ''", name=op.f("ck_promise_text")),
        points_to("promise", "ticket_id", "ticket"),
        points_to("promise", "attempt_id", "call_attempt"),
        points_to("promise", "person_id", "person"),
        points_to("promise", "kept_by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
    )
    op.create_index("ix_promise_ticket_id", "promise", ["ticket_id"])
    op.create_index("ix_promise_open", "promise", ["remind_at"], postgresql_where=sa.text("kept_at IS NULL"))
    op.create_table(
        "waveform",
        sa.Column("recording_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("quiet", sa.LargeBinary(), nullable=False),
        moment("created_at", now=True),
        points_to("waveform", "recording_id", "recording"),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_waveform")),
    )


def downgrade() -> None:
    for table in ("waveform", "promise", "scheduled_call", "call_attempt"):
        op.drop_table(table)
    allow([kind for kind in entry_kinds() if kind not in ENTRY_KINDS])
