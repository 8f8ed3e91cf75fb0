"""How far each folder is read, by whom, and what the server holds."""

revision = "20261126_01"
down_revision = "20261123_01"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
