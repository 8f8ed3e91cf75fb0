"""Greetings as a product: approval, drafts, pairs, checks."""

revision = "20261126_13"
down_revision = "20261126_12"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
