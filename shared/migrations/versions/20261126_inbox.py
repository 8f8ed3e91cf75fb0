"""What each mail says for its ticket, mails found by what they refer to, senders whose mail stays held, error codes."""

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

    op.add_column("mailbox", sa.Column("last_error_code", sa.Text(), nullable=True))
    op.create_table(
        "left_sender",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), sa.ForeignKey("message.id", name="fk_left_sender_message_id_message")),
        sa.Column(
            "decided_by_id",
            sa.BigInteger(),
            sa.ForeignKey("person.id", name="fk_left_sender_decided_by_id_person"),
            nullable=False,
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.UniqueConstraint("address", "policy", name=op.f("uq_left_sender_address_policy")),
        sa.CheckConstraint("address = lower(address) AND address <> ''", name=op.f("ck_left_sender_address")),
    )


def downgrade() -> None:
    op.drop_table("left_sender")
    op.drop_column("mailbox", "last_error_code")
    op.drop_index("ix_message_references", table_name="message", postgresql_using="gin")
    op.drop_column("intake", "said")
