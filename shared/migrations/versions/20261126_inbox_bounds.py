"""The inbox's last bounds."""

revision = "20261126_14"
down_revision = "20261126_13"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
