"""What a caller wants: numbers and names with their place in the audio."""

revision = "20261126_11"
down_revision = "20261126_10"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
