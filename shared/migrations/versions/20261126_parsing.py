"""What the parser finds beside text: senders verified, spam, kinds of machine mail."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_03"
down_revision = "20261126_02"
branch_labels = None
depends_on = None

OLD = "'auto_reply', 'bounce', 'list', 'loop'"
NEW = f"{OLD}, 'complaint', 'receipt', 'challenge'"


def machines(kinds: str) -> None:
    op.drop_constraint(op.f("ck_message_machine"), "message", type_="check")
    op.create_check_constraint(op.f("ck_message_machine"), "message", f"machine IN ({kinds})")


def upgrade() -> None:
    op.add_column("message", sa.Column("spam", sa.Text(), nullable=True))
    machines(NEW)


def downgrade() -> None:
    op.execute("UPDATE message SET machine = 'auto_reply' WHERE machine IN ('complaint', 'receipt', 'challenge')")
    machines(OLD)
    op.drop_column("message", "spam")
