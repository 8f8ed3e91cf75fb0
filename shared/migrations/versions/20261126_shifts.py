"""When people are planned to work: their week, and the days that differ."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_14"
down_revision = "20261126_13"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "weekly_shift",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_weekly_shift_weekday")),
        sa.CheckConstraint("ends > starts OR ends = '00:00'", name=op.f("ck_weekly_shift_ends_after_starts")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_weekly_shift_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekly_shift")),
        sa.UniqueConstraint("person_id", "weekday", "starts", name=op.f("uq_weekly_shift_person_id_weekday_starts")),
    )
    op.create_table(
        "shift_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=True),
        sa.Column("ends", sa.Time(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("(starts IS NULL) = (ends IS NULL)", name=op.f("ck_shift_day_both_or_none")),
        sa.CheckConstraint("ends > starts OR ends = '00:00'", name=op.f("ck_shift_day_ends_after_starts")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_shift_day_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_day")),
        sa.UniqueConstraint("person_id", "day", "starts", name=op.f("uq_shift_day_person_id_day_starts")),
    )
    op.create_index(
        "uq_shift_day_off", "shift_day", ["person_id", "day"], unique=True, postgresql_where=sa.text("starts IS NULL")
    )


def downgrade() -> None:
    op.drop_table("shift_day")
    op.drop_table("weekly_shift")
