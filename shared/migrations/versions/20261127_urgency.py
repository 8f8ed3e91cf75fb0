"""What was decided about the urgency of a message, and the texts about safety."""

import re
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261127_04"
down_revision: str | None = "20261127_02"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STAMP = sa.DateTime(timezone=True)
KEYS = ("danger", "gas", "wire", "crisis", "life_support", "shutoff")
ALERTS = ("crisis", "threat", "life_support", "press", "legal")
# What raised a ticket before, and the kind that it is now.
_MOVE = """
UPDATE ticket SET
  topic_evidence = topic_evidence - 'raised_by',
  urgency = coalesce((
    SELECT jsonb_agg(jsonb_build_object(
      'kind', known.kind, 'rule', 'before', 'at', to_jsonb(ticket.created_at),
      'quotes', coalesce((
        SELECT jsonb_agg(jsonb_build_object('part', 'text', 'start', 0, 'end', 0, 'words', word))
        FROM jsonb_array_elements_text(raised.value) AS word), '[]'::jsonb)))
    FROM jsonb_each(topic_evidence -> 'raised_by') AS raised
    JOIN (VALUES ('disconnection_notice', 'disconnection'), ('life_support', 'life_support'),
                 ('repeated_contact', 'repeated'), ('regulator_or_press', 'regulator'),
                 ('statutory_request', 'legal'), ('data_given', 'data_given')) AS known (name, kind)
      ON known.name = raised.key), '[]'::jsonb)
WHERE topic_evidence ? 'raised_by'
"""
# The text that emergencies got goes on as it stands, until somebody decides on it.
_CARRY = """
INSERT INTO safety_text (key, version, subject_en, body_en, subject_es, body_es, from_setup, written_at)
SELECT 'danger', 1, en.subject, en.body, es.subject, es.body, true, en.updated_at
FROM template AS en JOIN template AS es USING (key)
WHERE key = 'safety' AND en.language = 'en' AND es.language = 'es'
"""
_BACK = """
INSERT INTO template (key, language, subject, body)
SELECT 'safety', each.language, each.subject, each.body
FROM (SELECT * FROM safety_text WHERE key = 'danger' AND withdrawn_at IS NULL
      AND (from_setup OR approved_at IS NOT NULL) ORDER BY version DESC LIMIT 1) AS sent,
LATERAL (VALUES ('en', subject_en, body_en), ('es', subject_es, body_es)) AS each (language, subject, body)
ON CONFLICT DO NOTHING
"""


def allowed() -> list[str]:
    """The kinds of alert that the store allows now, whichever migration added them."""
    definition = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_alert_kind'")
    )
    return re.findall(r"'([a-z0-9_]+)'::", definition or "")


def allow(kinds: Sequence[str]) -> None:
    op.drop_constraint(op.f("ck_alert_kind"), "alert", type_="check")
    op.create_check_constraint(op.f("ck_alert_kind"), "alert", f"kind IN ({', '.join(map(repr, kinds))})")


def upgrade() -> None:
    allow(list(dict.fromkeys([*allowed(), *ALERTS])))
    op.add_column(
        "ticket", sa.Column("urgency", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.execute(_MOVE)
    op.create_table(
        "safety_text",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(
            "key", sa.Enum(*KEYS, name="key", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("subject_en", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("subject_es", sa.Text(), nullable=False),
        sa.Column("body_es", sa.Text(), nullable=False),
        sa.Column("from_setup", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("written_at", STAMP, server_default=sa.text("now()"), nullable=False),
        sa.Column("written_by_id", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", STAMP, nullable=True),
        sa.Column("approved_by_id", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", STAMP, nullable=True),
        sa.Column("withdrawn_by_id", sa.BigInteger(), nullable=True),
        *(
            sa.ForeignKeyConstraint([column], ["person.id"], name=op.f(f"fk_safety_text_{column}_person"))
            for column in ("written_by_id", "approved_by_id", "withdrawn_by_id")
        ),
        sa.CheckConstraint("(approved_at IS NULL) = (approved_by_id IS NULL)", name=op.f("ck_safety_text_approved")),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name=op.f("ck_safety_text_withdrawn")),
        sa.CheckConstraint("from_setup OR written_by_id IS NOT NULL", name=op.f("ck_safety_text_written")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_text")),
        sa.UniqueConstraint("key", "version", name=op.f("uq_safety_text_key_version")),
    )
    op.execute(_CARRY)
    op.execute("DELETE FROM template WHERE key = 'safety'")


def downgrade() -> None:
    op.execute(_BACK)
    op.drop_table("safety_text")
    op.drop_column("ticket", "urgency")
    op.execute(sa.text("DELETE FROM alert WHERE kind = ANY(:kinds)").bindparams(kinds=list(ALERTS)))
    allow([kind for kind in allowed() if kind not in ALERTS])
