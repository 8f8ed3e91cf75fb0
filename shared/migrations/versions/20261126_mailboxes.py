"""Mailboxes that administrators add and change, with their secrets encrypted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_02"
down_revision = "20261126_01"
branch_labels = None
depends_on = None

EMPTY = sa.text("'[]'::jsonb")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _moment(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def upgrade() -> None:
    op.create_table(
        "mailbox_account",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column(
            "sign_in_with", _choice("sign_in_with", "password", "client_credentials", "refresh_token"), nullable=False
        ),
        sa.Column("password", sa.LargeBinary(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("client_secret", sa.LargeBinary(), nullable=True),
        sa.Column("client_secret_expires_on", sa.Date(), nullable=True),
        sa.Column("token_endpoint", sa.Text(), nullable=True),
        sa.Column("authorization_endpoint", sa.Text(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("imap_host", sa.Text(), nullable=False),
        sa.Column("imap_port", sa.Integer(), nullable=False),
        sa.Column("imap_security", _choice("imap_security", "tls", "starttls", "none"), nullable=False),
        sa.Column("folders", postgresql.JSONB(), nullable=False),
        sa.Column("voicemail_folders", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("voicemail_senders", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("authserv_ids", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("arc_sealers", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("spam_headers", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("form_senders", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("smtp_host", sa.Text(), nullable=True),
        sa.Column("smtp_port", sa.Integer(), nullable=True),
        sa.Column("smtp_security", _choice("smtp_security", "tls", "starttls", "none"), nullable=True),
        sa.Column("smtp_username", sa.Text(), nullable=True),
        sa.Column("keep_sent", sa.Boolean(), nullable=True),
        sa.Column("sent_folder", sa.Text(), nullable=True),
        sa.Column("sends_per_minute", sa.Integer(), nullable=True),
        sa.Column("max_parse_bytes", sa.BigInteger(), nullable=True),
        sa.Column("rev", sa.Integer(), server_default="1", nullable=False),
        _moment("paused_at", nullable=True),
        _moment("removed_at", nullable=True),
        _moment("created_at", server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(smtp_host IS NULL) = (smtp_port IS NULL)", name=op.f("ck_mailbox_account_smtp_port")),
        sa.CheckConstraint(
            "(smtp_host IS NULL) = (smtp_security IS NULL)", name=op.f("ck_mailbox_account_smtp_secure")
        ),
        sa.CheckConstraint(
            "sign_in_with = 'password' OR (client_id IS NOT NULL AND token_endpoint IS NOT NULL)",
            name=op.f("ck_mailbox_account_oauth_client"),
        ),
        sa.CheckConstraint(
            "removed_at IS NULL OR (password IS NULL AND client_secret IS NULL)",
            name=op.f("ck_mailbox_account_removed_has_no_secret"),
        ),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_mailbox_account_mailbox_id_mailbox")),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_mailbox_account")),
    )
    op.create_table(
        "mailbox_token",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("access_token", sa.LargeBinary(), nullable=True),
        _moment("obtained_at", nullable=True),
        _moment("expires_at", nullable=True),
        _moment("refresh_expires_at", nullable=True),
        _moment("failed_at", nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_mailbox_token_mailbox_id_mailbox")),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_mailbox_token")),
    )
    op.create_table(
        "mailbox_sign_in",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=True),
        sa.Column("code", sa.LargeBinary(), nullable=True),
        _moment("created_at", server_default=sa.text("now()"), nullable=False),
        _moment("returned_at", nullable=True),
        _moment("finished_at", nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_mailbox_sign_in_mailbox_id_mailbox")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_mailbox_sign_in_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox_sign_in")),
        sa.UniqueConstraint("state", name=op.f("uq_mailbox_sign_in_state")),
    )
    op.create_index(
        "ix_mailbox_sign_in_returned", "mailbox_sign_in", ["mailbox_id"], postgresql_where=sa.text("code IS NOT NULL")
    )
    op.create_table(
        "mailbox_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state", _choice("state", "asked", "running", "good", "failed"), server_default="asked", nullable=False
        ),
        sa.Column("steps", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("probes", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        _moment("asked_at", server_default=sa.text("now()"), nullable=False),
        _moment("leased_until", nullable=True),
        _moment("finished_at", nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_mailbox_check_mailbox_id_mailbox")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name=op.f("fk_mailbox_check_asked_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox_check")),
    )
    op.create_index(
        "uq_mailbox_check_open",
        "mailbox_check",
        ["mailbox_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('asked', 'running')"),
    )
    op.create_index("ix_mailbox_check_mailbox_id", "mailbox_check", ["mailbox_id", "id"])
    op.create_index("ix_mailbox_check_probes", "mailbox_check", ["probes"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_table("mailbox_check")
    op.drop_table("mailbox_sign_in")
    op.drop_table("mailbox_token")
    op.drop_table("mailbox_account")
