"""What answers a mail is found by the mail's Message-ID, for mail that arrives after its answer."""

from alembic import op

revision = "20261126_08"
down_revision = "20261126_07"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_message_in_reply_to", "message", ["in_reply_to"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_message_in_reply_to", table_name="message")
