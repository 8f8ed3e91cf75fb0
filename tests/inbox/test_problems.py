"""What an operator is told fits what went wrong, and wrong advice is not given."""

import errno
import socket
import ssl

import pytest
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from services.inbox import problems
from services.inbox.problems import DiskTrouble, explain


def login_error(said: str, cause: Exception | None = None) -> LoginError:
    error = LoginError(said)
    error.__context__ = cause
    return error


def disk(number: int) -> DiskTrouble:
    error = DiskTrouble("disk")
    error.__cause__ = OSError(number, "disk")
    return error


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (login_error("[AUTHENTICATIONFAILED] Authentication failed."), problems.WRONG_PASSWORD),
        (login_error("[UNAVAILABLE] Temporary authentication failure."), problems.SERVER_TROUBLE),
        (login_error("Too many simultaneous connections."), problems.SERVER_TROUBLE),
        (login_error("socket error: EOF", IMAPClientAbortError("socket error: EOF")), problems.NOT_REACHABLE),
        (IMAPClientAbortError("command: IDLE => Server shutting down."), problems.NOT_REACHABLE),
        (IMAPClientError("fetch failed: [SERVERBUG]"), problems.SERVER_TROUBLE),
        (ConnectionRefusedError(111, "refused"), problems.NOT_REACHABLE),
        (TimeoutError("timed out"), problems.NOT_REACHABLE),
        (socket.gaierror(-2, "Name or service not known"), problems.UNKNOWN_HOST),
        (ssl.SSLCertVerificationError("self-signed certificate"), problems.BAD_CERTIFICATE),
        (ssl.SSLError("wrong version number"), problems.TLS_FAILED),
        (ssl.SSLEOFError("EOF occurred"), problems.NOT_REACHABLE),
        (disk(errno.ENOSPC), problems.DISK_FULL),
        (disk(errno.EACCES), problems.DISK_FAILS),
        (problems.CannotGetToken("status 1"), problems.NO_TOKEN),
        (problems.NoSuchFolder("Nowhere"), problems.FOLDER_MISSING),
        (RuntimeError("anything"), problems.SERVER_TROUBLE),
    ],
)
def test_explanations(error: Exception, trouble: problems.Trouble) -> None:
    assert explain(error) is trouble
