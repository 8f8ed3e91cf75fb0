"""What can go wrong with mail servers and disks, as sentences for the one who can act.

The sentences have no values in them: they are keys of the catalogs. Which mailbox it is stands in the problem's key
(`imap:main`); its row has the code and the server's own words.
"""

import errno
import re
import socket
import ssl
from dataclasses import dataclass

import structlog
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from shared import health
from shared.database import Database
from shared.mailbox_errors import MESSAGES

log = structlog.get_logger(__name__)
SERVICE = "inbox"
# RFC 5530's codes and the words of servers that refuse nobody for good.
_FOR_NOW = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|CONTACTADMIN)\]|temporar|try again|too many", re.IGNORECASE
)


def N_(message: str) -> str:  # noqa: N802  (the name that gettext tools know)
    """Marks a sentence for the catalogs; it is translated where it is shown."""
    return message


@dataclass(frozen=True)
class Trouble:
    message: str
    hint: str
    slow: bool = False  # trying again soon cannot help, and may lock the account
    code: str = ""  # of shared/mailbox_errors.py, when it may end the reading of a mailbox


def _of_a_mailbox(code: str, hint: str, *, slow: bool = False) -> Trouble:
    return Trouble(MESSAGES[code], hint, slow, code)


class CannotGetToken(Exception):
    """There is no OAuth2 access token; `trouble` says what to do about it."""

    def __init__(self, words: str, trouble: Trouble | None = None) -> None:
        super().__init__(words)
        self.trouble = trouble if trouble is not None else NO_TOKEN


class TokenNotTaken(LoginError):  # type: ignore[misc]  # the library has no types
    """The mail server refused an access token that the provider gave us."""


class NoSuchFolder(Exception):
    """The folder named in the settings is not there."""


class DatabaseTrouble(Exception):
    """Our own database did not answer: nothing is wrong with the mail server."""


class DiskTrouble(Exception):
    """Raw bytes could not be stored; nothing may be recorded as done."""


WRONG_PASSWORD = _of_a_mailbox(
    "wrong_password",
    N_("Enter the user name and the password again; some providers want an app password or OAuth instead."),
    slow=True,
)
TOKEN_NOT_TAKEN = _of_a_mailbox(
    "token_not_taken",
    N_("Check the user name, and that the provider lets this application or person use the mailbox by IMAP and SMTP."),
    slow=True,
)
NO_TOKEN = _of_a_mailbox(
    "no_token",
    N_("Run oauth2_token_command by hand: it must print an access token and end with status 0."),
    slow=True,
)
NOT_REACHABLE = _of_a_mailbox(
    "not_reachable",
    N_("Check the host, the port, the network, and whether the server is running."),
)
UNKNOWN_HOST = _of_a_mailbox(
    "unknown_host",
    N_("Check the spelling of the host, and the name service (DNS)."),
)
BAD_CERTIFICATE = _of_a_mailbox(
    "bad_certificate",
    N_("Renew the certificate, or enter the host that it names; to trust a private authority set SSL_CERT_FILE."),
    slow=True,
)
TLS_FAILED = _of_a_mailbox(
    "tls_failed",
    N_("Security and port do not fit: TLS is usually 993 for IMAP and 465 for SMTP, STARTTLS 143 and 587."),
    slow=True,
)
FOLDER_MISSING = _of_a_mailbox(
    "folder_missing",
    N_("Create the folder, or correct the folders of this mailbox."),
)
SERVER_TROUBLE = _of_a_mailbox(
    "server_trouble",
    N_("The mailbox's last error has its words. We keep trying."),
)
DISK_FULL = _of_a_mailbox(
    "disk_full",
    N_("Free space where blob_dir points to. Nothing is lost; it is taken in as soon as there is room."),
)
DISK_FAILS = _of_a_mailbox(
    "disk_fails",
    N_("Check that blob_dir exists, is writable and its disk is healthy."),
)
SENDER_REFUSED = Trouble(
    N_("The mail server does not let us send from this address."),
    N_("Allow the account to send as the mailbox's address, or set smtp_username."),
    slow=True,
)
NO_SMTP = Trouble(
    N_("Mail waits to be sent, but no mailbox has an SMTP server."),
    N_("Give a mailbox its SMTP server on the page Mailboxes, or in the settings."),
    slow=True,
)
CLIENT_REFUSED = _of_a_mailbox(
    "client_refused",
    N_("Make a new client secret at the provider and enter it on the mailbox's page."),
    slow=True,
)
GRANT_REFUSED = _of_a_mailbox(
    "grant_refused",
    N_("Open the mailbox's page and sign in at the provider again."),
    slow=True,
)
NOT_SIGNED_IN = _of_a_mailbox(
    "not_signed_in",
    N_("Open the mailbox's page and sign in at the provider."),
    slow=True,
)
NOT_ALLOWED = _of_a_mailbox(
    "not_allowed",
    N_("Give the application the mail permissions at the provider, have them consented to, and check the scope."),
    slow=True,
)
TOKEN_SERVER_AWAY = _of_a_mailbox(
    "token_server_away",
    N_("Check the token endpoint of this mailbox, and whether the inbox reaches it."),
)
TOKEN_ERROR = _of_a_mailbox(
    "token_error",
    N_("Check client id, scope and endpoints of this mailbox; the log of the inbox has the server's words."),
    slow=True,
)
SECRET_ENDS = Trouble(
    N_("The client secret of this mailbox ends within thirty days: then no mail comes and none leaves."),
    N_("Make a new client secret at the provider and enter it, with its last day, on the mailbox's page."),
)
SECRET_ENDED = Trouble(
    N_("The client secret of this mailbox has passed its last day."),
    N_("Make a new client secret at the provider and enter it, with its last day, on the mailbox's page."),
)
REFRESH_ENDS = Trouble(
    N_("The permission that was given for this mailbox ends within three days: then no mail comes and none leaves."),
    N_("Open the mailbox's page and sign in at the provider again."),
)
CANNOT_OPEN = _of_a_mailbox(
    "cannot_open",
    N_("Add the key of before to CENTRALITA_OLD_SECRET_KEYS and restart, or enter the mailbox's secrets again."),
    slow=True,
)
NAME_TWICE = Trouble(
    N_("A mailbox of the settings has the name of this one: the settings' is watched, this one is not."),
    N_("Give the mailbox in the settings another name and restart the inbox, or remove this one."),
    slow=True,
)
DEAD_MAIL = Trouble(
    N_("Mail could not be processed because of an error in the program. It is kept."),
    N_("See the mails that failed, with the error, and replay them after an update."),
)
DNS_SILENT = Trouble(
    N_("Senders cannot be verified: no DNS server answers."),
    N_("Mail still arrives, with its senders marked as unknown. Check dns_servers, or set verify_senders to never."),
)
UNREADABLE_ON_SERVER = Trouble(
    N_("The mail server cannot deliver one of its mails."),
    N_("Open the folder with a mail program and look at the mails whose UIDs are named below; we keep trying."),
)

NO_SENT_COPY = Trouble(
    N_("Replies are sent, but copies cannot be put into the mailbox's Sent folder."),
    N_("The inbox's log has the reason. Name this mailbox's sent_folder in the settings, or set keep_sent to false."),
)


_TOKEN_ERRORS = {  # RFC 6749, sections 4.1.2.1 and 5.2, and ours
    "invalid_client": CLIENT_REFUSED,
    "invalid_grant": GRANT_REFUSED,
    "not_signed_in": NOT_SIGNED_IN,
    "unauthorized_client": NOT_ALLOWED,
    "invalid_scope": NOT_ALLOWED,
    "access_denied": NOT_ALLOWED,
    "consent_required": NOT_ALLOWED,
    "interaction_required": GRANT_REFUSED,
    "unreachable": TOKEN_SERVER_AWAY,
    "cannot_open": CANNOT_OPEN,
}


def of_token_error(code: str) -> Trouble:
    return _TOKEN_ERRORS.get(code, TOKEN_ERROR)


def of_disk(error: OSError) -> Trouble:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return DISK_FULL if full else DISK_FAILS


def explain(error: BaseException) -> Trouble:
    """The trouble behind an exception of a mail connection."""
    if isinstance(error, DiskTrouble):
        cause = error.__cause__
        return of_disk(cause) if isinstance(cause, OSError) else DISK_FAILS
    if isinstance(error, CannotGetToken):
        return error.trouble
    if isinstance(error, NoSuchFolder):
        return FOLDER_MISSING
    if isinstance(error, TokenNotTaken):
        return SERVER_TROUBLE if _FOR_NOW.search(str(error)) else TOKEN_NOT_TAKEN
    if isinstance(error, LoginError):
        if isinstance(error.__context__, IMAPClientAbortError):
            return NOT_REACHABLE  # the connection ended while we signed in: the library calls that a refusal too
        return SERVER_TROUBLE if _FOR_NOW.search(str(error)) else WRONG_PASSWORD
    if isinstance(error, IMAPClientAbortError):
        return NOT_REACHABLE  # the connection ended
    if isinstance(error, ssl.SSLCertVerificationError):
        return BAD_CERTIFICATE
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return NOT_REACHABLE
    if isinstance(error, ssl.SSLError):
        return TLS_FAILED
    if isinstance(error, socket.gaierror):
        return UNKNOWN_HOST
    if isinstance(error, OSError):
        return NOT_REACHABLE
    if isinstance(error, IMAPClientError) and "STARTTLS" in str(error).upper():
        return TLS_FAILED
    return SERVER_TROUBLE


async def report(database: Database, key: str, trouble: Trouble) -> None:
    """Tell it, if the database can be told."""
    try:
        await health.report(database, SERVICE, key, trouble.message, trouble.hint)
    except Exception as error:  # the database is away: that is told by /readyz
        log.warning("problem.not_reported", key=key, error=repr(error))


async def resolve(database: Database, key: str) -> None:
    try:
        await health.resolve(database, SERVICE, key)
    except Exception as error:  # as above; the next success resolves it
        log.warning("problem.not_resolved", key=key, error=repr(error))
