"""Reserved for supervisors."""

revision = "20261126_17"
down_revision = "20261126_16"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
