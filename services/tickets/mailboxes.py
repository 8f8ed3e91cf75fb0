"""What administrators do with mailboxes: add, change, pause, resume, test, remove."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import mailbox_fields
from services.tickets.mailbox_fields import MailboxFields
from services.tickets.views.mailboxes import name_is_taken
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.mailboxes import own_addresses
from shared.models import (
    CheckState,
    Mailbox,
    MailboxAccount,
    MailboxCheck,
    MailboxSignIn,
    MailboxState,
    MailboxToken,
    SignInWith,
)
from shared.people import Actor, Permission
from shared.secrets import Safe
from shared.settings import Settings


async def lock_account(session: AsyncSession, mailbox_id: int) -> tuple[Mailbox, MailboxAccount]:
    """A mailbox that administrators manage, locked. Raises NotFound, or Conflict when the settings have it."""
    mailbox = await session.get(Mailbox, mailbox_id)
    account = await session.get(MailboxAccount, mailbox_id, with_for_update=True, populate_existing=True)
    if mailbox is not None and account is None:
        raise Conflict("This mailbox comes from the settings: change it there and restart the inbox.")
    if mailbox is None or account is None or account.removed_at is not None:
        raise NotFound("There is no such mailbox.")
    return mailbox, account


async def add(session: AsyncSession, settings: Settings, me: Actor, name: str, fields: MailboxFields) -> int:
    """The new mailbox's id; the inbox begins to watch it at once. Raises Invalid or Conflict."""
    me.require(Permission.MAILBOX_WRITE)
    name = mailbox_fields.clean_name(name)
    values = mailbox_fields.columns(fields)
    secrets = mailbox_fields.secrets_of(fields)
    _has_secret(values, secrets, None)
    if await name_is_taken(session, settings, name):
        raise Conflict("There is, or was, a mailbox of this name. Choose another one.")
    address = values.pop("address")
    if address in await own_addresses(session, settings):
        raise Conflict("There is a mailbox with this address already.")
    mailbox = Mailbox(name=name, address=address)
    session.add(mailbox)
    await session.flush()
    account = MailboxAccount(mailbox_id=mailbox.id, **values)
    _seal(settings, account, secrets)
    session.add(account)
    await session.flush()
    await _changed(session, me, mailbox, "mailbox.create", {**_told(values), "address": address, "secrets": [*secrets]})
    return mailbox.id


async def change(session: AsyncSession, settings: Settings, me: Actor, mailbox_id: int, fields: MailboxFields) -> None:
    """As it is now said; a secret that is empty or left out stays. Raises Invalid, Conflict or NotFound."""
    me.require(Permission.MAILBOX_WRITE)
    mailbox, account = await lock_account(session, mailbox_id)
    values = mailbox_fields.columns(fields)
    secrets = mailbox_fields.secrets_of(fields)
    address = values.pop("address")
    elsewhere = mailbox_fields.goes_elsewhere(account, values)
    _has_secret(values, secrets, account, elsewhere=elsewhere)
    if address != mailbox.address.lower() and address in await own_addresses(session, settings):
        raise Conflict("There is a mailbox with this address already.")
    changed = {name: value for name, value in values.items() if getattr(account, name) != value}
    if address != mailbox.address:
        changed["address"] = mailbox.address = address
    if not changed and not secrets:
        return
    for name, value in values.items():
        setattr(account, name, value)
    _seal(settings, account, secrets)
    if account.sign_in_with is SignInWith.PASSWORD:
        account.client_secret = None
    else:
        account.password = None
    if elsewhere or secrets or changed.keys() & {"client_id", "scope"}:
        # Tokens of before say nothing of what was entered now; a refresh token is only the provider's that gave it.
        token = await session.get(MailboxToken, mailbox_id, with_for_update=True)
        if token is not None:
            token.access_token = token.failed_at = token.error = None
            if changed.keys() & {"token_endpoint", "client_id", "sign_in_with"}:
                token.refresh_token = token.refresh_expires_at = None
    account.rev += 1
    await _changed(session, me, mailbox, "mailbox.change", {**_told(changed), "secrets": [*secrets]})


async def pause(session: AsyncSession, me: Actor, mailbox_id: int) -> None:
    """Nothing is fetched and nothing is sent from here; what is queued for it waits."""
    me.require(Permission.MAILBOX_WRITE)
    mailbox, account = await lock_account(session, mailbox_id)
    if account.paused_at is None:
        account.paused_at = clock.now()
        await _changed(session, me, mailbox, "mailbox.pause")


async def resume(session: AsyncSession, me: Actor, mailbox_id: int) -> None:
    """What came meanwhile is taken in, what waited is sent."""
    me.require(Permission.MAILBOX_WRITE)
    mailbox, account = await lock_account(session, mailbox_id)
    if account.paused_at is not None:
        account.paused_at = None
        await _changed(session, me, mailbox, "mailbox.resume")


async def remove(session: AsyncSession, me: Actor, mailbox_id: int) -> None:
    """Its mail and history stay, its secrets and tokens go. What is queued leaves by the first mailbox that can."""
    me.require(Permission.MAILBOX_WRITE)
    mailbox, account = await lock_account(session, mailbox_id)
    account.removed_at = clock.now()
    account.password = account.client_secret = None
    account.rev += 1
    await session.execute(delete(MailboxToken).where(MailboxToken.mailbox_id == mailbox_id))
    await session.execute(delete(MailboxSignIn).where(MailboxSignIn.mailbox_id == mailbox_id))
    mailbox.state, mailbox.last_error_code, mailbox.last_error = MailboxState.STARTING, None, None
    await _changed(session, me, mailbox, "mailbox.remove")


async def ask_for_check(session: AsyncSession, settings: Settings, me: Actor, mailbox_id: int) -> int:
    """The id of the test that an inbox now does: this one, or the one that is under way."""
    me.require(Permission.MAILBOX_WRITE)
    mailbox = await session.get(Mailbox, mailbox_id, with_for_update=True)
    account = await session.get(MailboxAccount, mailbox_id)
    in_settings = mailbox is not None and mailbox.name in {each.name for each in settings.mailboxes}
    if mailbox is None or (account is None and not in_settings) or (account is not None and account.removed_at):
        raise NotFound("There is no such mailbox.")
    check_id: int | None = await session.scalar(
        select(MailboxCheck.id).where(
            MailboxCheck.mailbox_id == mailbox_id, MailboxCheck.state.in_([CheckState.ASKED, CheckState.RUNNING])
        )
    )
    if check_id is None:
        check = MailboxCheck(mailbox_id=mailbox_id, asked_by_id=me.id)
        session.add(check)
        await session.flush()
        check_id = check.id
        audit.record(session, me.id, "mailbox.check", object_type="mailbox", object_id=mailbox_id, ip=me.ip)
        await publish(session, Event("mailbox", mailbox_id, what="check"))
    ring(session, Job.CHECK_MAILBOX, check_id)
    return check_id


def _has_secret(
    values: dict[str, Any], secrets: dict[str, str], account: MailboxAccount | None, *, elsewhere: bool = False
) -> None:
    """Raises Invalid when a secret is missing, or would go where it was not entered for."""
    needed = mailbox_fields.needed_secret(values)
    stored = {name for name in mailbox_fields.SECRETS if account is not None and getattr(account, name) is not None}
    if needed is not None and needed not in secrets and needed not in stored:
        if needed == "password":
            raise Invalid("Enter the password.", field="password")
        raise Invalid("Enter the client secret.", field="client_secret")
    kept = [name for name in ("password", "client_secret") if name in stored and name not in secrets]
    used = "password" if values["sign_in_with"] is SignInWith.PASSWORD else "client_secret"
    if elsewhere and used in kept:
        raise Invalid("Enter the secret again: with this change it goes to another server.", field=used)


def _seal(settings: Settings, account: MailboxAccount, secrets: dict[str, str]) -> None:
    safe = Safe(settings)
    for name, secret in secrets.items():
        setattr(account, name, safe.seal(secret, f"mailbox_account:{account.mailbox_id}:{name}"))


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """For the audit log: secrets are not among these values."""
    return {name: value if isinstance(value, int | list) else str(value) for name, value in values.items() if value}


async def _changed(
    session: AsyncSession, me: Actor, mailbox: Mailbox, action: str, detail: dict[str, Any] | None = None
) -> None:
    audit.record(
        session, me.id, action, object_type="mailbox", object_id=mailbox.id,
        detail={"name": mailbox.name, **(detail or {})}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("mailbox", mailbox.id, what=action.partition(".")[2]))
    ring(session, Job.APPLY_MAILBOXES, mailbox.id)
