"""How far each folder is read, by whom, and what the server holds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_01"
down_revision = "20261123_01"
branch_labels = None
depends_on = None

STATE = sa.Enum(
    "starting", "watching", "polling", "failed", name="state", native_enum=False, create_constraint=True, length=40
)


def _columns() -> list[sa.Column]:
    return [
        sa.Column("state", STATE, server_default="starting", nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("holder_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("standby", sa.Text(), nullable=True),
        sa.Column("standby_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconcile_wanted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.Column(name, sa.Integer(), nullable=True)
            for name in ("on_server", "in_ledger", "missing", "repaired", "gone")
        ),
        sa.Column("refused_uids", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    ]


def upgrade() -> None:
    op.alter_column("mail_folder", "uidvalidity", nullable=True)
    for column in _columns():
        op.add_column("mail_folder", column)
    op.create_check_constraint(op.f("ck_mail_folder_lease"), "mail_folder", "(holder IS NULL) = (holder_until IS NULL)")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_mail_folder_lease"), "mail_folder")
    for column in reversed(_columns()):
        op.drop_column("mail_folder", column.name)
    op.execute("DELETE FROM mail_folder WHERE uidvalidity IS NULL")
    op.alter_column("mail_folder", "uidvalidity", nullable=False)
