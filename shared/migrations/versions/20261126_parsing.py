"""What the parser finds beside text: senders verified, spam, kinds of machine mail."""

revision = "20261126_03"
down_revision = "20261126_02"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
