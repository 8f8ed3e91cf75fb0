"""Reserved for inbox."""

revision = "20261126_18"
down_revision = "20261126_17"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
