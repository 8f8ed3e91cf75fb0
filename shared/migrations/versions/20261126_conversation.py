"""Tickets split and merged, and who may speak on them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_04"
down_revision = "20261126_03"
branch_labels = None
depends_on = None

NEW_KINDS = ("split", "merged", "returned", "participant")
_KINDS = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_entry_kind'"


def _entry_kinds() -> list[str]:
    """The kinds that the table accepts now: migrations beside this one may have added theirs."""
    definition: str = op.get_bind().execute(sa.text(_KINDS)).scalar_one()
    return [quoted for quoted in definition.split("'")[1::2] if quoted]


def _accept(kinds: list[str]) -> None:
    op.drop_constraint(op.f("ck_entry_kind"), "entry", type_="check")
    op.create_check_constraint(op.f("ck_entry_kind"), "entry", sa.column("kind").in_([sa.literal(k) for k in kinds]))


def upgrade() -> None:
    _accept([*_entry_kinds(), *NEW_KINDS])

    for name in ("split_from_id", "merged_into_id"):
        op.add_column("ticket", sa.Column(name, sa.BigInteger(), nullable=True))
        op.create_foreign_key(op.f(f"fk_ticket_{name}_ticket"), "ticket", "ticket", [name], ["id"])
        op.create_index(f"ix_ticket_{name}", "ticket", [name], postgresql_where=sa.text(f"{name} IS NOT NULL"))
    op.create_check_constraint(op.f("ck_ticket_split"), "ticket", "split_from_id <> id")
    op.create_check_constraint(
        op.f("ck_ticket_merged"),
        "ticket",
        "merged_into_id IS NULL OR (state = 'closed' AND merged_into_id <> id)",
    )

    how = sa.Enum(
        "customer", "written_to", "added", "copied", "merged",
        name="how", native_enum=False, create_constraint=False, length=40,
    )  # fmt: skip
    op.add_column("participant", sa.Column("how", how, server_default="customer", nullable=False))
    op.create_check_constraint(
        op.f("ck_participant_how"), "participant", "how IN ('customer', 'written_to', 'added', 'copied', 'merged')"
    )
    op.add_column("participant", sa.Column("reason", sa.Text(), server_default="", nullable=False))
    op.add_column("participant", sa.Column("added_by_id", sa.BigInteger(), nullable=True))
    op.add_column("participant", sa.Column("from_ticket_id", sa.BigInteger(), nullable=True))
    op.add_column("participant", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("participant", sa.Column("removed_by_id", sa.BigInteger(), nullable=True))
    for name, table in (("added_by_id", "person"), ("from_ticket_id", "ticket"), ("removed_by_id", "person")):
        op.create_foreign_key(op.f(f"fk_participant_{name}_{table}"), "participant", table, [name], ["id"])
    op.create_check_constraint(
        op.f("ck_participant_merged"), "participant", "(how = 'merged') = (from_ticket_id IS NOT NULL)"
    )
    # Until now whoever was not the customer had been written to.
    op.execute(
        "UPDATE participant SET how = 'written_to' WHERE NOT EXISTS (SELECT 1 FROM ticket JOIN customer_identity"
        " USING (customer_id) WHERE ticket.id = participant.ticket_id AND kind = 'email' AND value = address)"
    )

    op.create_table(
        "returned_mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("recipients", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "settled",
            sa.Enum(
                "resent", "called", "dismissed", "closed",
                name="settled", native_enum=False, create_constraint=True, length=40,
            ),
            nullable=True,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(settled IS NULL) = (settled_at IS NULL)", name=op.f("ck_returned_mail_settled_at")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_returned_mail_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_returned_mail_person_id_person")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["person.id"], name=op.f("fk_returned_mail_settled_by_id_person")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_returned_mail_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returned_mail")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_returned_mail_delivery_id")),
    )  # fmt: skip
    op.create_index(
        "ix_returned_mail_open", "returned_mail", ["person_id"], postgresql_where=sa.text("settled IS NULL")
    )
    op.create_index("ix_returned_mail_ticket_id", "returned_mail", ["ticket_id"])

    op.create_index(
        "ix_delivery_acknowledged",
        "delivery",
        [sa.text("(to_addresses ->> 0)"), "created_at"],
        postgresql_where=sa.text("kind IN ('acknowledgement', 'safety')"),
    )

    op.create_table(
        "settled_letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("receipt_id", sa.BigInteger(), nullable=True),
        sa.Column("intake_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("settled_by_id", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(receipt_id, intake_id) = 1", name=op.f("ck_settled_letter_one")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_settled_letter_reason")),
        sa.ForeignKeyConstraint(["intake_id"], ["intake.id"], name=op.f("fk_settled_letter_intake_id_intake")),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["mail_receipt.id"], name=op.f("fk_settled_letter_receipt_id_mail_receipt")
        ),
        sa.ForeignKeyConstraint(["settled_by_id"], ["person.id"], name=op.f("fk_settled_letter_settled_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settled_letter")),
        sa.UniqueConstraint("intake_id", name=op.f("uq_settled_letter_intake_id")),
        sa.UniqueConstraint("receipt_id", name=op.f("uq_settled_letter_receipt_id")),
    )


def downgrade() -> None:
    """Refused by the check while the timeline tells of a split, a merge or a participant: that record stays."""
    op.drop_table("settled_letter")
    op.drop_index("ix_delivery_acknowledged", table_name="delivery")
    op.drop_table("returned_mail")
    op.execute("DELETE FROM participant WHERE removed_at IS NOT NULL")
    op.drop_constraint(op.f("ck_participant_merged"), "participant", type_="check")
    for name in ("how", "reason", "added_by_id", "from_ticket_id", "removed_at", "removed_by_id"):
        op.drop_column("participant", name)
    op.drop_constraint(op.f("ck_ticket_merged"), "ticket", type_="check")
    op.drop_constraint(op.f("ck_ticket_split"), "ticket", type_="check")
    for name in ("merged_into_id", "split_from_id"):
        op.drop_column("ticket", name)
    _accept([kind for kind in _entry_kinds() if kind not in NEW_KINDS])
