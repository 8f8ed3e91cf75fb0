"""Who really wrote: identities that were checked, judgements about senders, and spam that a person can look through."""

import re

import sqlalchemy as sa
from alembic import op

revision = "20261126_05"
down_revision = "20261126_04"
branch_labels = None
depends_on = None

ENTRY_KINDS = ("identity", "spam")


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
    allow(list(dict.fromkeys([*entry_kinds(), *ENTRY_KINDS])))
    op.create_table(
        "identity_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "method",
            sa.Enum("phone", "counter", "other", name="method", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("checked_by_id", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("address = lower(address) AND address <> ''", name=op.f("ck_identity_check_address")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name=op.f("ck_identity_check_ended")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_identity_check_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_identity_check_entry_id_entry")),
        sa.ForeignKeyConstraint(["checked_by_id"], ["person.id"], name=op.f("fk_identity_check_checked_by_id_person")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["person.id"], name=op.f("fk_identity_check_ended_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_check")),
    )
    op.create_index("ix_identity_check_ticket_id", "identity_check", ["ticket_id"])
    op.create_table(
        "sender_judgement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("spam", sa.Boolean(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("address = lower(address) AND address <> ''", name=op.f("ck_sender_judgement_address")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_sender_judgement_message_id_message")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_sender_judgement_decided_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender_judgement")),
        sa.UniqueConstraint("address", name=op.f("uq_sender_judgement_address")),
    )
    op.add_column("intake", sa.Column("taken_off_ticket_id", sa.BigInteger(), nullable=True))
    op.add_column("intake", sa.Column("left_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("intake", sa.Column("left_by_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_intake_taken_off_ticket_id_ticket"), "intake", "ticket", ["taken_off_ticket_id"], ["id"]
    )
    op.create_foreign_key(op.f("fk_intake_left_by_id_person"), "intake", "person", ["left_by_id"], ["id"])
    op.create_check_constraint(op.f("ck_intake_taken_off"), "intake", "taken_off_ticket_id IS NULL OR outcome = 'held'")
    op.create_check_constraint(op.f("ck_intake_left"), "intake", "(left_at IS NULL) = (left_by_id IS NULL)")
    op.create_index("ix_intake_held", "intake", ["id"], postgresql_where=sa.text("outcome = 'held'"))
    op.create_index(
        "ix_intake_taken_off_ticket_id",
        "intake",
        ["taken_off_ticket_id"],
        postgresql_where=sa.text("taken_off_ticket_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_intake_taken_off_ticket_id", "intake")
    op.drop_index("ix_intake_held", "intake")
    for name in ("ck_intake_left", "ck_intake_taken_off"):
        op.drop_constraint(op.f(name), "intake", type_="check")
    for column in ("left_by_id", "left_at", "taken_off_ticket_id"):
        op.drop_column("intake", column)
    op.drop_table("sender_judgement")
    op.drop_table("identity_check")
    allow([kind for kind in entry_kinds() if kind not in ENTRY_KINDS])
