"""Systems that greetings are published to, as far as that goes: mod_voicemail's event socket, and a store over HTTP."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class ModVoicemail(socketserver.ThreadingTCPServer):
    """vm_fsdb_pref_greeting_set renames the file into its slot and chooses it; the _get tells which."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, storage: Path, password: str = "ClueCon") -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.storage, self.password = storage, password
        self.chosen: dict[str, str] = {}
        self.refuse = ""  # what the next set is answered with
        self.swallow = False  # say yes and do nothing

    def api(self, line: str) -> str:
        name, *words = line.split(" ")
        if name == "vm_fsdb_pref_greeting_get":
            path = self.chosen.get(words[3], "")
            return json.dumps({"VM-Preference-Greeting-File-Path": path})
        if name != "vm_fsdb_pref_greeting_set":
            return f"-ERR {name} Command not found!\n"
        if self.refuse:
            return self.refuse
        if self.swallow:
            return "-OK\n"
        _profile, _domain, user, slot, *file = words
        final = self.storage / user / f"greeting_{slot}.wav"
        if file:
            if not Path(file[0]).is_file():
                return "-ERR Filename doesn't exist\n"
            Path(file[0]).rename(final)
        self.chosen[user] = str(final)
        return "-OK\n"


class _Conversation(socketserver.StreamRequestHandler):
    server: ModVoicemail

    def handle(self) -> None:
        self.wfile.write(b"Content-Type: auth/request\n\n")
        signed_in = False
        while line := self.rfile.readline():
            said = line.decode().strip()
            if not said:
                continue
            if said.startswith("auth "):
                signed_in = said == f"auth {self.server.password}"
                answer = "+OK accepted" if signed_in else "-ERR invalid"
                self.wfile.write(f"Content-Type: command/reply\nReply-Text: {answer}\n\n".encode())
            elif signed_in and said.startswith("api "):
                body = self.server.api(said.removeprefix("api ")).encode()
                head = f"Content-Type: api/response\nContent-Length: {len(body)}\n\n"
                self.wfile.write(head.encode() + body)


class Store(ThreadingHTTPServer):
    """PUT and POST keep a file, GET gives it back; `faults` are answered first, one for each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.files: dict[str, bytes] = {}
        self.faults: list[int] = []
        self.seen: list[tuple[str, str, str]] = []  # method, path, Idempotency-Key
        self.damage = False
        self.authorization = "Bearer secret"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Request(BaseHTTPRequestHandler):
    server: Store

    def log_message(self, *_args: Any) -> None:
        return

    def _handled(self) -> bool:
        self.server.seen.append((self.command, self.path, self.headers.get("Idempotency-Key", "")))
        status = self.server.faults.pop(0) if self.server.faults else 0
        if not status and self.headers.get("Authorization") != self.server.authorization:
            status = 401
        if status:
            self._answer(status)
        return bool(status)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if not self._handled():
            found = self.server.files.get(self.path)
            self._answer(200 if found is not None else 404, found or b"")

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._handled():
            if self.headers["Content-Type"].startswith("multipart/form-data"):
                head = b"Content-Type: " + self.headers["Content-Type"].encode() + b"\n\n"
                form = BytesParser(policy=policy.HTTP).parsebytes(head + body)
                (part,) = form.iter_parts()
                body = part.get_content()
            self.server.files[self.path] = body[:-1] if self.server.damage else body
            self.server.damage = False
            self._answer(201)

    do_POST = do_PUT  # noqa: N815  (the name that http.server asks for)


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
