"""The secret of a mailbox: its password, or an OAuth2 access token printed by the operator's command."""

import base64
import subprocess
import threading
import time

from services.inbox.problems import CannotGetToken
from shared.settings import MailboxSettings

TOKEN_KEPT_S = 300.0  # commands cache for themselves; this only spares a burst of sends from running it each time
TOKEN_TIMEOUT_S = 60


class Credentials:
    """Thread-safe: the watcher's threads and the sender share it."""

    def __init__(self, mailbox: MailboxSettings) -> None:
        self.mailbox = mailbox
        self._lock = threading.Lock()
        self._token: tuple[str, float] | None = None

    @property
    def uses_oauth2(self) -> bool:
        return self.mailbox.oauth2_token_command is not None

    def password(self) -> str:
        return self.mailbox.password.get_secret_value() if self.mailbox.password is not None else ""

    def token(self) -> str:
        """An access token. Raises CannotGetToken."""
        with self._lock:
            if self._token is not None and time.monotonic() - self._token[1] < TOKEN_KEPT_S:
                return self._token[0]
            token = self._run()
            self._token = (token, time.monotonic())
            return token

    def forget(self) -> None:
        """The server refused the token: the next one is fetched anew."""
        with self._lock:
            self._token = None

    def _run(self) -> str:
        command = self.mailbox.oauth2_token_command or []
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TOKEN_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotGetToken(f"{command[0] if command else 'oauth2_token_command'}: {error}") from error
        token = done.stdout.strip()
        if done.returncode != 0 or not token:
            raise CannotGetToken(f"status {done.returncode}: {done.stderr.strip()[-300:]}")
        return token

    def xoauth2(self) -> str:
        """The initial response of SASL XOAUTH2, base64."""
        plain = f"user={self.mailbox.username}\x01auth=Bearer {self.token()}\x01\x01"
        return base64.b64encode(plain.encode()).decode()
