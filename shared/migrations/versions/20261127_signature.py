"""The signature of a mail, and facts that stand in it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261127_07"
down_revision: str | None = "20261127_06"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PARTS = ("text", "signature")


def upgrade() -> None:
    op.add_column("message", sa.Column("signature", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "message_fact",
        sa.Column(
            "part", sa.Enum(*PARTS, name="part", native_enum=False, create_constraint=False, length=40),
            server_default="text", nullable=False,
        ),
    )  # fmt: skip
    op.create_check_constraint(op.f("ck_message_fact_part"), "message_fact", "part IN ('text', 'signature')")


def downgrade() -> None:
    op.execute("DELETE FROM message_fact WHERE part = 'signature'")
    op.drop_column("message_fact", "part")
    op.drop_column("message", "signature")
