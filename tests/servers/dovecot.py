"""Dovecot as a private instance: its own configuration, mail and ports, started and stopped by the test.

    with Dovecot({"help@center.example.org": "secret"}) as server:
        server.deliver("help@center.example.org", raw)      # as an MTA would: into Maildir/new
        server.port, server.tls_port

Runs as root or as an ordinary user. Nothing of the system's own Dovecot is read or touched.
"""

import base64
import hashlib
import hmac
import itertools
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.servers.certificates import Certificate, make_certificate

_numbers = itertools.count(1)

# What Dovecot offers, without IDLE: a server that can only be polled.
WITHOUT_IDLE = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE LITERAL+ UIDPLUS NAMESPACE CHILDREN ESEARCH"
OAUTH2_KEY = b"a key that only this test and its Dovecot know"

_CONFIG = """\
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {service_user}
default_internal_group = {service_group}
default_login_user = {login_user}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
mail_location = maildir:{root}/mail/%u
mail_fsync = never
mailbox_idle_check_interval = 1 secs
imap_idle_notify_interval = 2 mins
first_valid_uid = 1
mail_max_userip_connections = 50
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_dh =
{extra}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {root}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {root}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={mail_uid} gid={mail_gid} home={root}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Dovecot:
    """Start and stop as often as you like: mail, UIDs and ports stay."""

    def __init__(
        self,
        accounts: Mapping[str, str],
        *,
        idle: bool = True,
        mechanisms: str = "plain login xoauth2",
        introspection_url: str | None = None,
    ) -> None:
        """`introspection_url`: who is asked about tokens (with the token as bearer), instead of a key of our own."""
        self.accounts = dict(accounts)
        self.idle = idle
        self.mechanisms = mechanisms
        self.introspection_url = introspection_url
        self.root = Path(tempfile.mkdtemp(prefix="centralita-dovecot-"))
        self.root.chmod(0o755)
        self.port = free_port()
        self.tls_port = free_port()
        self.certificate: Certificate = make_certificate(self.root)
        self._process: subprocess.Popen[bytes] | None = None
        self._as_root = os.geteuid() == 0
        self._user = pwd.getpwnam("nobody") if self._as_root else pwd.getpwuid(os.getuid())
        self._write_configuration()

    def _write_configuration(self) -> None:
        me = pwd.getpwuid(os.getuid()).pw_name
        for name in ("run", "state", "mail"):
            (self.root / name).mkdir(exist_ok=True)
        self._give_to_mail_user(self.root / "mail")
        group = subprocess.run(["id", "-gn"], check=True, capture_output=True, text=True).stdout.strip()
        config = _CONFIG.format(
            root=self.root,
            service_user="dovecot" if self._as_root else me,
            service_group="dovecot" if self._as_root else group,
            login_user="dovenull" if self._as_root else me,
            certificate=self.certificate.certificate,
            key=self.certificate.key,
            mechanisms=self.mechanisms,
            extra="" if self.idle else f"imap_capability = {WITHOUT_IDLE}",
            mail_uid=self._user.pw_uid,
            mail_gid=self._user.pw_gid,
            port=self.port,
            tls_port=self.tls_port,
        )
        (self.root / "dovecot.conf").write_text(config)
        keys = self.root / "keys" / "default" / "HS256"
        keys.mkdir(parents=True, exist_ok=True)
        (keys / "default").write_bytes(base64.b64encode(OAUTH2_KEY))
        validation = f"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={self.root}/keys/\n"
        if self.introspection_url is not None:
            validation = (
                f"introspection_mode = auth\nintrospection_url = {self.introspection_url}\n"
                "active_attribute = active\nactive_value = true\n"
            )
        (self.root / "oauth2.conf").write_text(f"{validation}username_attribute = email\n")
        self.write_accounts()

    def write_accounts(self) -> None:
        """Passwords as they are in `accounts` now; read at each sign-in."""
        users = self.root / "users"
        users.write_text("".join(f"{user}:{password}\n" for user, password in self.accounts.items()))
        # Dovecot looks whether the file has changed once a second: what comes within this one may be let in.
        time.sleep(1.02 - time.time() % 1)

    def token(self, address: str) -> str:
        """An OAuth2 access token (a signed JWT) for an address."""
        now = int(time.time())
        parts = [
            {"alg": "HS256", "typ": "JWT"},
            {"sub": address, "email": address, "iat": now - 5, "nbf": now - 5, "exp": now + 600},
        ]
        body = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
        signature = hmac.new(OAUTH2_KEY, body, hashlib.sha256).digest()
        return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    def _give_to_mail_user(self, path: Path) -> None:
        if self._as_root:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def start(self) -> None:
        assert self._process is None
        self._process = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self.root / "dovecot.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"},
        )
        deadline = time.monotonic() + 15
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                    if probe.recv(100).startswith(b"* OK"):
                        return
            except OSError:
                pass
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def stop(self) -> None:
        """Every connection ends, as at a restart of the mail server."""
        if self._process is None:
            return
        # The whole group: left to itself, Dovecot lets idle connections live on for ten seconds.
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(timeout=15)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None

    def log(self) -> str:
        log = self.root / "log"
        return log.read_text(errors="replace")[-5000:] if log.exists() else "(no log)"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def maildir(self, address: str, folder: str = "INBOX") -> Path:
        """The folder, made when it is not there."""
        home = self.root / "mail" / address
        path = home if folder == "INBOX" else home / f".{folder.replace('/', '.')}"
        for place in (home, path, path / "tmp", path / "new", path / "cur"):
            if not place.exists():
                place.mkdir()
                self._give_to_mail_user(place)
        return path

    def deliver(self, address: str, raw: bytes, folder: str = "INBOX") -> None:
        """As an MTA does: written beside, renamed into `new`."""
        path = self.maildir(address, folder)
        name = f"{time.time_ns()}.{os.getpid()}_{next(_numbers)}.localhost"
        (path / "tmp" / name).write_bytes(raw)
        self._give_to_mail_user(path / "tmp" / name)
        (path / "tmp" / name).rename(path / "new" / name)

    def forget_uids(self, address: str, folder: str = "INBOX") -> None:
        """A new UIDVALIDITY at the next start, as after a restore from backup. The server must be stopped."""
        assert self._process is None
        path = self.maildir(address, folder)
        for index in [*path.glob("dovecot*"), *path.glob("dovecot.*")]:
            index.unlink(missing_ok=True)
        # Dovecot takes the time for the new number: it must differ from the old one.
        time.sleep(1.1)
