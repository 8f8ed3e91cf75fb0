"""Asks FreeSWITCH over its event socket, one command and one answer at a time: what publishing a greeting needs.

The protocol (mod_event_socket): header lines and a blank line, and a body of Content-Length bytes where there is one.
"""

import socket
from types import TracebackType
from typing import Self

TIMEOUT_S = 10.0
BIGGEST = 1024 * 1024


class EventSocketError(Exception):
    """FreeSWITCH did not answer, or answered that it will not."""


class EventSocket:
    """A connection that is signed in as long as the block runs. Raises EventSocketError."""

    def __init__(self, host: str, port: int, password: str, timeout_s: float = TIMEOUT_S) -> None:
        self._address, self._password, self._timeout_s = (host, port), password, timeout_s

    def __enter__(self) -> Self:
        try:
            self._socket = socket.create_connection(self._address, self._timeout_s)
        except OSError as error:
            raise EventSocketError(f"FreeSWITCH does not answer at {self._address[0]}: {error}") from error
        self._file = self._socket.makefile("rb")
        try:
            headers, _body = self._read()
            if headers.get("content-type") != "auth/request":
                raise EventSocketError("FreeSWITCH refuses this address (apply-inbound-acl of its event socket)")
            answer = self._command(f"auth {self._password}")
            if not answer.startswith("+OK"):
                raise EventSocketError("FreeSWITCH does not accept the password of its event socket")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()

    def api(self, command: str) -> str:
        """What a command prints."""
        self._send(f"api {command}")
        while True:
            headers, body = self._read()
            if headers.get("content-type") == "api/response":
                if body.startswith(("-ERR", "-USAGE")):
                    raise EventSocketError(f"FreeSWITCH refuses: {body.strip()}")
                return body

    def _command(self, command: str) -> str:
        self._send(command)
        while True:
            headers, _body = self._read()
            if headers.get("content-type") == "command/reply":
                return headers.get("reply-text", "")

    def _send(self, command: str) -> None:
        if "\n" in command or "\r" in command:
            raise EventSocketError("A name in the settings has a line break")
        try:
            self._socket.sendall(command.encode() + b"\n\n")
        except OSError as error:
            raise EventSocketError(f"FreeSWITCH went away: {error}") from error

    def _read(self) -> tuple[dict[str, str], str]:
        headers: dict[str, str] = {}
        try:
            while (line := self._file.readline(65_536)) not in (b"\n", b"\r\n"):
                if not line:
                    raise EventSocketError("FreeSWITCH closed the connection")
                name, _, value = line.decode(errors="replace").partition(":")
                headers[name.strip().lower()] = value.strip()
            length = int(headers.get("content-length", "0") or 0)
            if length > BIGGEST:
                raise EventSocketError("FreeSWITCH answers more than was asked for")
            return headers, self._file.read(length).decode(errors="replace")
        except (OSError, ValueError) as error:
            raise EventSocketError(f"FreeSWITCH went away: {error}") from error
