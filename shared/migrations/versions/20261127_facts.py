"""Facts found in messages: what each states and where; and service agreements among what callers say."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261127_05"
down_revision: str | None = "20261127_04"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = ("phone", "account", "agreement", "amount", "date", "address", "name")
SOURCES = ("message", "recording", "entry")


def upgrade() -> None:
    op.create_table(
        "message_fact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.Column(f"{source}_id", sa.BigInteger(), nullable=True) for source in SOURCES),
        sa.Column(
            "kind", sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(message_id, recording_id, entry_id) = 1", name=op.f("ck_message_fact_source")),
        sa.CheckConstraint("value <> ''", name=op.f("ck_message_fact_value")),
        sa.CheckConstraint('start >= 0 AND "end" > start', name=op.f("ck_message_fact_place")),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_message_fact_confidence")),
        *(
            sa.ForeignKeyConstraint(
                [f"{source}_id"], [f"{source}.id"], name=op.f(f"fk_message_fact_{source}_id_{source}")
            )
            for source in SOURCES
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_fact")),
    )
    for source in SOURCES:
        op.create_index(
            f"ix_message_fact_{source}_id",
            "message_fact",
            [f"{source}_id"],
            postgresql_where=sa.text(f"{source}_id IS NOT NULL"),
        )
    _callers_say("callback", "account", "name", "agreement")


def downgrade() -> None:
    op.execute("DELETE FROM caller_fact WHERE kind = 'agreement'")
    _callers_say("callback", "account", "name")
    op.drop_table("message_fact")


def _callers_say(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_caller_fact_kind"), "caller_fact", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_caller_fact_kind"), "caller_fact", f"kind IN ({listed})")
