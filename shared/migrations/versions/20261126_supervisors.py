"""What supervisors move and how it is undone, who pinned a ticket and why, and who set somebody's state."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_17"
down_revision = "20261126_16"
branch_labels = None
depends_on = None

ENTRY_KIND = "pin"


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


def person(table: str, column: str, nullable: bool = True) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return (
        sa.Column(column, sa.BigInteger(), nullable=nullable),
        sa.ForeignKeyConstraint([column], ["person.id"], name=op.f(f"fk_{table}_{column}_person")),
    )


def upgrade() -> None:
    allow(list(dict.fromkeys([*entry_kinds(), ENTRY_KIND])))
    op.add_column("assignment", sa.Column("pinned_by_id", sa.BigInteger(), nullable=True))
    op.add_column("assignment", sa.Column("pin_reason", sa.Text(), server_default="", nullable=False))
    op.create_foreign_key(op.f("fk_assignment_pinned_by_id_person"), "assignment", "person", ["pinned_by_id"], ["id"])
    op.execute("UPDATE assignment SET pinned_by_id = assigned_by_id, pin_reason = reason WHERE pinned")
    op.add_column("presence", sa.Column("set_by_id", sa.BigInteger(), nullable=True))
    op.add_column("presence", sa.Column("set_reason", sa.Text(), server_default="", nullable=False))
    op.create_foreign_key(op.f("fk_presence_set_by_id_person"), "presence", "person", ["set_by_id"], ["id"])
    op.create_table(
        "reassignment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("to_ids", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("override", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        *person("reassignment", "by_id", nullable=False),
        *person("reassignment", "undone_by_id"),
        sa.CheckConstraint("(undone_at IS NULL) = (undone_by_id IS NULL)", name=op.f("ck_reassignment_undone")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reassignment")),
    )
    op.create_index("ix_reassignment_at", "reassignment", ["at"])
    op.create_table(
        "reassigned_ticket",
        sa.Column("reassignment_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "outcome",
            choice("outcome", "assigned", "queued", "unchanged", "needs_override", "closed", "not_found"),
            nullable=False,
        ),
        sa.Column("flags", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        *person("reassigned_ticket", "from_id"),
        *person("reassigned_ticket", "to_id"),
        sa.Column("assignment_id", sa.BigInteger(), nullable=True),
        sa.Column("was_pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        *person("reassigned_ticket", "was_pinned_by_id"),
        sa.Column("was_pin_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("last_entry_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "undo_outcome", choice("undo_outcome", "back", "touched", "moved_on", "closed", "left"), nullable=True
        ),
        sa.CheckConstraint("outcome <> 'not_found'", name=op.f("ck_reassigned_ticket_found")),
        sa.ForeignKeyConstraint(
            ["reassignment_id"], ["reassignment.id"], name=op.f("fk_reassigned_ticket_reassignment_id_reassignment")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_reassigned_ticket_ticket_id_ticket")),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name=op.f("fk_reassigned_ticket_assignment_id_assignment")
        ),
        sa.PrimaryKeyConstraint("reassignment_id", "ticket_id", name=op.f("pk_reassigned_ticket")),
    )
    op.create_index("ix_reassigned_ticket_ticket_id", "reassigned_ticket", ["ticket_id"])
    for column in ("from_id", "to_id"):
        op.create_index(
            f"ix_reassigned_ticket_{column}",
            "reassigned_ticket",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )


def downgrade() -> None:
    op.drop_table("reassigned_ticket")
    op.drop_table("reassignment")
    op.drop_column("presence", "set_reason")
    op.drop_column("presence", "set_by_id")
    op.drop_column("assignment", "pin_reason")
    op.drop_column("assignment", "pinned_by_id")
    # The timeline cannot be rewritten: where somebody was pinned already, its kind stays allowed.
    used = op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT FROM entry WHERE kind = 'pin')"))
    if not used:
        allow([kind for kind in entry_kinds() if kind != ENTRY_KIND])
