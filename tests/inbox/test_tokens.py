"""Access tokens: one for everybody, renewed before they end, no refresh token spent twice, refusals told early."""

import asyncio
import base64
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from services.inbox import imap, problems, tokens
from services.inbox.credentials import Credentials
from services.inbox.mailboxes import ManagedMailbox
from services.inbox.oauth import OAuthClient
from services.inbox.problems import CannotGetToken
from services.inbox.tokens import TokenKeeper, TokenMailbox, Tokens
from shared import clock
from shared.database import Database
from shared.models import Mailbox, MailboxState, MailboxToken, Problem, SignInWith
from shared.secrets import Safe
from shared.settings import Settings
from tests.inbox.conftest import HELP, PASSWORD, Start, mail, rows, until, wait_for_messages
from tests.inbox.managed import by_token, managed
from tests.inbox.test_send import delivery_of, queue
from tests.servers.dovecot import Dovecot
from tests.servers.smtp import FaultySmtp
from tests.servers.tokens import CLIENT_ID, CLIENT_SECRET, TokenServer

NOW = datetime(2026, 11, 16, 17, tzinfo=UTC)


@pytest.fixture
def provider() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


@pytest.fixture
async def keeper(database: Database, settings: Settings) -> TokenKeeper:
    return TokenKeeper(database, Safe(settings))


async def token_mailbox(
    database: Database, settings: Settings, provider: TokenServer, grant: str = "client_credentials", **more: Any
) -> TokenMailbox:
    secret = more.pop("client_secret", CLIENT_SECRET)
    mailbox_id = await managed(database, settings, **by_token(provider, grant), **more)
    client = OAuthClient(SignInWith(grant), provider.token_endpoint, CLIENT_ID, secret, provider.scope)
    return TokenMailbox(mailbox_id, "managed", client, None)


async def token_row(database: Database) -> MailboxToken:
    return (await rows(database, select(MailboxToken)))[0]  # type: ignore[no-any-return]


async def open_problems(database: Database) -> dict[str, str]:
    found = await rows(database, select(Problem).where(Problem.resolved_at.is_(None)))
    return {each.key: each.message for each in found}


async def age(database: Database, by: timedelta) -> None:
    """As if the token had been fetched so long ago."""
    async with database.transaction() as session:
        await session.execute(
            update(MailboxToken).values(
                obtained_at=MailboxToken.obtained_at - by,
                expires_at=MailboxToken.expires_at - by,
                failed_at=MailboxToken.failed_at - by,
            )
        )


@given(st.floats(1, 1e6), st.floats(0, 1.2))
def test_a_token_is_renewed_before_it_stops_being_usable(lifetime: float, at: float) -> None:
    ends = NOW + timedelta(seconds=lifetime)
    now = NOW + timedelta(seconds=lifetime * at)
    if not tokens.usable(NOW, ends, now):
        assert tokens.due(NOW, ends, now)
    if tokens.usable(NOW, ends, now):
        assert now < ends


async def test_one_token_for_all_who_ask(database: Database, settings: Settings, provider: TokenServer) -> None:
    mailbox = await token_mailbox(database, settings, provider)
    processes = [TokenKeeper(database, Safe(settings)) for _ in range(4)]
    found = await asyncio.gather(*(each.obtain(mailbox) for each in processes for _ in range(3)))
    assert len(set(found)) == 1
    assert provider.granted == ["client_credentials"]


async def test_two_processes_never_spend_one_refresh_token(
    database: Database, settings: Settings, provider: TokenServer
) -> None:
    provider.slow_s = 0.05
    mailbox = await token_mailbox(database, settings, provider, "refresh_token", refresh_token=provider.refresh_token())
    processes = [TokenKeeper(database, Safe(settings)) for _ in range(3)]
    for _ in range(3):
        await asyncio.gather(*(each.obtain(mailbox, at_once=True) for each in processes))
    assert provider.granted == ["refresh_token"] * 9  # each with the token that the one before got


async def test_a_refused_token_is_fetched_anew_once(
    database: Database, settings: Settings, provider: TokenServer, keeper: TokenKeeper
) -> None:
    """Also when the refusal is of the server's clock: ours says that the token is good."""
    mailbox = await token_mailbox(database, settings, provider)
    first = await keeper.obtain(mailbox)
    second = await asyncio.gather(*(keeper.obtain(mailbox, refused=first) for _ in range(3)))
    assert set(second) != {first}
    assert len(provider.granted) == 2


async def test_threads_share_it_and_do_not_block_the_loop(
    database: Database, settings: Settings, provider: TokenServer, keeper: TokenKeeper
) -> None:
    source = Tokens(keeper, await token_mailbox(database, settings, provider))
    found = await asyncio.gather(*(asyncio.to_thread(source.token) for _ in range(5)))
    assert len(set(found)) == 1
    assert await asyncio.to_thread(source.token, found[0]) != found[0]


async def test_a_refusal_is_told_while_the_token_in_hand_still_does(
    database: Database, settings: Settings, provider: TokenServer, keeper: TokenKeeper
) -> None:
    mailbox = await token_mailbox(database, settings, provider)
    token = await keeper.obtain(mailbox)
    provider.client_secret = "another one since this morning"
    await keeper.look_after(mailbox)
    assert await open_problems(database) == {}
    await age(database, tokens.RENEW_AFTER)
    await keeper.look_after(mailbox)
    assert await open_problems(database) == {"oauth:managed": problems.CLIENT_REFUSED.message}
    assert await keeper.obtain(mailbox) == token, "mail goes on"
    asked = provider.asked
    await keeper.look_after(mailbox)
    assert provider.asked == asked, "a token server that refuses is not asked again at once"
    await age(database, timedelta(hours=1))
    with pytest.raises(CannotGetToken) as caught:
        await keeper.obtain(mailbox)
    assert caught.value.trouble is problems.CLIENT_REFUSED
    assert CLIENT_SECRET not in str(caught.value), "the server repeated it"
    provider.client_secret = CLIENT_SECRET
    await age(database, timedelta(hours=1))
    assert await keeper.obtain(mailbox) != token
    assert await open_problems(database) == {}


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        ((400, {"error": "invalid_grant"}), problems.GRANT_REFUSED),
        ((401, {"error": "invalid_client"}), problems.CLIENT_REFUSED),
        ((400, {"error": "invalid_scope"}), problems.NOT_ALLOWED),
        ((400, {"error": "unauthorized_client"}), problems.NOT_ALLOWED),
        ((400, {"error": "something_new"}), problems.TOKEN_ERROR),
        ((503, {"error": "temporarily_unavailable"}), problems.TOKEN_SERVER_AWAY),
        ((429, {}), problems.TOKEN_SERVER_AWAY),
        ((200, {"access_token": ""}), problems.TOKEN_SERVER_AWAY),
    ],
)
async def test_what_a_token_server_says_becomes_something_to_do(
    database: Database, settings: Settings, provider: TokenServer, keeper: TokenKeeper,
    answer: tuple[int, dict[str, Any]], trouble: problems.Trouble,
) -> None:  # fmt: skip
    mailbox = await token_mailbox(database, settings, provider, "refresh_token", refresh_token=provider.refresh_token())
    provider.answers = [answer]
    with pytest.raises(CannotGetToken) as caught:
        await keeper.obtain(mailbox)
    assert caught.value.trouble is trouble
    assert await open_problems(database) == {"oauth:managed": trouble.message}


async def test_nobody_signed_in_yet_and_no_server(
    database: Database, settings: Settings, provider: TokenServer, keeper: TokenKeeper
) -> None:
    mailbox = await token_mailbox(database, settings, provider, "refresh_token")
    with pytest.raises(CannotGetToken) as caught:
        await keeper.obtain(mailbox)
    assert caught.value.trouble is problems.NOT_SIGNED_IN
    client = OAuthClient(SignInWith.CLIENT_CREDENTIALS, "http://127.0.0.1:1/token", CLIENT_ID, "s", "")
    with pytest.raises(CannotGetToken) as caught:
        await keeper.obtain(TokenMailbox(mailbox.mailbox_id, "managed", client, None), at_once=True)
    assert caught.value.trouble is problems.TOKEN_SERVER_AWAY


async def test_what_ends_soon_is_told(
    database: Database, settings: Settings, provider: TokenServer, keeper: TokenKeeper
) -> None:
    mailbox = await token_mailbox(database, settings, provider, "refresh_token", refresh_token=provider.refresh_token())
    given: dict[timedelta | None, str | None] = {
        timedelta(days=40): None,
        timedelta(days=20): problems.SECRET_ENDS.message,
        timedelta(days=-1): problems.SECRET_ENDED.message,
        None: None,
    }
    for left, message in given.items():
        expires = clock.now() + left if left is not None else None
        await keeper.look_after(TokenMailbox(mailbox.mailbox_id, "managed", mailbox.client, expires))
        assert (await open_problems(database)).get("secret:managed") == message
    answer = {"access_token": "a", "expires_in": "3600", "refresh_token": "r", "refresh_token_expires_in": 86400}
    provider.answers = [(200, answer)]
    await keeper.obtain(mailbox, at_once=True)
    await keeper.look_after(mailbox)
    assert await open_problems(database) == {"secret:managed": problems.REFRESH_ENDS.message}


async def test_secrets_are_neither_logged_nor_stored_in_the_open(
    database: Database, settings: Settings, provider: TokenServer, keeper: TokenKeeper,
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    refresh = provider.refresh_token()
    mailbox = await token_mailbox(database, settings, provider, "refresh_token", refresh_token=refresh)
    token = await keeper.obtain(mailbox)
    provider.withdraw()
    with pytest.raises(CannotGetToken):
        await keeper.obtain(mailbox, at_once=True)
    row = await token_row(database)
    said = capsys.readouterr()
    everything = "".join([said.out, said.err, caplog.text, repr(mailbox), repr(vars(row)), str(row.error)])
    for secret in (token, refresh, CLIENT_SECRET):
        assert secret not in everything


# The whole inbox, with servers that take nothing but a token


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
async def test_mail_by_token_survives_its_end_in_the_middle_of_idle(
    start: Start, database: Database, settings: Settings, provider: TokenServer, mechanism: str
) -> None:
    dovecot = Dovecot({HELP: PASSWORD}, mechanisms=mechanism, introspection_url=provider.introspection_url)
    await managed_by_token(database, settings, provider, dovecot)
    with dovecot:
        await start()

        async def watching() -> bool:
            return (await rows(database, select(Mailbox.state)))[0] is MailboxState.WATCHING

        await until(watching)
        dovecot.deliver(HELP, mail("While the first token is good"))
        await wait_for_messages(database, 1)
        provider.expire()
        dovecot.stop()  # as servers do with the connection of a token that has ended
        dovecot.deliver(HELP, mail("After its end"))
        dovecot.start()
        await wait_for_messages(database, 2, timeout=30)
    assert len(provider.granted) >= 2


async def managed_by_token(
    database: Database, settings: Settings, provider: TokenServer, dovecot: Dovecot, **more: Any
) -> int:
    return await managed(
        database, settings, imap_port=dovecot.port, refresh_token=provider.refresh_token(),
        **by_token(provider, "refresh_token"), **more,
    )  # fmt: skip


class TokenSmtp(FaultySmtp):
    """Takes whatever token the provider stands for."""

    def __init__(self, provider: TokenServer) -> None:
        super().__init__(token="")
        self.provider = provider

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> Any:
        said = base64.b64decode(args[1]).decode()
        token = said.partition("auth=Bearer ")[2].rstrip("\x01")
        self.token = token if self.provider.accepts(token) else None
        return await super().auth_XOAUTH2(server, args)


async def test_replies_leave_by_the_same_token(
    start: Start, database: Database, settings: Settings, provider: TokenServer
) -> None:
    with Dovecot({HELP: PASSWORD}, mechanisms="xoauth2", introspection_url=provider.introspection_url) as dovecot:
        async with TokenSmtp(provider) as smtp:
            await managed_by_token(database, settings, provider, dovecot, smtp_port=smtp.port)
            await start()
            delivery_id = await queue(database)

            async def sent() -> bool:
                return (await delivery_of(database, delivery_id)).state.value == "sent"

            await until(sent, timeout=30)
    assert [accepted.user for accepted in smtp.mails] == [HELP]
    assert provider.granted == ["refresh_token"], "one for IMAP and SMTP"


async def test_the_server_that_takes_no_token_says_what_to_do(
    database: Database, settings: Settings, provider: TokenServer
) -> None:
    with Dovecot({HELP: PASSWORD}, mechanisms="xoauth2", introspection_url=provider.introspection_url) as dovecot:
        box = ManagedMailbox.model_validate(
            {"name": "m", "address": HELP, "username": HELP,
             "imap": {"host": "127.0.0.1", "port": dovecot.port, "security": "none"}}
        )  # fmt: skip

        class Wrong:
            def token(self, refused: str | None = None) -> str:
                return "not one of theirs"

        with pytest.raises(problems.TokenNotTaken) as caught:
            await asyncio.to_thread(imap.connect, Credentials(box, Wrong()))
    assert problems.explain(caught.value) is problems.TOKEN_NOT_TAKEN
