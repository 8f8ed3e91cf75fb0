"""Deliveries that wait, are taken back, carry files and land in the Sent folder."""

revision = "20261126_06"
down_revision = "20261126_05"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
