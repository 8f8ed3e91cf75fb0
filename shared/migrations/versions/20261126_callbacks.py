"""Attempts to call a caller back, and what was promised."""

revision = "20261126_12"
down_revision = "20261126_11"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
