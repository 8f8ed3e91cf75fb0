"""Intake in fewer statements."""

from collections.abc import Sequence

revision: str = "20261127_07"
down_revision: str | None = "20261127_06"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
