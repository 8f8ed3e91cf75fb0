"""What the weight of Spanish was each week, and the figures that moved it."""

import sqlalchemy as sa
from alembic import op

revision = "20261127_01"
down_revision = "20261126_18"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "language_balance",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("verdict", sa.String(length=40), nullable=False),
        sa.Column("before", sa.Float(), nullable=False),
        sa.Column("after", sa.Float(), nullable=False),
        sa.Column("english_due", sa.Integer(), nullable=False),
        sa.Column("english_kept", sa.Integer(), nullable=False),
        sa.Column("spanish_due", sa.Integer(), nullable=False),
        sa.Column("spanish_kept", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('raised', 'lowered', 'balanced', 'too_few', 'at_limit')",
            name=op.f("ck_language_balance_verdict"),
        ),
        sa.CheckConstraint("english_kept BETWEEN 0 AND english_due", name=op.f("ck_language_balance_english")),
        sa.CheckConstraint("spanish_kept BETWEEN 0 AND spanish_due", name=op.f("ck_language_balance_spanish")),
        sa.CheckConstraint("after > 0 AND before > 0", name=op.f("ck_language_balance_weight")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_language_balance")),
        sa.UniqueConstraint("week", name=op.f("uq_language_balance_week")),
    )


def downgrade() -> None:
    op.drop_table("language_balance")
