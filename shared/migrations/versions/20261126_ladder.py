"""Reserved for ladder."""

revision = "20261126_16"
down_revision = "20261126_15"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
