"""The queue by kind and urgency, and when somebody last finished something: what every routing pass asks."""

import sqlalchemy as sa
from alembic import op

revision = "20261127_02"
down_revision = "20261127_01"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_ticket_queued", table_name="ticket")
    op.create_index(
        "ix_ticket_queued", "ticket", ["language", "level", "channel", "priority", "due_order", "id"],
        postgresql_where=sa.text("state = 'queued'"),
    )  # fmt: skip
    op.create_index(
        "ix_assignment_person_ended", "assignment", ["person_id", "ended_at"],
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_assignment_person_ended", table_name="assignment")
    op.drop_index("ix_ticket_queued", table_name="ticket")
    op.create_index(
        "ix_ticket_queued", "ticket", ["language", "level", "due_at"],
        postgresql_where=sa.text("state = 'queued'"),
    )  # fmt: skip
