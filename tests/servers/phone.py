"""Phone systems' own lines, spoken to the letter over loopback: an Asterisk's AMI and a FreeSWITCH's event socket.

Scripted here, since the package archives hold neither: what is said is that of manager.c, app_voicemail.c (a message is
moved by its msg_id, in whatever folder position it has) and mod_event_socket.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Asterisk:
    """Signs in one user by MD5 challenge, moves and removes messages in a real spool folder, tells of mailboxes."""

    spool: Path
    secret: str = "s3cret"
    port: int = 0
    actions: list[dict[str, str]] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    connections: int = 0
    breaks: int = 0  # so often the line breaks after a message was moved and before the answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        writer.write(b"Asterisk Call Manager/7.0.3\r\n")
        signed_in = False
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                action = dict(line.split(": ", 1) for line in raw.decode().strip().split("\r\n"))
                self.actions.append(action)
                name = action["Action"]
                if name == "Challenge":
                    self.say(writer, action, "Success", Challenge="840415273")
                elif name == "Login":
                    key = hashlib.md5(f"840415273{self.secret}".encode()).hexdigest()
                    signed_in = action["Key"] == key
                    if not signed_in:
                        self.say(writer, action, "Error", Message="Authentication failed")
                        break
                    self.say(writer, action, "Success", Message="Authentication accepted")
                    writer.write(b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n")
                elif not signed_in:
                    self.say(writer, action, "Error", Message="Permission denied")
                elif name in ("VoicemailMove", "VoicemailRemove"):
                    moved = self.move(action)
                    if self.breaks:
                        self.breaks -= 1
                        self.hang_up()
                        break
                    self.say(
                        writer, action, "Success" if moved else "Error", Message="" if moved else "Message move failed"
                    )
                else:
                    self.say(writer, action, "Success")
        writer.close()

    def say(self, writer: asyncio.StreamWriter, action: dict[str, str], response: str, **fields: str) -> None:
        lines = {"Response": response, "ActionID": action["ActionID"], **fields}
        writer.write("".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode() + b"\r\n")

    def move(self, action: dict[str, str]) -> bool:
        mailbox = self.spool / action["Context"] / action["Mailbox"]
        for txt in (mailbox / action["Folder"]).glob("msg*.txt"):
            if f"msg_id={action['ID']}\n" in txt.read_text():
                for path in list(txt.parent.glob(f"{txt.stem}.*")):
                    if action["Action"] == "VoicemailMove":
                        path.replace(mailbox / action["ToFolder"] / path.name)
                    else:
                        path.unlink()
                return True
        return False

    def tell(self, mailbox: str) -> None:
        for writer in self.writers:
            writer.write(
                f"Event: MessageWaiting\r\nPrivilege: call,all\r\nMailbox: {mailbox}\r\nWaiting: 1\r\n"
                "New: 1\r\nOld: 0\r\n\r\n".encode()
            )

    def hang_up(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


@dataclass
class FreeSwitch:
    """Lets one password in, replies in order, answers vm_list and vm_read, fires events."""

    password: str = "ClueCon"
    port: int = 0
    commands: list[str] = field(default_factory=list)
    listed: str = ""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"Content-Type: auth/request\n\n")
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                command = (await reader.readuntil(b"\n\n")).decode().strip()
                self.commands.append(command)
                if command.startswith("auth "):
                    if command != f"auth {self.password}":
                        writer.write(b"Content-Type: command/reply\nReply-Text: -ERR invalid\n\n")
                        writer.write(b"Content-Type: text/disconnect-notice\nContent-Length: 0\n\n")
                        break
                    writer.write(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
                elif command.startswith("event plain "):
                    writer.write(b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n")
                    self.writers.append(writer)
                else:
                    body = self.answer(command).encode()
                    writer.write(b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body)
        writer.close()

    def answer(self, command: str) -> str:
        if command.startswith("api vm_list "):
            return self.listed or "<voicemail>\n</voicemail>\n"
        return "+OK\n"

    def fire(self, **fields: str) -> None:
        from urllib.parse import quote

        said = {"Event-Name": "CUSTOM", "Event-Subclass": "vm::maintenance", **fields}
        body = "".join(f"{key.replace('_', '-')}: {quote(value)}\n" for key, value in said.items()) + "\n"
        for writer in self.writers:
            writer.write(f"Content-Length: {len(body)}\nContent-Type: text/event-plain\n\n{body}".encode())

    def hang_up(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


@asynccontextmanager
async def serving(system: Asterisk | FreeSwitch) -> AsyncIterator[int]:
    """On a port of loopback until the block ends."""
    server = await asyncio.start_server(system.serve, "127.0.0.1", system.port)
    system.port = server.sockets[0].getsockname()[1]
    try:
        yield system.port
    finally:
        server.close()
        system.hang_up()
