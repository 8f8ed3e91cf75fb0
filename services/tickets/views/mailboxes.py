"""Mailboxes as administrators see them. No secret is among what is read, only whether there is one.

Who may look is the caller's question (`health.read`)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.errors import NotFound
from shared.models import (
    CheckState,
    Delivery,
    DeliveryState,
    Mailbox,
    MailboxAccount,
    MailboxCheck,
    MailboxToken,
    Person,
    Security,
    SignInWith,
)
from shared.settings import MailboxSettings, Settings


class Condition(StrEnum):
    """How a mailbox is: what the inbox found, or what an administrator decided."""

    STARTING = "starting"
    WATCHING = "watching"
    POLLING = "polling"
    FAILED = "failed"
    PAUSED = "paused"
    REMOVED = "removed"
    LEFT_SETTINGS = "left_settings"  # it stood in the settings once


class StepView(BaseModel):
    model_config = ConfigDict(frozen=True)

    step: str = Field(
        description="token, connect, sign_in, folders, smtp_connect, smtp_sign_in, sent, arrived, plus_arrived"
    )
    state: Literal["waiting", "running", "good", "failed", "skipped"]
    message: str = Field(default="", description="What is wrong.")
    hint: str = Field(default="", description="What to do about it.")
    words: str = Field(default="", description="The server's own.")
    found: list[str] = Field(default=[], description="Names of folders.")


class CheckView(BaseModel):
    """A test of a mailbox, as far as it is."""

    model_config = ConfigDict(frozen=True)

    id: int
    state: CheckState
    asked_at: datetime
    asked_by: str
    finished_at: datetime | None
    steps: list[StepView]

    @property
    def under_way(self) -> bool:
        return self.state in (CheckState.ASKED, CheckState.RUNNING)


class MailboxView(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    address: str
    source: Literal["settings", "store"] = Field(description="`settings`: can only be changed there.")
    state: Condition
    last_seen_at: datetime | None = Field(description="Last good answer of the server.")
    last_error_code: str | None = Field(description="Such as `wrong_password`: why it cannot be read.")
    last_error: str | None = Field(description="The server's own words.")
    last_error_at: datetime | None


class MailboxDetail(MailboxView):
    """With how it is reached."""

    display_name: str
    username: str
    sign_in_with: SignInWith | None = Field(description="Null: a token command of the settings.")
    has_password: bool
    client_id: str | None
    has_client_secret: bool
    client_secret_expires_on: date | None
    token_endpoint: str | None
    authorization_endpoint: str | None
    scope: str | None
    signed_in: bool = Field(description="A refresh token is there.")
    token_expires_at: datetime | None = Field(description="Of the access token; it is renewed long before.")
    token_error: str | None = Field(description="The token server's words, while it refuses.")
    imap_host: str
    imap_port: int
    imap_security: Security
    folders: list[str]
    voicemail_folders: list[str]
    voicemail_senders: list[str]
    voicemail_hosts: list[str]
    authserv_ids: list[str]
    arc_sealers: list[str]
    spam_headers: list[str] | None
    form_senders: list[str]
    smtp_host: str | None
    smtp_port: int | None
    smtp_security: Security | None
    smtp_username: str | None
    keep_sent: bool | None
    sent_folder: str | None
    sends_per_minute: int | None
    max_parse_bytes: int | None
    waiting: int = Field(description="Mails of ours that are queued to leave from here.")
    check: CheckView | None = Field(description="The latest test.")


async def list_mailboxes(
    session: AsyncSession, settings: Settings, *, include_removed: bool = False
) -> list[MailboxView]:
    rows = await session.execute(
        select(Mailbox, MailboxAccount)
        .outerjoin(MailboxAccount, MailboxAccount.mailbox_id == Mailbox.id)
        .order_by(Mailbox.name)
    )
    views = [MailboxView.model_validate(_common(settings, row[0], row[1])) for row in rows]
    gone = (Condition.REMOVED, Condition.LEFT_SETTINGS)
    return [view for view in views if include_removed or view.state not in gone]


async def show_mailbox(session: AsyncSession, settings: Settings, mailbox_id: int) -> MailboxDetail:
    mailbox = await session.get(Mailbox, mailbox_id, populate_existing=True)
    if mailbox is None:
        raise NotFound("There is no such mailbox.")
    account = await session.get(MailboxAccount, mailbox_id, populate_existing=True)
    own = _in_settings(settings, mailbox)
    reached = _of_account(account) if account is not None else _of_settings(own)
    token = await session.get(MailboxToken, mailbox_id, populate_existing=True)
    waiting = await session.scalar(
        select(func.count()).where(Delivery.mailbox_id == mailbox_id, Delivery.state == DeliveryState.QUEUED)
    )
    return MailboxDetail.model_validate(
        {
            **_common(settings, mailbox, account),
            **reached,
            "signed_in": token is not None and token.refresh_token is not None,
            "token_expires_at": token.expires_at if token is not None and token.access_token is not None else None,
            "token_error": token.error if token is not None else None,
            "waiting": waiting or 0,
            "check": await latest_check(session, mailbox_id),
        }
    )


async def latest_check(session: AsyncSession, mailbox_id: int) -> CheckView | None:
    found = (
        await session.execute(
            select(MailboxCheck, Person.name)
            .join(Person, Person.id == MailboxCheck.asked_by_id)
            .where(MailboxCheck.mailbox_id == mailbox_id)
            .order_by(MailboxCheck.id.desc())
            .limit(1)
        )
    ).one_or_none()
    if found is None:
        return None
    check, name = found
    steps = [StepView.model_validate(step) for step in check.steps]
    return CheckView(
        id=check.id,
        state=check.state,
        asked_at=check.asked_at,
        asked_by=name,
        finished_at=check.finished_at,
        steps=steps,
    )


async def name_is_taken(session: AsyncSession, settings: Settings, name: str) -> bool:
    if any(mailbox.name == name for mailbox in settings.mailboxes):
        return True
    return await session.scalar(select(Mailbox.id).where(Mailbox.name == name)) is not None


def _in_settings(settings: Settings, mailbox: Mailbox) -> MailboxSettings | None:
    return next((each for each in settings.mailboxes if each.name == mailbox.name), None)


def _common(settings: Settings, mailbox: Mailbox, account: MailboxAccount | None) -> dict[str, Any]:
    state = Condition(mailbox.state.value)
    if account is None:
        # Whoever looks may run with other settings than the inbox: what it has seen lately counts too.
        seen = mailbox.last_seen_at is not None and mailbox.last_seen_at > clock.now() - timedelta(days=1)
        if _in_settings(settings, mailbox) is None and not seen:
            state = Condition.LEFT_SETTINGS
    elif account.removed_at is not None:
        state = Condition.REMOVED
    elif account.paused_at is not None:
        state = Condition.PAUSED
    return {
        "id": mailbox.id,
        "name": mailbox.name,
        "address": mailbox.address,
        "source": "settings" if account is None else "store",
        "state": state,
        "last_seen_at": mailbox.last_seen_at,
        "last_error_code": mailbox.last_error_code,
        "last_error": mailbox.last_error,
        "last_error_at": mailbox.last_error_at,
    }


_PLAIN: Sequence[str] = (
    "display_name", "username", "sign_in_with", "client_id", "client_secret_expires_on", "token_endpoint",
    "authorization_endpoint", "scope", "imap_host", "imap_port", "imap_security", "folders", "voicemail_folders",
    "voicemail_senders", "voicemail_hosts", "authserv_ids", "arc_sealers", "spam_headers",
    "form_senders", "smtp_host", "smtp_port", "smtp_security", "smtp_username", "keep_sent", "sent_folder",
    "sends_per_minute", "max_parse_bytes",
)  # fmt: skip


def _of_account(account: MailboxAccount) -> dict[str, Any]:
    return {
        **{name: getattr(account, name) for name in _PLAIN},
        "has_password": account.password is not None,
        "has_client_secret": account.client_secret is not None,
    }


def _of_settings(mailbox: MailboxSettings | None) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(_PLAIN)
    values |= {
        "has_password": False,
        "has_client_secret": False,
        "imap_host": "",
        "imap_port": 0,
        "imap_security": "tls",
    }
    values |= {"display_name": "", "username": "", "folders": [], "voicemail_folders": []}
    values |= {
        "voicemail_hosts": [],
        "voicemail_senders": [],
        "authserv_ids": [],
        "arc_sealers": [],
        "form_senders": [],
    }
    if mailbox is None:
        return values
    values |= mailbox.model_dump(include={*_PLAIN})
    values |= {
        "sign_in_with": SignInWith.PASSWORD if mailbox.password is not None else None,
        "has_password": mailbox.password is not None,
        "imap_host": mailbox.imap.host,
        "imap_port": mailbox.imap.port,
        "imap_security": mailbox.imap.security,
    }
    if mailbox.smtp is not None:
        values |= {
            "smtp_host": mailbox.smtp.host,
            "smtp_port": mailbox.smtp.port,
            "smtp_security": mailbox.smtp.security,
        }
    return values
