"""Reserved for understanding."""

revision = "20261126_20"
down_revision = "20261126_19"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
