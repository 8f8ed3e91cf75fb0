"""The store: every noun, the search function, and the triggers that keep the record append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_01"
down_revision = None
branch_labels = None
depends_on = None


FOLD_ACCENTS = """
CREATE FUNCTION fold_accents(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(normalize(lower(t), NFC),
    'áàâäãåāéèêëēíìîïīóòôöõōúùûüūñçýÿ', 'aaaaaaaeeeeeiiiiioooooouuuuuncyy')
"""

# A word matches in any language's stem, as written or with its accents folded: the twin of search_text.vector.
SEARCH_QUERY = """
CREATE FUNCTION search_query(q text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN websearch_to_tsquery('english', q) || websearch_to_tsquery('spanish', q)
    || websearch_to_tsquery('spanish', fold_accents(q)) || websearch_to_tsquery('simple', fold_accents(q))
"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""

APPEND_ONLY = ("entry", "audit_event", "transcript", "greeting_version", "greeting_rendition")


def upgrade() -> None:
    op.execute(FOLD_ACCENTS)
    op.execute(SEARCH_QUERY)
    op.execute(REFUSE_CHANGE)
    op.create_table(
        "customer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_table(
        "greeting_slot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column(
            "situation",
            sa.Enum(
                "open",
                "after_hours",
                "holiday",
                "emergency",
                name="situation",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("language IN ('en', 'es')", name=op.f("ck_greeting_slot_language")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_greeting_slot")),
        sa.UniqueConstraint("line", "language", "situation", name=op.f("uq_greeting_slot_line_language_situation")),
    )
    op.create_table(
        "mailbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "starting",
                "watching",
                "polling",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="starting",
            nullable=False,
        ),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox")),
        sa.UniqueConstraint("name", name=op.f("uq_mailbox_name")),
    )
    op.create_table(
        "opening_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.CheckConstraint("closes > opens OR closes = '00:00'", name=op.f("ck_opening_hours_closes_after_opens")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_opening_hours_weekday")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_hours")),
        sa.UniqueConstraint("weekday", "opens", name=op.f("uq_opening_hours_weekday_opens")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "intern",
                "csr1",
                "csr2",
                "supervisor",
                "manager",
                "administrator",
                "service",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("ui_language", sa.Text(), server_default="en", nullable=False),
        sa.Column("capacity", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("email = lower(email) AND email <> ''", name=op.f("ck_person_email_lower")),
        sa.CheckConstraint("ui_language IN ('en', 'es')", name=op.f("ck_person_ui_language")),
        sa.CheckConstraint("capacity BETWEEN 0 AND 50", name=op.f("ck_person_capacity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "problem",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), server_default="", nullable=False),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problem")),
    )
    op.create_index(
        "uq_problem_open", "problem", ["service", "key"], unique=True, postgresql_where=sa.text("resolved_at IS NULL")
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index("ix_sign_in_attempt_email_at", "sign_in_attempt", ["email", "at"], unique=False)
    op.create_index("ix_sign_in_attempt_ip_at", "sign_in_attempt", ["ip", "at"], unique=False)
    op.create_table(
        "special_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_es", sa.Text(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=True),
        sa.Column("closes", sa.Time(), nullable=True),
        sa.CheckConstraint("(opens IS NULL) = (closes IS NULL)", name=op.f("ck_special_day_both_or_none")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_special_day")),
    )
    op.create_table(
        "template",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("language IN ('en', 'es')", name=op.f("ck_template_language")),
        sa.PrimaryKeyConstraint("key", "language", name=op.f("pk_template")),
    )
    op.create_table(
        "access_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "scopes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_access_token_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_token_token_hash")),
    )
    op.create_table(
        "certification",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column(
            "mode",
            sa.Enum("spoken", "written", name="mode", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("verified_by_id", sa.BigInteger(), nullable=False),
        sa.Column("verified_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("valid_until IS NULL OR valid_until >= verified_on", name=op.f("ck_certification_dates")),
        sa.CheckConstraint("verified_by_id <> person_id", name=op.f("ck_certification_verified_by_another")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_certification_person_id_person")),
        sa.ForeignKeyConstraint(["verified_by_id"], ["person.id"], name=op.f("fk_certification_verified_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certification")),
    )
    op.create_index("ix_certification_person_id", "certification", ["person_id"], unique=False)
    op.create_table(
        "customer_identity",
        sa.Column(
            "kind",
            sa.Enum("email", "phone", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_identity_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_customer_identity")),
    )
    op.create_index("ix_customer_identity_customer_id", "customer_identity", ["customer_id"], unique=False)
    op.create_table(
        "greeting_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slot_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("original_blob", sa.Text(), nullable=False),
        sa.Column("original_name", sa.Text(), nullable=False),
        sa.Column("master_blob", sa.Text(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("loudness_lufs", sa.Float(), nullable=False),
        sa.Column("script", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "warnings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_greeting_version_author_id_person")),
        sa.ForeignKeyConstraint(
            ["slot_id"], ["greeting_slot.id"], name=op.f("fk_greeting_version_slot_id_greeting_slot")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_greeting_version")),
        sa.UniqueConstraint("slot_id", "number", name=op.f("uq_greeting_version_slot_id_number")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_idempotency_key_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "mail_folder",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_mail_folder_mailbox_id_mailbox")),
        sa.PrimaryKeyConstraint("mailbox_id", "name", name=op.f("pk_mail_folder")),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("rfc_message_id", sa.Text(), nullable=True),
        sa.Column(
            "in_reply_to",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "references", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("reply_token", sa.Text(), nullable=True),
        sa.Column("from_address", sa.Text(), nullable=False),
        sa.Column("from_name", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "reply_to", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column(
            "to_addresses",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "cc_addresses",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text_new", sa.Text(), server_default="", nullable=False),
        sa.Column("text_full", sa.Text(), server_default="", nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column(
            "machine",
            sa.Enum(
                "auto_reply",
                "bounce",
                "list",
                "loop",
                name="machine",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("machine_evidence", sa.Text(), nullable=True),
        sa.Column("bounce", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "headers", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "authentication",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "defects", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_message_mailbox_id_mailbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("blob", name=op.f("uq_message_blob")),
    )
    op.create_index("ix_message_rfc_message_id", "message", ["rfc_message_id"], unique=False)
    op.create_table(
        "presence",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "intent",
            sa.Enum(
                "available",
                "busy",
                "break",
                "offline",
                name="intent",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("unresponsive_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_presence_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_presence")),
    )
    op.create_table(
        "presence_lease",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("tab_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_presence_lease_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "tab_id", name=op.f("pk_presence_lease")),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "email",
                "voicemail",
                "phone",
                "walk_in",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "offered",
                "assigned",
                "waiting",
                "closed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("rev", sa.Integer(), server_default="1", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("language_confidence", sa.Float(), server_default="0", nullable=False),
        sa.Column(
            "language_source",
            sa.Enum(
                "text",
                "audio",
                "menu",
                "line",
                "history",
                "correction",
                "none",
                name="language_source",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="none",
            nullable=False,
        ),
        sa.Column(
            "language_evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("topic", sa.Text(), server_default="other", nullable=False),
        sa.Column(
            "topic_evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("topic_corrected", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "level",
            sa.Enum("intern", "csr1", "csr2", name="level", native_enum=False, create_constraint=True, length=40),
            server_default="csr1",
            nullable=False,
        ),
        sa.Column(
            "priority",
            sa.Enum(
                "emergency",
                "high",
                "normal",
                "low",
                name="priority",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="normal",
            nullable=False,
        ),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "priority_rank",
            sa.SmallInteger(),
            sa.Computed(
                "CASE priority WHEN 'emergency' THEN 0 WHEN 'high' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "due_order",
            sa.DateTime(timezone=True),
            sa.Computed("coalesce(first_response_due_at, 'infinity'::timestamptz)", persisted=True),
            nullable=False,
        ),
        sa.Column("weight", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("callback_number", sa.Text(), nullable=True),
        sa.Column("linked_ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("reply_token", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_response_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_responded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_ticket_closed_at")),
        sa.CheckConstraint(
            "(state IN ('assigned', 'waiting')) = (assignee_id IS NOT NULL)", name=op.f("ck_ticket_assignee")
        ),
        sa.CheckConstraint("language ~ '^([a-z]{2}|mixed|unknown)$'", name=op.f("ck_ticket_language")),
        sa.CheckConstraint("language_confidence BETWEEN 0 AND 1", name=op.f("ck_ticket_confidence")),
        sa.CheckConstraint("linked_ticket_id <> id", name=op.f("ck_ticket_linked")),
        sa.ForeignKeyConstraint(["assignee_id"], ["person.id"], name=op.f("fk_ticket_assignee_id_person")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_ticket_customer_id_customer")),
        sa.ForeignKeyConstraint(["linked_ticket_id"], ["ticket.id"], name=op.f("fk_ticket_linked_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("reply_token", name=op.f("uq_ticket_reply_token")),
    )
    op.create_index(
        "ix_ticket_assignee_open",
        "ticket",
        ["assignee_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('assigned', 'waiting')"),
    )
    op.create_index("ix_ticket_created_at", "ticket", ["created_at"], unique=False)
    op.create_index("ix_ticket_customer_id", "ticket", ["customer_id"], unique=False)
    op.create_index("ix_ticket_linked_ticket_id", "ticket", ["linked_ticket_id"], unique=False)
    op.create_index(
        "ix_ticket_urgency",
        "ticket",
        ["priority_rank", "due_order", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_index(
        "ix_ticket_queued",
        "ticket",
        ["language", "level", "first_response_due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "web_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("csrf_token", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.Column("ip", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_web_session_person_id_person")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_web_session")),
    )
    op.create_index("ix_web_session_person_id", "web_session", ["person_id"], unique=False)
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "emergency",
                "no_bilingual",
                "due_soon",
                "missed_offers",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_alert_person_id_person")),
        sa.ForeignKeyConstraint(["taken_by_id"], ["person.id"], name=op.f("fk_alert_taken_by_id_person")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_alert_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index(
        "ix_alert_open", "alert", ["created_at"], unique=False, postgresql_where=sa.text("taken_at IS NULL")
    )
    op.create_index(
        "uq_alert_open",
        "alert",
        ["kind", "ticket_id"],
        unique=True,
        postgresql_where=sa.text("taken_at IS NULL AND ticket_id IS NOT NULL"),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "offered",
                "accepted",
                "declined",
                "expired",
                "withdrawn",
                "done",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("assigned_by_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "explanation",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("offered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state IN ('offered', 'accepted')) = (ended_at IS NULL)", name=op.f("ck_assignment_ended")),
        sa.CheckConstraint("weight BETWEEN 0 AND 10", name=op.f("ck_assignment_weight")),
        sa.ForeignKeyConstraint(["assigned_by_id"], ["person.id"], name=op.f("fk_assignment_assigned_by_id_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assignment_person_id_person")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_assignment_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index(
        "ix_assignment_expiry",
        "assignment",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_index(
        "ix_assignment_person_open",
        "assignment",
        ["person_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('offered', 'accepted')"),
    )
    op.create_index("ix_assignment_ticket_id", "assignment", ["ticket_id"], unique=False)
    op.create_index(
        "uq_assignment_one_open",
        "assignment",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('offered', 'accepted')"),
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=True),
        sa.Column("inline", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("voicemail", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_attachment_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("message_id", "position", name=op.f("uq_attachment_message_id_position")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), server_default="", nullable=False),
        sa.Column("object_id", sa.Text(), server_default="", nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("ip", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_audit_event_actor_id_person")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_audit_event_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_actor_id", "audit_event", ["actor_id"], unique=False)
    op.create_index("ix_audit_event_at", "audit_event", ["at"], unique=False)
    op.create_index(
        "ix_audit_event_ticket_id",
        "audit_event",
        ["ticket_id"],
        unique=False,
        postgresql_where=sa.text("ticket_id IS NOT NULL"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "reply",
                "acknowledgement",
                "safety",
                "page",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sending",
                "sent",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("to_addresses", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "cc_addresses",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("rfc_message_id", sa.Text(), nullable=False),
        sa.Column("in_reply_to", sa.Text(), nullable=True),
        sa.Column(
            "references", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("reply_token", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failure_noted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_delivery_sent")),
        sa.CheckConstraint("state <> 'failed' OR last_error IS NOT NULL", name=op.f("ck_delivery_failed")),
        sa.CheckConstraint("jsonb_array_length(to_addresses) > 0", name=op.f("ck_delivery_to")),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_delivery_created_by_id_person")),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_delivery_mailbox_id_mailbox")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_delivery_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("rfc_message_id", name=op.f("uq_delivery_rfc_message_id")),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index("ix_delivery_ticket_id", "delivery", ["ticket_id"], unique=False)
    op.create_index(
        "ix_delivery_to_note",
        "delivery",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state IN ('sent', 'failed') AND NOT failure_noted"),
    )
    op.create_index(
        "uq_delivery_one_acknowledgement",
        "delivery",
        ["ticket_id", "kind"],
        unique=True,
        postgresql_where=sa.text("kind IN ('acknowledgement', 'safety')"),
    )
    op.create_table(
        "greeting_activation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slot_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_greeting_activation_times")),
        sa.ForeignKeyConstraint(
            ["cancelled_by_id"], ["person.id"], name=op.f("fk_greeting_activation_cancelled_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["person.id"], name=op.f("fk_greeting_activation_created_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["slot_id"], ["greeting_slot.id"], name=op.f("fk_greeting_activation_slot_id_greeting_slot")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["greeting_version.id"], name=op.f("fk_greeting_activation_version_id_greeting_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_greeting_activation")),
    )
    op.create_index("ix_greeting_activation_slot_id", "greeting_activation", ["slot_id"], unique=False)
    op.create_table(
        "greeting_live",
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.Column("wanted_version_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "situation",
            sa.Enum(
                "open",
                "after_hours",
                "holiday",
                "emergency",
                name="situation",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("live", "failed", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("live_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name=op.f("ck_greeting_live_failed_has_error")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["greeting_version.id"], name=op.f("fk_greeting_live_version_id_greeting_version")
        ),
        sa.ForeignKeyConstraint(
            ["wanted_version_id"],
            ["greeting_version.id"],
            name=op.f("fk_greeting_live_wanted_version_id_greeting_version"),
        ),
        sa.PrimaryKeyConstraint("line", "language", "target", name=op.f("pk_greeting_live")),
    )
    op.create_table(
        "greeting_rendition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["greeting_version.id"], name=op.f("fk_greeting_rendition_version_id_greeting_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_greeting_rendition")),
        sa.UniqueConstraint("version_id", "target", name=op.f("uq_greeting_rendition_version_id_target")),
    )
    op.create_table(
        "mail_receipt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("internal_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.Enum("stored", "parsed", "dead", name="state", native_enum=False, create_constraint=True, length=40),
            server_default="stored",
            nullable=False,
        ),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'parsed') = (message_id IS NOT NULL)", name=op.f("ck_mail_receipt_parsed_has_message")
        ),
        sa.CheckConstraint("state <> 'dead' OR error IS NOT NULL", name=op.f("ck_mail_receipt_dead_has_error")),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_mail_receipt_mailbox_id_mailbox")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_mail_receipt_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_receipt")),
        sa.UniqueConstraint(
            "mailbox_id", "folder", "uidvalidity", "uid", name=op.f("uq_mail_receipt_mailbox_id_folder_uidvalidity_uid")
        ),
    )
    op.create_index("ix_mail_receipt_message_id", "mail_receipt", ["message_id"], unique=False)
    op.create_index(
        "ix_mail_receipt_stored", "mail_receipt", ["id"], unique=False, postgresql_where=sa.text("state = 'stored'")
    )
    op.create_table(
        "participant",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_participant_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("ticket_id", "address", name=op.f("pk_participant")),
    )
    op.create_table(
        "search_text",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "vector",
            postgresql.TSVECTOR(),
            sa.Computed(
                "\nCASE WHEN language = 'en' THEN to_tsvector('english', body)\n     WHEN language = 'es' THEN to_tsvector('spanish', body) || to_tsvector('spanish', fold_accents(body))\n     ELSE to_tsvector('english', body) || to_tsvector('spanish', body) || to_tsvector('spanish', fold_accents(body))\nEND || to_tsvector('simple', fold_accents(body))\n",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_search_text_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_text")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_search_text_source_source_id")),
    )
    op.create_index("ix_search_text_ticket_id", "search_text", ["ticket_id"], unique=False)
    op.create_index("ix_search_text_vector", "search_text", ["vector"], unique=False, postgresql_using="gin")
    op.create_table(
        "recording",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "source",
            sa.Enum("upload", "spool", "email", name="source", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("attachment_id", sa.BigInteger(), nullable=True),
        sa.Column("line", sa.Text(), server_default="", nullable=False),
        sa.Column("mailbox", sa.Text(), server_default="", nullable=False),
        sa.Column("caller_id", sa.Text(), nullable=True),
        sa.Column("caller_name", sa.Text(), server_default="", nullable=False),
        sa.Column("menu_language", sa.Text(), nullable=True),
        sa.Column("urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("playback_blob", sa.Text(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "transcribed",
                "failed",
                "no_engine",
                "unreadable",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="received",
            nullable=False,
        ),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name=op.f("fk_recording_attachment_id_attachment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint("attachment_id", name=op.f("uq_recording_attachment_id")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_recording_source_source_id")),
    )
    op.create_index("ix_recording_blob", "recording", ["blob"], unique=False)
    op.create_index(
        "ix_recording_waiting",
        "recording",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state IN ('received', 'failed', 'no_engine')"),
    )
    op.create_table(
        "transcript",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("language_confidence", sa.Float(), nullable=False),
        sa.Column("language_evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "flags", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("model_sha256", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("language_confidence BETWEEN 0 AND 1", name=op.f("ck_transcript_confidence")),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name=op.f("fk_transcript_recording_id_recording")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcript")),
    )
    op.create_index("ix_transcript_recording_id", "transcript", ["recording_id"], unique=False)
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "mail_in",
                "mail_out",
                "acknowledgement",
                "machine_mail",
                "bounce",
                "voicemail",
                "transcript",
                "contact",
                "note",
                "offered",
                "accepted",
                "declined",
                "expired",
                "assigned",
                "released",
                "language",
                "topic",
                "priority",
                "state",
                "delivery_failed",
                "delivery_sent",
                "linked",
                "alert",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("recording_id", sa.BigInteger(), nullable=True),
        sa.Column("transcript_id", sa.BigInteger(), nullable=True),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_entry_actor_id_person")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_entry_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_entry_message_id_message")),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name=op.f("fk_entry_recording_id_recording")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_entry_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], name=op.f("fk_entry_transcript_id_transcript")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
    )
    op.create_index(
        "ix_entry_message_id", "entry", ["message_id"], unique=False, postgresql_where=sa.text("message_id IS NOT NULL")
    )
    op.create_index(
        "ix_entry_recording_id",
        "entry",
        ["recording_id"],
        unique=False,
        postgresql_where=sa.text("recording_id IS NOT NULL"),
    )
    op.create_index("ix_entry_ticket_id", "entry", ["ticket_id", "id"], unique=False)
    op.create_table(
        "intake",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("recording_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "ticketed",
                "attached",
                "held",
                "failed",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("transcript_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(outcome = 'failed') = (error IS NOT NULL)", name=op.f("ck_intake_error")),
        sa.CheckConstraint("(outcome = 'held') = (policy IS NOT NULL)", name=op.f("ck_intake_policy")),
        sa.CheckConstraint(
            "(outcome IN ('ticketed', 'attached')) = (ticket_id IS NOT NULL)", name=op.f("ck_intake_ticket")
        ),
        sa.CheckConstraint("num_nonnulls(message_id, recording_id) = 1", name=op.f("ck_intake_one_source")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_intake_message_id_message")),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name=op.f("fk_intake_recording_id_recording")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_intake_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], name=op.f("fk_intake_transcript_id_transcript")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake")),
        sa.UniqueConstraint("message_id", name=op.f("uq_intake_message_id")),
        sa.UniqueConstraint("recording_id", name=op.f("uq_intake_recording_id")),
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER never_truncated BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("intake")
    op.drop_index("ix_entry_ticket_id", table_name="entry")
    op.drop_index("ix_entry_recording_id", table_name="entry", postgresql_where=sa.text("recording_id IS NOT NULL"))
    op.drop_index("ix_entry_message_id", table_name="entry", postgresql_where=sa.text("message_id IS NOT NULL"))
    op.drop_table("entry")
    op.drop_index("ix_transcript_recording_id", table_name="transcript")
    op.drop_table("transcript")
    op.drop_index(
        "ix_recording_waiting",
        table_name="recording",
        postgresql_where=sa.text("state IN ('received', 'failed', 'no_engine')"),
    )
    op.drop_table("recording")
    op.drop_index("ix_search_text_vector", table_name="search_text", postgresql_using="gin")
    op.drop_index("ix_search_text_ticket_id", table_name="search_text")
    op.drop_table("search_text")
    op.drop_table("participant")
    op.drop_index("ix_mail_receipt_stored", table_name="mail_receipt", postgresql_where=sa.text("state = 'stored'"))
    op.drop_index("ix_mail_receipt_message_id", table_name="mail_receipt")
    op.drop_table("mail_receipt")
    op.drop_table("greeting_rendition")
    op.drop_table("greeting_live")
    op.drop_index("ix_greeting_activation_slot_id", table_name="greeting_activation")
    op.drop_table("greeting_activation")
    op.drop_index(
        "uq_delivery_one_acknowledgement",
        table_name="delivery",
        postgresql_where=sa.text("kind IN ('acknowledgement', 'safety')"),
    )
    op.drop_index(
        "ix_delivery_to_note",
        table_name="delivery",
        postgresql_where=sa.text("state IN ('sent', 'failed') AND NOT failure_noted"),
    )
    op.drop_index("ix_delivery_ticket_id", table_name="delivery")
    op.drop_index("ix_delivery_due", table_name="delivery", postgresql_where=sa.text("state IN ('queued', 'sending')"))
    op.drop_table("delivery")
    op.drop_index(
        "ix_audit_event_ticket_id", table_name="audit_event", postgresql_where=sa.text("ticket_id IS NOT NULL")
    )
    op.drop_index("ix_audit_event_at", table_name="audit_event")
    op.drop_index("ix_audit_event_actor_id", table_name="audit_event")
    op.drop_table("audit_event")
    op.drop_table("attachment")
    op.drop_index(
        "uq_assignment_one_open", table_name="assignment", postgresql_where=sa.text("state IN ('offered', 'accepted')")
    )
    op.drop_index("ix_assignment_ticket_id", table_name="assignment")
    op.drop_index(
        "ix_assignment_person_open",
        table_name="assignment",
        postgresql_where=sa.text("state IN ('offered', 'accepted')"),
    )
    op.drop_index("ix_assignment_expiry", table_name="assignment", postgresql_where=sa.text("state = 'offered'"))
    op.drop_table("assignment")
    op.drop_index(
        "uq_alert_open", table_name="alert", postgresql_where=sa.text("taken_at IS NULL AND ticket_id IS NOT NULL")
    )
    op.drop_index("ix_alert_open", table_name="alert", postgresql_where=sa.text("taken_at IS NULL"))
    op.drop_table("alert")
    op.drop_index("ix_web_session_person_id", table_name="web_session")
    op.drop_table("web_session")
    op.drop_index("ix_ticket_queued", table_name="ticket", postgresql_where=sa.text("state = 'queued'"))
    op.drop_index("ix_ticket_urgency", table_name="ticket", postgresql_where=sa.text("state <> 'closed'"))
    op.drop_index("ix_ticket_linked_ticket_id", table_name="ticket")
    op.drop_index("ix_ticket_customer_id", table_name="ticket")
    op.drop_index("ix_ticket_created_at", table_name="ticket")
    op.drop_index(
        "ix_ticket_assignee_open", table_name="ticket", postgresql_where=sa.text("state IN ('assigned', 'waiting')")
    )
    op.drop_table("ticket")
    op.drop_table("presence_lease")
    op.drop_table("presence")
    op.drop_index("ix_message_rfc_message_id", table_name="message")
    op.drop_table("message")
    op.drop_table("mail_folder")
    op.drop_table("idempotency_key")
    op.drop_table("greeting_version")
    op.drop_index("ix_customer_identity_customer_id", table_name="customer_identity")
    op.drop_table("customer_identity")
    op.drop_index("ix_certification_person_id", table_name="certification")
    op.drop_table("certification")
    op.drop_table("access_token")
    op.drop_table("template")
    op.drop_table("special_day")
    op.drop_index("ix_sign_in_attempt_ip_at", table_name="sign_in_attempt")
    op.drop_index("ix_sign_in_attempt_email_at", table_name="sign_in_attempt")
    op.drop_table("sign_in_attempt")
    op.drop_index("uq_problem_open", table_name="problem", postgresql_where=sa.text("resolved_at IS NULL"))
    op.drop_table("problem")
    op.drop_table("person")
    op.drop_table("opening_hours")
    op.drop_table("mailbox")
    op.drop_table("greeting_slot")
    op.drop_table("customer")
    op.execute("DROP FUNCTION search_query")
    op.execute("DROP FUNCTION fold_accents")
    op.execute("DROP FUNCTION refuse_change")
