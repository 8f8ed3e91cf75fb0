"""A test of a mailbox, step by step, as somebody asked for it on its page: each step is written down as it ends.

Token, connection, sign-in, folders; then SMTP, and two mails to itself: one to the plain address and one to a plus
address, because customers answer to plus addresses. What fails says what to do; what depends on it is skipped.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from enum import StrEnum

import structlog
from imapclient import IMAPClient

from services.inbox import imap, machines, problems
from services.inbox import mailbox_repository as repository
from services.inbox.compose import Outgoing, reply_address
from services.inbox.credentials import Credentials
from services.inbox.mailboxes import Known, Mailboxes
from services.inbox.problems import N_, CannotGetToken, Trouble
from services.inbox.smtp import Conversation, NotSent
from shared.database import Database
from shared.models import CheckState, MailboxCheck

log = structlog.get_logger(__name__)

ARRIVES_WITHIN_S = 60.0
LOOK_EVERY_S = 1.0

GONE = Trouble(
    N_("This mailbox is not in force: it was removed, or it cannot be used as it is."),
    N_("See the page Health, and reload this page."),
)
CRASHED = Trouble(
    N_("The test itself failed because of an error in the program."), N_("The log of the inbox has the error.")
)
NO_ARRIVAL = Trouble(
    N_("The mail was sent, but did not arrive in a watched folder within a minute."),
    N_("Check that the address is this mailbox's, and whether a rule moves mail to a folder that is not watched."),
)
NO_PLUS_ARRIVAL = Trouble(
    N_("The mail to the plus address did not arrive: customers' answers would get lost."),
    N_("Turn on plus addressing at the mail server; in Microsoft 365 it is a setting of the organisation."),
)
IN_SPAM = Trouble(
    N_("The mail arrived in the spam folder."),
    N_("Allow mail from this address at the mail server, and check its SPF, DKIM and DMARC records."),
)
MISSING = Trouble(
    N_("Folders of this mailbox are not on the mail server; what is there stands below."),
    N_("Create the folders, or correct the folders of this mailbox."),
)
RECEIVES_ONLY = N_("This mailbox has no SMTP server: it only receives.")
NOT_TRIED = N_("Not tried, because an earlier step failed.")


class Step(StrEnum):
    TOKEN = "token"  # noqa: S105
    CONNECT = "connect"
    SIGN_IN = "sign_in"
    FOLDERS = "folders"
    SMTP_CONNECT = "smtp_connect"
    SMTP_SIGN_IN = "smtp_sign_in"
    SENT = "sent"
    ARRIVED = "arrived"
    PLUS_ARRIVED = "plus_arrived"


@dataclass
class Line:
    """One step as the page shows it. `message` and `hint` are keys of the catalogs, `words` the server's own."""

    step: Step
    state: str = "waiting"  # waiting, running, good, failed, skipped
    message: str = ""
    hint: str = ""
    words: str = ""
    found: list[str] = field(default_factory=list)


class Failed(Exception):
    def __init__(self, trouble: Trouble, words: str = "") -> None:
        super().__init__(words)
        self.trouble = trouble
        self.words = " ".join(words.split())[:500]


class Checker:
    def __init__(self, database: Database, mailboxes: Mailboxes, secret: str) -> None:
        self.database = database
        self.mailboxes = mailboxes
        self.secret = secret
        self._running: set[asyncio.Task[None]] = set()

    async def sweep(self) -> None:
        """Begin what was asked for and not rung for, or left undone by a process that died."""
        async with self.database.transaction() as session:
            waiting = await repository.open_checks(session)
        for check_id in waiting:
            task = asyncio.create_task(self.run(check_id), name=f"check-{check_id}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        """A test under way is begun again by another process, or at the next start."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def run(self, check_id: int) -> None:
        """Safe to call twice, from as many processes as you like."""
        async with self.database.transaction() as session:
            check = await repository.claim_check(session, check_id)
        if check is None:
            return
        await self.mailboxes.apply()  # it may have been added or changed a moment ago
        known = self.mailboxes.known(check.mailbox_id)
        run = Run(self, check, known)
        try:
            if await run.all():
                await self.mailboxes.try_again(check.mailbox_id)
        except Exception as error:
            log.exception("check.failed", check=check_id)
            run.fail_current(CRASHED, type(error).__name__)
            await run.write(CheckState.FAILED)


class Run:
    """One test under way."""

    def __init__(self, checker: Checker, check: MailboxCheck, known: Known | None) -> None:
        self.checker = checker
        self.check = check
        self.known = known
        uses_token = known is not None and known.credentials.uses_oauth2
        self.lines = {step: Line(step) for step in Step if step is not Step.TOKEN or uses_token}
        self.client: IMAPClient | None = None
        self.since: dict[str, int] = {}  # folder -> the first UID that is new
        self.spam: str | None = None
        self.probes = {step: f"<check.{secrets.token_hex(12)}@{self._domain}>" for step in ARRIVALS}
        self.refused: dict[Step, str] = {}  # probes whose recipient the server refused

    @property
    def credentials(self) -> Credentials:
        assert self.known is not None
        return self.known.credentials

    @property
    def _domain(self) -> str:
        address = self.known.settings.address if self.known is not None else ""
        return address.rpartition("@")[2] or "localhost"

    async def write(self, state: CheckState = CheckState.RUNNING) -> None:
        async with self.checker.database.transaction() as session:
            await repository.write_check(
                session,
                self.check,
                steps=[asdict(line) for line in self.lines.values()],
                probes=list(self.probes.values()),
                state=state,
            )

    async def all(self) -> bool:
        """Whether the mailbox can be read."""
        if self.known is None:
            self.lines = {Step.CONNECT: Line(Step.CONNECT)}
            self.fail_current(GONE)
            await self.write(CheckState.FAILED)
            return False
        log.info("check.started", check=self.check.id, mailbox=self.known.settings.name)
        try:
            if await self._receiving():
                await self._sending()
        finally:
            if self.client is not None:
                await asyncio.to_thread(imap.close, self.client)
        good = all(line.state in ("good", "skipped") for line in self.lines.values())
        for line in self.lines.values():
            if line.state == "waiting":
                line.state, line.message = "skipped", NOT_TRIED
        await self.write(CheckState.GOOD if good else CheckState.FAILED)
        return self.lines[Step.FOLDERS].state == "good"

    async def _receiving(self) -> bool:
        return (
            (Step.TOKEN not in self.lines or await self._do(Step.TOKEN, self._fetch_token))
            and await self._do(Step.CONNECT, self._connect)
            and await self._do(Step.SIGN_IN, self._sign_in)
            and await self._do(Step.FOLDERS, self._look_at_folders)
        )

    async def _sending(self) -> None:
        if self.credentials.mailbox.smtp is None:
            for step in (Step.SMTP_CONNECT, Step.SMTP_SIGN_IN, Step.SENT, *ARRIVALS):
                self.lines[step].state, self.lines[step].message = "skipped", RECEIVES_ONLY
            return
        if await self._send():
            await self._wait_for_arrivals()

    def fail_current(self, trouble: Trouble, words: str = "") -> None:
        """The step under way, or the next one."""
        line = next((each for each in self.lines.values() if each.state in ("running", "waiting")), None)
        if line is not None:
            self._fail(line, trouble, words)

    def _fail(self, line: Line, trouble: Trouble, words: str) -> None:
        line.state, line.message, line.hint, line.words = "failed", trouble.message, trouble.hint, words

    async def _do(self, step: Step, work: Callable[[Line], Awaitable[None]]) -> bool:
        line = self.lines[step]
        line.state = "running"
        await self.write()
        try:
            await work(line)
        except Failed as error:
            self._fail(line, error.trouble, error.words)
        except Exception as error:  # what libraries raise about servers
            self._fail(line, problems.explain(error), " ".join(str(error).split())[:500])
        else:
            line.state = "good"
        await self.write()
        return line.state == "good"

    async def _fetch_token(self, _line: Line) -> None:
        assert self.known is not None
        if self.known.tokens is not None:
            await self.checker.mailboxes.keeper.obtain(self.known.tokens, at_once=True)
        else:
            await asyncio.to_thread(self.credentials.token)

    async def _connect(self, _line: Line) -> None:
        self.client = await asyncio.to_thread(imap.open_connection, self.credentials.mailbox.imap)

    async def _sign_in(self, _line: Line) -> None:
        assert self.client is not None
        token = await asyncio.to_thread(self.credentials.token) if self.credentials.uses_oauth2 else None
        await asyncio.to_thread(imap.sign_in, self.client, self.credentials, token)

    async def _look_at_folders(self, line: Line) -> None:
        """Which there are, whether ours are among them, and where new mail begins."""
        mailbox = self.credentials.mailbox
        wanted = list(dict.fromkeys([*mailbox.folders, *mailbox.voicemail_folders]))
        listed = await asyncio.to_thread(self._list_folders)
        line.found = sorted(listed, key=lambda name: (name.upper() != "INBOX", name.casefold()))[:100]
        names = {name.upper() if name.upper() == "INBOX" else name for name in listed}
        missing = [name for name in wanted if (name.upper() if name.upper() == "INBOX" else name) not in names]
        if missing:
            raise Failed(MISSING, ", ".join(missing))
        self.spam = next((name for name, flags in listed.items() if b"\\junk" in flags and name not in wanted), None)
        watched = [*wanted, *([self.spam] if self.spam else [])]
        self.since = await asyncio.to_thread(lambda: {name: self._next_uid(name) for name in watched})

    def _list_folders(self) -> dict[str, set[bytes]]:
        assert self.client is not None
        return {
            str(name): {bytes(flag).lower() for flag in flags} for flags, _separator, name in self.client.list_folders()
        }

    def _next_uid(self, folder: str) -> int:
        assert self.client is not None
        return int(self.client.select_folder(folder, readonly=True).get(b"UIDNEXT", 1))

    async def _send(self) -> bool:
        """Connect, sign in and hand two mails to the server; the lines say how far it came."""
        connect, sign_in, sent = (self.lines[step] for step in (Step.SMTP_CONNECT, Step.SMTP_SIGN_IN, Step.SENT))
        connect.state = "running"
        await self.write()
        line = connect
        conversation = Conversation(self.credentials)
        try:
            await conversation.open()
            connect.state = sign_in.state = "good"
            line, sent.state = sent, "running"
            await self.write()
            for step in ARRIVALS:
                await self._send_probe(conversation, step)
            if len(self.refused) == len(ARRIVALS):
                raise Failed(problems.SERVER_TROUBLE, self.refused[Step.ARRIVED])
            sent.state = "good"
        except NotSent as error:
            trouble = error.trouble or problems.SERVER_TROUBLE
            if line is connect and trouble in SIGN_IN_TROUBLES:
                connect.state, line = "good", sign_in
            self._fail(line, trouble, error.words)
        except CannotGetToken as error:
            self._fail(line, error.trouble, str(error)[:500])
        except Failed as error:
            self._fail(line, error.trouble, error.words)
        finally:
            await conversation.close()
        await self.write()
        return sent.state == "good"

    async def _send_probe(self, conversation: Conversation, step: Step) -> None:
        outgoing = probe(self.credentials, self.probes[step], self.checker.secret, plus=step is Step.PLUS_ARRIVED)
        data = outgoing.as_bytes(utf8=conversation.needs_utf8(outgoing))
        try:
            envelope = await conversation.envelope(outgoing, data, f"centralita-check-{self.check.id}")
        except NotSent as error:
            if error.trouble is not None:  # about us or the server, not about this recipient
                raise
            self.refused[step] = error.words
            await conversation.abort()
            return
        await conversation.content(data, envelope)

    async def _wait_for_arrivals(self) -> None:
        waiting = {step for step in ARRIVALS if step not in self.refused}
        for step in ARRIVALS:
            if step in waiting:
                self.lines[step].state = "running"
            else:
                self._fail(self.lines[step], NOT_ARRIVED[step], self.refused[step])
        await self.write()
        deadline = time.monotonic() + ARRIVES_WITHIN_S
        while waiting:
            found = await asyncio.to_thread(self._arrived)
            for step in waiting & found.keys():
                if found[step] == self.spam:
                    self._fail(self.lines[step], IN_SPAM, found[step])
                else:
                    self.lines[step].state, self.lines[step].found = "good", [found[step]]
            if waiting & found.keys():
                waiting -= found.keys()
                await self.write()
            elif time.monotonic() > deadline:
                for step in waiting:
                    self._fail(self.lines[step], NOT_ARRIVED[step], "")
                return
            else:
                await asyncio.sleep(LOOK_EVERY_S)

    def _arrived(self) -> dict[Step, str]:
        """The folder in which each mail is found. By UID and header: servers' search lags behind."""
        assert self.client is not None
        found: dict[Step, str] = {}
        for folder, since in self.since.items():
            self.client.select_folder(folder, readonly=True)
            uids = [uid for uid in self.client.search(f"UID {since}:*") if uid >= since]
            answer = self.client.fetch(uids, ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]) if uids else {}
            heads = b"\n".join(part for data in answer.values() for part in data.values() if isinstance(part, bytes))
            for step, message_id in self.probes.items():
                if message_id.encode() in heads:
                    found[step] = folder
        return found


ARRIVALS = (Step.ARRIVED, Step.PLUS_ARRIVED)
NOT_ARRIVED = {Step.ARRIVED: NO_ARRIVAL, Step.PLUS_ARRIVED: NO_PLUS_ARRIVAL}
SIGN_IN_TROUBLES = (problems.WRONG_PASSWORD, problems.TOKEN_NOT_TAKEN)


def probe(credentials: Credentials, message_id: str, secret: str, *, plus: bool) -> Outgoing:
    """A mail of the mailbox to itself, marked as ours so that it is never taken for a customer's."""
    mailbox = credentials.mailbox
    recipient = reply_address(mailbox.address, f"check{secrets.token_hex(6)}") if plus else mailbox.address
    message = EmailMessage(policy=SMTP)
    message["From"] = mailbox.address
    message["To"] = recipient
    message["Subject"] = "Centralita: test of this mailbox / prueba de este buzón"
    message["Date"] = formatdate()
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message[machines.MARKER] = machines.marker(secret, message_id)
    message.set_content(
        "An administrator is testing this mailbox. Nothing needs to be done; this mail may be deleted.\n\n"
        "Un administrador está probando este buzón. No hace falta hacer nada; este correo se puede eliminar.\n"
    )
    return Outgoing(mailbox.address, [recipient], message)
