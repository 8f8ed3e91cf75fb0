"""Mailboxes in the store, as tickets writes them when an administrator adds one."""

from typing import Any

from shared.database import Database
from shared.models import Mailbox, MailboxAccount, MailboxToken
from shared.secrets import Safe
from shared.settings import Settings
from tests.inbox.conftest import HELP, PASSWORD
from tests.servers.tokens import CLIENT_ID, TokenServer


async def managed(
    database: Database,
    settings: Settings,
    *,
    imap_port: int = 1,
    smtp_port: int | None = None,
    name: str = "managed",
    address: str = HELP,
    password: str | None = PASSWORD,
    refresh_token: str | None = None,
    **more: Any,
) -> int:
    """Its id. On loopback, without TLS."""
    safe = Safe(settings)
    async with database.transaction() as session:
        mailbox = Mailbox(name=name, address=address)
        session.add(mailbox)
        await session.flush()
        values: dict[str, Any] = {
            "display_name": "Customer Center",
            "username": address,
            "sign_in_with": "password",
            "imap_host": "127.0.0.1",
            "imap_port": imap_port,
            "imap_security": "none",
            "folders": ["INBOX"],
        }
        if smtp_port is not None:
            values |= {"smtp_host": "127.0.0.1", "smtp_port": smtp_port, "smtp_security": "none"}
        secret = more.pop("client_secret", None)
        account = MailboxAccount(mailbox_id=mailbox.id, **{**values, **more})
        if account.sign_in_with == "password" and password is not None:
            account.password = safe.seal(password, f"mailbox_account:{mailbox.id}:password")
        if secret is not None:
            account.client_secret = safe.seal(secret, f"mailbox_account:{mailbox.id}:client_secret")
        session.add(account)
        if refresh_token is not None:
            place = f"mailbox_token:{mailbox.id}:refresh_token"
            session.add(MailboxToken(mailbox_id=mailbox.id, refresh_token=safe.seal(refresh_token, place)))
        return mailbox.id


def by_token(provider: TokenServer, grant: str = "client_credentials") -> dict[str, Any]:
    """Columns of an account that signs in by tokens of this provider."""
    return {
        "sign_in_with": grant,
        "client_id": CLIENT_ID,
        "client_secret": provider.client_secret,
        "token_endpoint": provider.token_endpoint,
        "authorization_endpoint": provider.authorization_endpoint,
        "scope": provider.scope,
    }
