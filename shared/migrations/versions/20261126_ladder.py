"""The steps that were taken for tickets that nobody there may answer."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_16"
down_revision = "20261126_15"
branch_labels = None
depends_on = None

RUNGS = ("confirm_language", "alert", "tell_customer", "supervisor", "interpreter")
MISSING = ("language", "level", "both")


def allow(table: str, added: str) -> None:
    """One more kind, beside those that the store allows now."""
    name = op.f(f"ck_{table}_kind")
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"), {"name": name}
    )
    kinds = dict.fromkeys([*re.findall(r"'([a-z_0-9]+)'", definition or ""), added])
    op.drop_constraint(name, table, type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(name, table, f"kind IN ({listed})")


def upgrade() -> None:
    allow("entry", "ladder")
    allow("alert", "no_csr2")
    allow("delivery", "expectation")
    op.create_table(
        "ladder_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "rung",
            sa.Enum(*RUNGS, name="rung", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "missing",
            sa.Enum(*MISSING, name="missing", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("wait_began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("told_address", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_by_id IS NULL)", name=op.f("ck_ladder_step_acknowledged")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ladder_step_ticket_id_ticket")),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_id"], ["person.id"], name=op.f("fk_ladder_step_acknowledged_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder_step")),
        sa.UniqueConstraint(
            "ticket_id", "wait_began_at", "rung", name=op.f("uq_ladder_step_ticket_id_wait_began_at_rung")
        ),
    )
    op.create_index(
        "uq_ladder_step_told", "ladder_step", ["ticket_id"], unique=True,
        postgresql_where=sa.text("rung = 'tell_customer'"),
    )  # fmt: skip
    op.create_index(
        "ix_ladder_step_told_address", "ladder_step", ["told_address", "at"],
        postgresql_where=sa.text("told_address IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("ladder_step")
