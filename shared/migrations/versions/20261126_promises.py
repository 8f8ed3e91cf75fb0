"""Reserved for promises."""

revision = "20261126_15"
down_revision = "20261126_14"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
