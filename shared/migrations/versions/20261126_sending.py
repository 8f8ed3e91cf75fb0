"""Deliveries that wait, are taken back, carry files and land in the Sent folder."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_06"
down_revision = "20261126_05"
branch_labels = None
depends_on = None

STAMP = sa.DateTime(timezone=True)
ENTRIES = ("delivery_cancelled", "delivery_again")
FAILURES = ("address", "recipient", "content", "size", "sender", "file", "gave_up", "unknown")


def _values(constraint: str) -> list[str]:
    """What a column's choices are now, whichever migration added them."""
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"), {"name": constraint}
    )
    return re.findall(r"'([a-z_]+)'::", definition or "")


def _allow(table: str, column: str, constraint: str, values: list[str]) -> None:
    op.drop_constraint(op.f(constraint), table, type_="check")
    listed = ", ".join(f"'{value}'" for value in dict.fromkeys(values))
    op.create_check_constraint(op.f(constraint), table, f"{column} IN ({listed})")


def upgrade() -> None:
    _allow("entry", "kind", "ck_entry_kind", [*_values("ck_entry_kind"), *ENTRIES])
    _allow("delivery", "state", "ck_delivery_state", [*_values("ck_delivery_state"), "cancelled"])
    op.add_column("delivery", sa.Column("undo_until", STAMP, nullable=True))
    op.add_column("delivery", sa.Column("undo", postgresql.JSONB(), nullable=True))
    op.add_column("delivery", sa.Column("slot_at", STAMP, nullable=True))
    op.add_column("delivery", sa.Column("failure", sa.String(40), nullable=True))
    op.add_column("delivery", sa.Column("tried_since", STAMP, server_default=sa.text("now()"), nullable=False))
    op.execute("UPDATE delivery SET tried_since = created_at")
    op.execute("UPDATE delivery SET failure = 'recipient' WHERE state = 'failed'")
    op.create_check_constraint(
        op.f("ck_delivery_failure"), "delivery", f"failure IN ({', '.join(repr(failure) for failure in FAILURES)})"
    )
    op.create_check_constraint(
        op.f("ck_delivery_failure_named"), "delivery", "(state = 'failed') = (failure IS NOT NULL)"
    )
    op.create_index(
        "ix_delivery_leased", "delivery", ["leased_until"], postgresql_where=sa.text("leased_until IS NOT NULL")
    )
    op.create_table(
        "delivery_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("uploaded_by_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=False),
        sa.Column("inline", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", STAMP, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_delivery_file_size")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_delivery_file_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_file_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["person.id"], name=op.f("fk_delivery_file_uploaded_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_file")),
    )
    op.create_index("ix_delivery_file_delivery_id", "delivery_file", ["delivery_id"])
    op.create_index(
        "ix_delivery_file_unsent", "delivery_file", ["created_at"], postgresql_where=sa.text("delivery_id IS NULL")
    )
    op.create_table(
        "mail_domain",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("last_at", STAMP, nullable=True),
        sa.Column("next_slot_at", STAMP, nullable=True),
        sa.Column("slowed_until", STAMP, nullable=True),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_mail_domain")),
    )
    op.create_table(
        "sent_copy",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), server_default="waiting", nullable=False),
        sa.Column("folder", sa.Text(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", STAMP, server_default=sa.text("now()"), nullable=False),
        sa.Column("leased_until", STAMP, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", STAMP, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'kept', 'failed')", name=op.f("ck_sent_copy_state")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_sent_copy_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_sent_copy")),
    )
    op.create_index(
        "ix_sent_copy_waiting",
        "sent_copy",
        ["mailbox", "next_attempt_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "no_acknowledgement",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("at", STAMP, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_no_acknowledgement")),
    )
    op.create_table(
        "person_signature",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", STAMP, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("language IN ('en', 'es')", name=op.f("ck_person_signature_language")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_signature_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "language", name=op.f("pk_person_signature")),
    )


def downgrade() -> None:
    """What was taken back counts as failed again: an older program knows no other word for a mail that never left."""
    for table in ("person_signature", "no_acknowledgement", "sent_copy", "mail_domain", "delivery_file"):
        op.drop_table(table)
    op.drop_index("ix_delivery_leased", table_name="delivery")
    op.drop_constraint(op.f("ck_delivery_failure_named"), "delivery", type_="check")
    op.drop_constraint(op.f("ck_delivery_failure"), "delivery", type_="check")
    op.execute(
        "UPDATE delivery SET state = 'failed', last_error = 'taken back', failure_noted = true WHERE state = 'cancelled'"
    )
    for column in ("tried_since", "failure", "slot_at", "undo", "undo_until"):
        op.drop_column("delivery", column)
    states = [value for value in _values("ck_delivery_state") if value != "cancelled"]
    _allow("delivery", "state", "ck_delivery_state", states)
    # The timeline is append-only: its new kinds stay allowed, for entries that have them.
