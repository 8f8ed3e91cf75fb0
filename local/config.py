"""What one machine's Centralita is made of: folders, ports, accounts, and the environment its services get."""

import json
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from shared.settings import Settings

HOST = "127.0.0.1"
HELP_ADDRESS = "help@valleluz.example"
SHIFT_LEAD_ADDRESS = "guardia@valleluz.example"
PHONE_SYSTEM_ADDRESS = "voicemail@pbx.valleluz.example"
# In the order of the base port: what `--port 9000` moves.
PORTS = ("site", "tickets", "voicemail", "imap", "smtp", "inbox", "voicemail_worker", "tickets_worker")
BASE_PORT = 8000
LINES = ("main",)
# Two mailboxes of the phone system: the menu sends «para español, oprima dos» to the second.
SPOOL_LANGUAGES = {"1000": "en", "2000": "es"}


@dataclass
class LocalConfig:
    """A Centralita in one folder. Ports that are not given are `base_port` and those after it; 0 takes free ones."""

    directory: Path
    base_port: int = BASE_PORT
    environment: str = "demo"
    extra: dict[str, str] = field(default_factory=dict)  # more CENTRALITA_ variables, which win
    ports: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.directory = self.directory.absolute()
        numbers = range(self.base_port, self.base_port + len(PORTS)) if self.base_port else _free_ports(len(PORTS))
        self.ports = dict(zip(PORTS, numbers, strict=True))

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def mail(self) -> Path:
        return self.directory / "mail"

    @property
    def blobs(self) -> Path:
        return self.directory / "blobs"

    @property
    def spool(self) -> Path:
        """Where the phone system leaves recordings: {spool}/default/{mailbox}/INBOX."""
        return self.directory / "asterisk" / "voicemail"

    @property
    def greetings(self) -> Path:
        """The mailbox folder that the phone system plays greetings from."""
        return self.spool / "default" / "1000"

    @staticmethod
    def center_names() -> dict[str, str]:
        return {"center_name_en": "Valle Luz Customer Center", "center_name_es": "Centro de Clientes de Valle Luz"}

    def url(self, part: str) -> str:
        return f"http://localhost:{self.ports[part]}"

    def secret(self, name: str) -> str:
        """A secret of this folder's own, made at its first use and kept."""
        path = self.directory / "secrets" / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(24))
        return path.read_text()

    def accounts(self) -> dict[str, str]:
        """Mailboxes of the center itself, which must sign in."""
        return {HELP_ADDRESS: self.secret("mailbox"), SHIFT_LEAD_ADDRESS: self.secret("guardia")}

    def service_environment(self, database_url: str, redis_url: str, *, whisper_model: Path | None) -> dict[str, str]:
        """The CENTRALITA_ variables of every service."""
        server = {"host": HOST, "security": "none"}
        mailbox = {
            "name": "help",
            "address": HELP_ADDRESS,
            "display_name": "Valle Luz",
            "username": HELP_ADDRESS,
            "password": self.accounts()[HELP_ADDRESS],
            "imap": {**server, "port": self.ports["imap"]},
            "smtp": {**server, "port": self.ports["smtp"]},
            "voicemail_senders": [PHONE_SYSTEM_ADDRESS],
            "voicemail_hosts": ["*"],  # nobody signs mail on one machine
        }
        targets = [{"name": "asterisk", "line": "main", "path": str(self.greetings)}]
        spools = [{"name": "asterisk", "path": str(self.spool), "languages": SPOOL_LANGUAGES}]
        variables = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": self.secret("key"),
            "BLOB_DIR": str(self.blobs),
            "ENVIRONMENT": self.environment,
            "VERIFY_SENDERS": "never",  # the demo's customers have no domains, and it works without a network
            "LOG_FORMAT": "json",
            **{name.upper(): value for name, value in self.center_names().items()},
            "SHIFT_LEAD_ADDRESS": SHIFT_LEAD_ADDRESS,
            "PUBLIC_URL": self.url("tickets"),
            "VOICEMAIL_URL": self.url("voicemail"),
            "SECURE_COOKIES": "false",
            "MAILBOXES": json.dumps([mailbox]),
            "SPOOLS": json.dumps(spools),
            "SPOOL_SCAN_S": "2",
            "TRANSCRIPTION_WORDS": "{}",  # the tiny model has never seen a hint
            "WHISPER_THREADS": "1",  # the demo's model is tiny; the other core is for the screens
            "GREETING_LINES": json.dumps(list(LINES)),
            "GREETING_TARGETS": json.dumps(targets),
            **({"WHISPER_MODEL": str(whisper_model)} if whisper_model else {}),
            **self.extra,
        }
        return {f"CENTRALITA_{name}": value for name, value in variables.items()}


def settings_of(environment: dict[str, str]) -> Settings:
    """The Settings that a service with this environment has."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        return Settings(_env_file=None)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def ports_in_use(config: LocalConfig) -> dict[str, int]:
    """Which of the ports somebody else listens on."""
    taken = {}
    for name, port in config.ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                taken[name] = port
    return taken
