"""Reserved for voice."""

revision = "20261126_19"
down_revision = "20261126_18"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
