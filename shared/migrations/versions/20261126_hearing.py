"""What was heard, region by region, and how often an engine died."""

revision = "20261126_10"
down_revision = "20261126_09"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
