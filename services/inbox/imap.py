"""One IMAP connection: opening it safely, and waiting on it without missing what was already read."""

import select
import socket
import ssl
from contextlib import suppress
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from services.inbox.credentials import Credentials
from services.inbox.problems import TokenNotTaken
from shared.settings import ImapServer

CONNECT_TIMEOUT_S = 20.0
READ_TIMEOUT_S = 60.0


def connect(credentials: Credentials) -> IMAPClient:
    """Connected and signed in. Raises OSError, LoginError, IMAPClientError or CannotGetToken."""
    token = credentials.token() if credentials.uses_oauth2 else None  # it may take a while: servers do not wait for it
    try:
        return _connect(credentials, token)
    except TokenNotTaken:  # ended or withdrawn before its time: another one may do
        fresh = credentials.token()
        if fresh == token:
            raise
        return _connect(credentials, fresh)


def _connect(credentials: Credentials, token: str | None) -> IMAPClient:
    client = open_connection(credentials.mailbox.imap)
    try:
        sign_in(client, credentials, token)
    except BaseException:
        close(client)
        raise
    return client


def open_connection(server: ImapServer) -> IMAPClient:
    """Connected, encrypted as the server's settings say, not signed in. Raises OSError or IMAPClientError."""
    client = IMAPClient(
        server.host,
        server.port,
        ssl=server.security == "tls",
        ssl_context=ssl.create_default_context() if server.security == "tls" else None,
        timeout=SocketTimeout(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    )
    try:
        _keep_alive(client)
        client.normalise_times = False  # INTERNALDATE with its zone
        if server.security == "starttls":
            client.starttls(ssl.create_default_context())
    except BaseException:
        close(client)
        raise
    return client


def sign_in(client: IMAPClient, credentials: Credentials, token: str | None) -> None:
    """With the token by XOAUTH2, or OAUTHBEARER (RFC 7628) where only that is offered; else with the password."""
    username = credentials.mailbox.username
    if token is None:
        client.login(username, credentials.password())
        return
    try:
        if client.has_capability("AUTH=OAUTHBEARER") and not client.has_capability("AUTH=XOAUTH2"):
            client.oauthbearer_login(username, token)
        else:
            client.oauth2_login(username, token)
    except LoginError as error:
        credentials.forget()
        if isinstance(error.__context__, IMAPClientAbortError):
            raise
        raise TokenNotTaken(str(error)) from error


def close(client: IMAPClient) -> None:
    """Without waiting for a server that may be gone."""
    with suppress(Exception):
        client.socket().settimeout(1.0)
        client.logout()
    with suppress(Exception):
        client.shutdown()


def _keep_alive(client: IMAPClient) -> None:
    """The kernel notices a dead link in under three minutes, also while nothing is said."""
    with suppress(OSError, AttributeError):
        sock = client.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)


def forget_announced(client: IMAPClient) -> None:
    """Begin to listen for EXISTS beside the answers to commands, which IMAPClient keeps to itself."""
    client._imap.untagged_responses.pop("EXISTS", None)


def announced(client: IMAPClient) -> bool:
    """Whether the server spoke of new mail (EXISTS, RFC 3501 section 7.3.1) since `forget_announced`."""
    return "EXISTS" in client._imap.untagged_responses


def idle(client: IMAPClient, waker: int, timeout: float) -> bool:
    """Wait in IDLE until the server says anything, `waker` becomes readable or the time is over; then leave IDLE.

    True when the server spoke. Leaving IDLE needs the server's answer, so a dead link raises here.
    """
    spoke = _enter_idle(client)
    if not spoke:
        spoke = _wait(client, waker, timeout)
    _, said = client.idle_done()
    return spoke or bool(said)


def _enter_idle(client: IMAPClient) -> bool:
    """True when the server spoke of news before its «+»: IMAPClient's own `idle` takes that for a broken server."""
    client._idle_tag = client._imap._command("IDLE")
    spoke = False
    while (line := client._imap._get_response()) is not None:
        if client._imap.tagged_commands[client._idle_tag]:
            raise IMAPClientError(f"IDLE was refused: {line!r}"[:500])
        spoke = True
    return spoke


def _wait(client: IMAPClient, waker: int, timeout: float) -> bool:
    sock = client.socket()
    if _buffered(client, sock):
        return True
    poller = select.poll()
    poller.register(sock.fileno(), select.POLLIN)
    poller.register(waker, select.POLLIN)
    return any(descriptor == sock.fileno() for descriptor, _ in poller.poll(max(0.0, timeout) * 1000))


def _buffered(client: IMAPClient, sock: Any) -> bool:
    """News that came in one packet with the server's «+ idling»: poll would not see it any more."""
    file = getattr(client._imap, "file", None)
    if file is None:
        return False
    sock.setblocking(False)
    try:
        return bool(file.peek(1))
    except (OSError, ValueError):  # nothing there yet (TLS says so by an exception)
        return False
    finally:
        sock.settimeout(READ_TIMEOUT_S)
