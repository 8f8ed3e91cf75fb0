"""Where recordings come from: the phone systems' own hand-overs."""

revision = "20261126_09"
down_revision = "20261126_08"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
