"""The secret of a mailbox: its password, or an access token, printed by the operator's command or fetched by us."""

import asyncio
import base64
import subprocess
import threading
import time
from typing import Protocol

from services.inbox.problems import CannotGetToken
from shared.settings import MailboxSettings

TOKEN_KEPT_S = 300.0  # commands cache for themselves; this only spares a burst of sends from running it each time
TOKEN_TIMEOUT_S = 60


class TokenSource(Protocol):
    def token(self, refused: str | None = None) -> str:
        """An access token, another one than `refused`. Raises CannotGetToken."""
        ...


class Credentials:
    """Thread-safe: the watcher's threads and the sender share it."""

    def __init__(self, mailbox: MailboxSettings, tokens: TokenSource | None = None, *, paused: bool = False) -> None:
        self.mailbox = mailbox
        self.tokens = tokens  # null: a password, or the command
        self.paused = paused  # nothing is sent from here now, and what names this mailbox waits
        self._lock = threading.Lock()
        self._token: tuple[str, float] | None = None
        self._refused: str | None = None
        self._next_turn = 0.0

    @property
    def uses_oauth2(self) -> bool:
        return self.tokens is not None or self.mailbox.oauth2_token_command is not None

    def password(self) -> str:
        return self.mailbox.password.get_secret_value() if self.mailbox.password is not None else ""

    def token(self) -> str:
        """An access token. Raises CannotGetToken."""
        if self.tokens is not None:
            token = self.tokens.token(self._refused)
            self._token = (token, time.monotonic())
            return token
        with self._lock:
            if self._token is not None and time.monotonic() - self._token[1] < TOKEN_KEPT_S:
                return self._token[0]
            token = self._run()
            self._token = (token, time.monotonic())
            return token

    def forget(self) -> None:
        """The server refused the token: the next one is fetched anew."""
        with self._lock:
            if self._token is not None:
                self._refused, self._token = self._token[0], None

    async def turn(self) -> None:
        """Wait until this mailbox may send its next mail: `sends_per_minute`, spread evenly, in this process."""
        if self.mailbox.sends_per_minute is None:
            return
        at = max(time.monotonic(), self._next_turn)
        self._next_turn = at + 60 / self.mailbox.sends_per_minute
        await asyncio.sleep(at - time.monotonic())

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
