"""What each mail says for its ticket, and mails found by what they refer to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_18"
down_revision = "20261126_17"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("intake", sa.Column("said", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index("ix_message_references", "message", ["references"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_message_references", table_name="message", postgresql_using="gin")
    op.drop_column("intake", "said")
