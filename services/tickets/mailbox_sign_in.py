"""A person signs in at the provider, so that the inbox gets a refresh token: the way there and back.

Authorisation code (RFC 6749 section 4.1) with PKCE (RFC 7636). The way back is only good for the same person in the
same browser session, within minutes and once. What comes back is a code: it is sealed and left for the inbox, which
exchanges it as the first step of a test of the mailbox.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.mailboxes import ask_for_check, lock_account
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, Invalid
from shared.jobs import Job
from shared.models import MailboxSignIn, SignInWith
from shared.people import Actor, Permission
from shared.secrets import Safe
from shared.settings import Settings

RETURN_PATH = "/mailboxes/signed-in"
GOOD_FOR = timedelta(minutes=15)


@dataclass(frozen=True)
class Way:
    """Where to go. `state` comes back with the answer."""

    url: str
    state: str


def redirect_uri(settings: Settings) -> str:
    """To be registered at the provider, letter for letter."""
    return settings.public_url.rstrip("/") + RETURN_PATH


async def begin(session: AsyncSession, settings: Settings, me: Actor, mailbox_id: int) -> Way:
    """Raises Conflict for a mailbox that signs in otherwise, NotFound."""
    me.require(Permission.MAILBOX_WRITE)
    mailbox, account = await lock_account(session, mailbox_id)
    if account.sign_in_with is not SignInWith.REFRESH_TOKEN or account.authorization_endpoint is None:
        raise Conflict("Nobody signs in at a provider for this mailbox: it uses a password or an application's secret.")
    await session.execute(delete(MailboxSignIn).where(MailboxSignIn.created_at < clock.now() - timedelta(days=1)))
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    sign_in = MailboxSignIn(
        mailbox_id=mailbox_id, person_id=me.id, session=_session_of(me), state=_digest(state),
        redirect_uri=redirect_uri(settings), created_at=clock.now(),
    )  # fmt: skip
    session.add(sign_in)
    await session.flush()
    sign_in.verifier = Safe(settings).seal(verifier, f"mailbox_sign_in:{sign_in.id}:verifier")
    audit.record(session, me.id, "mailbox.sign_in_begun", object_type="mailbox", object_id=mailbox_id, ip=me.ip)
    challenge = base64.urlsafe_b64encode(_digest(verifier)).rstrip(b"=").decode()
    parts = urlsplit(account.authorization_endpoint)
    query = dict(parse_qsl(parts.query)) | {
        "response_type": "code",
        "client_id": account.client_id or "",
        "redirect_uri": sign_in.redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "login_hint": mailbox.address,
    }
    if account.scope:
        query["scope"] = account.scope
    return Way(urlunsplit(parts._replace(query=urlencode(query))), state)


async def finish(session: AsyncSession, settings: Settings, me: Actor, *, state: str, code: str) -> int:
    """The mailbox's id; its test is under way. Raises Invalid when this is not the way back of who asks."""
    me.require(Permission.MAILBOX_WRITE)
    sign_in = await session.scalar(select(MailboxSignIn).where(MailboxSignIn.state == _digest(state)).with_for_update())
    if (
        sign_in is None
        or sign_in.person_id != me.id
        or not secrets.compare_digest(sign_in.session, _session_of(me))
        or sign_in.returned_at is not None
        or sign_in.created_at < clock.now() - GOOD_FOR
        or not code
    ):
        raise Invalid("This way back from the provider is not valid any more. Begin to sign in again.", field="state")
    _, account = await lock_account(session, sign_in.mailbox_id)
    account.rev += 1  # the inbox begins anew at once, instead of at the end of its pause
    sign_in.code = Safe(settings).seal(code[:5000], f"mailbox_sign_in:{sign_in.id}:code")
    sign_in.returned_at = clock.now()
    audit.record(session, me.id, "mailbox.sign_in", object_type="mailbox", object_id=sign_in.mailbox_id, ip=me.ip)
    ring(session, Job.APPLY_MAILBOXES, sign_in.mailbox_id)
    await ask_for_check(session, settings, me, sign_in.mailbox_id)
    return sign_in.mailbox_id


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _session_of(me: Actor) -> bytes:
    """Only the browser session that began knows its CSRF token; an access token has none, and is its person's."""
    return _digest(f"mailbox sign-in:{me.id}:{me.csrf_token}")
