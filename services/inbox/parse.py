"""Raw bytes to what a message row says. Never raises: what cannot be read is told in `defects`."""

import email
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.message import Message as MimePart
from typing import Any

from services.inbox import authentication, bounces, headers, machines, repair, reports, spam, voicemails
from services.inbox.audio import is_audio
from services.inbox.authentication import Verdict
from services.inbox.charsets import decode
from services.inbox.forwards import NESTED_LIMIT, Forwarded
from services.inbox.outline import TooMuch, open_message
from services.inbox.structure import TEXT_LIMIT, Body, File, read_body
from services.inbox.trim import read_written
from shared import domains
from shared.models import Machine

TOO_LARGE = "too large to display"
SHOWN_BYTES = 1_000_000  # of a mail whose parts cannot be told apart
HEADER_BLOCK = 256_000  # bytes of top-level headers that are looked at
FILE_LIMIT = 200
AUDIO_HEAD = 65_536  # bytes that tell whether a file is sound
FORWARDED_LIMIT = 200_000  # characters that are shown of an attached mail, and of one that is too large

# Headers that a screen or a rule reads; values are cut.
_KEPT_HEADERS = (
    "auto-submitted", "precedence", "list-id", "list-unsubscribe", "return-path", "delivered-to", "x-original-to",
    "importance", "x-priority", "priority", "content-language", "accept-language", "x-mailer", "user-agent",
    "sender", "x-auto-response-suppress", "organization", "thread-topic", "x-spam-flag", "x-spam-status",
    "date", "disposition-notification-to",
)  # fmt: skip
# Where a mail was sent to, as the servers on its way noted it: a plus token often stands only there.
_RECIPIENT_HEADERS = (
    "to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to", "resent-to",
)  # fmt: skip
_TAGGED = re.compile(r"([^\s<>,;:\"()+@]{1,64})\+([^\s<>,;:\"()@]{1,100})@([\w.-]{1,255})")
_ENVELOPE_LINE = re.compile(rb"\A>?From (?!\s*:)[^\r\n]*(?:\r\n|\r|\n)?")
_TOKEN = re.compile(r"^[\w.-]{6,100}$")


@dataclass(frozen=True)
class Notice:
    """Looks like a phone system's notice of a voicemail, before anybody knows who wrote it."""

    system: str | None
    folder: bool
    listed: bool
    host: bool


@dataclass(frozen=True)
class Surroundings:
    """What has to be known of us to judge a mail."""

    own_addresses: frozenset[str]  # lower case, of all our mailboxes
    secret: str
    voicemail_senders: frozenset[str] = frozenset()
    voicemail_hosts: tuple[str, ...] = ()
    voicemail_folder: bool = False
    authserv_ids: tuple[str, ...] = ()
    arc_sealers: tuple[str, ...] = ()
    spam_headers: tuple[str, ...] | None = None
    form_senders: frozenset[str] = frozenset()
    max_parse_bytes: int = 25 * 1024 * 1024


@dataclass
class Parsed:
    rfc_message_id: str | None = None
    in_reply_to: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    reply_token: str | None = None
    from_address: str = ""
    from_name: str = ""
    reply_to: list[str] = field(default_factory=list)
    to_addresses: list[str] = field(default_factory=list)
    cc_addresses: list[str] = field(default_factory=list)
    subject: str = ""
    sent_at: datetime | None = None
    text_new: str = ""
    signature: str = ""
    text_full: str = ""
    html: str | None = None
    forwarded: list[Forwarded] = field(default_factory=list)
    machine: Machine | None = None
    machine_evidence: str | None = None
    bounce: dict[str, Any] | None = None
    headers: dict[str, Any] = field(default_factory=dict)
    authentication: dict[str, Any] = field(default_factory=dict)
    spam: str | None = None
    defects: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    voicemails: set[int] = field(default_factory=set)  # positions in files
    notice: Notice | None = None
    voicemail: dict[str, Any] | None = None  # see Message.voicemail; set by settle_voicemail

    def defect(self, what: str) -> None:
        if what not in self.defects:
            self.defects.append(what)


def parse(raw: bytes, around: Surroundings) -> Parsed:
    """One mail. Cannot fail on any bytes; what surprises our own code is left to the caller as an exception."""
    too_large = len(raw) > around.max_parse_bytes
    data = _without_envelope_line(raw)
    parsed = Parsed()
    data = _mended(data, parsed)
    root = _open(data, parsed)
    _read_headers(root, parsed, around)
    body = _read_body(root, data, parsed, most=FORWARDED_LIMIT if too_large else TEXT_LIMIT)
    if too_large:
        parsed.defects.insert(0, TOO_LARGE)
    parsed.notice = _notice(root, parsed, around)
    _fill_body(parsed, body, around)
    _judge(root, parsed, body, data, around)
    _add_attached(parsed, body)
    return parsed


def _without_envelope_line(data: bytes) -> bytes:
    """Without the «From » line of an mbox, and without blank lines before the headers."""
    data = data.lstrip(b"\r\n")
    return _ENVELOPE_LINE.sub(b"", data, count=1)


def _mended(data: bytes, parsed: Parsed) -> bytes:
    """With line ends and headers that can be read as what they are."""
    data, defect = repair.mend_line_ends(data)
    if defect:
        parsed.defect(defect)
    end = _end_of_headers(data)
    head, defect = repair.mend_headers(data[: min(end, HEADER_BLOCK)])
    if defect is None:
        return data
    parsed.defect(defect)
    return head + data[min(end, HEADER_BLOCK) :]


def _open(data: bytes, parsed: Parsed) -> MimePart:
    root: MimePart
    head_end = _end_of_headers(data)
    if head_end > HEADER_BLOCK:
        cut = data.rfind(b"\n", 0, HEADER_BLOCK) + 1 or HEADER_BLOCK
        data = data[:cut] + data[head_end:]
        parsed.defect("headers longer than 256 kB, cut")
    try:
        root = open_message(data)
        mended = repair.mend_boundaries(data, root)
        if mended is not None:
            with suppress(TooMuch):
                root = open_message(mended)
                parsed.defect("part separators were put right")
        return root
    except TooMuch as reason:
        parsed.defect(f"{reason}: shown as it came")
    except (RecursionError, MemoryError):
        parsed.defect("parts nested too deeply")
    except Exception as error:  # the standard library on bytes that nobody foresaw
        parsed.defect(f"could not be parsed: {type(error).__name__}")
    # Headers as far as they go; the rest is the text.
    root = EmailMessage(policy=headers.GUARDED)
    try:
        root = email.message_from_bytes(data[: _end_of_headers(data)], policy=headers.GUARDED)
    except Exception as error:  # not even the headers
        parsed.defect(f"headers could not be parsed: {type(error).__name__}")
    for name in ("Content-Type", "Content-Transfer-Encoding"):
        del root[name]
    text, _ = decode(data[_end_of_headers(data) :][:SHOWN_BYTES], None)
    root.set_payload(headers.clean(text).encode("utf-8", "replace").decode("ascii", "surrogateescape"))
    return root


def _end_of_headers(data: bytes) -> int:
    ends = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n", b"\r\r") if (at := data.find(mark)) >= 0]
    return min(ends, default=len(data))


def _read_headers(root: MimePart, parsed: Parsed, around: Surroundings) -> None:
    senders = headers.addresses(root, "from") or headers.addresses(root, "sender")
    if senders:
        parsed.from_name, parsed.from_address = senders[0]
    else:
        parsed.defect("no sender")
        parsed.from_name = headers.text_header(root, "from")[:200]
    parsed.rfc_message_id = headers.message_id(root)
    parsed.in_reply_to = headers.message_ids(root, "in-reply-to")
    parsed.references = headers.message_ids(root, "references")
    parsed.reply_to = [address for _, address in headers.addresses(root, "reply-to")]
    parsed.to_addresses = [address for _, address in headers.addresses(root, "to")]
    parsed.cc_addresses = [address for _, address in headers.addresses(root, "cc")]
    parsed.subject = headers.text_header(root, "subject")[:2000]
    parsed.sent_at = headers.date_header(root)
    parsed.reply_token = _reply_token(root, around.own_addresses)
    parsed.authentication = authentication.read(root, around.authserv_ids, parsed.from_address, around.arc_sealers)
    own_hosts = [*around.authserv_ids, *(domains.of_address(address) for address in around.own_addresses)]
    parsed.spam = spam.find(root, around.spam_headers, own_hosts)
    for name in _KEPT_HEADERS:
        value = headers.raw_value(root, name)
        if value:
            parsed.headers[name] = value[:1000]
    if len(list(headers.raw_values(root, "from"))) > 1:
        parsed.defect("several From headers")


def _reply_token(
    root: MimePart, own_addresses: frozenset[str], names: tuple[str, ...] = _RECIPIENT_HEADERS
) -> str | None:
    """The plus part of one of our own addresses among all that this mail was sent to, in the case it came in."""
    for name in names:
        for raw in headers.raw_values(root, name):
            for match in _TAGGED.finditer(raw[:20_000]):
                local, token, domain = match.groups()
                if f"{local}@{domain}".lower() in own_addresses and _TOKEN.match(token):
                    return token
    return None


def _read_body(root: MimePart, data: bytes, parsed: Parsed, *, most: int) -> Body:
    try:
        body = read_body(root, size=len(data), most=most)
    except (RecursionError, MemoryError):
        text, _ = decode(data[_end_of_headers(data) :][:SHOWN_BYTES], None)
        body = Body(text=headers.clean(text), defects=["parts nested too deeply"])
    for defect in body.defects:
        parsed.defect(defect)
    return body


def _fill_body(parsed: Parsed, body: Body, around: Surroundings) -> None:
    parsed.text_full = body.text
    parsed.html = body.html
    parsed.files = body.files[:FILE_LIMIT]
    if len(body.files) > FILE_LIMIT:
        parsed.defect(f"more than {FILE_LIMIT} attachments: the raw mail has them all")
    written = read_written(parsed.text_full, body.html, subject=parsed.subject, author=parsed.from_name)
    parsed.text_new, parsed.forwarded, parsed.signature = written.new, written.forwarded, written.signature
    if parsed.notice is not None:
        parsed.voicemails = {
            position
            for position, file in enumerate(parsed.files)
            if is_audio(file.content.head(AUDIO_HEAD), file.content_type, file.filename)
        }


def _add_attached(parsed: Parsed, body: Body) -> None:
    """Mails that a person attached are passed on like those in the text: who wrote what is content."""
    if parsed.machine is not None:
        return
    parsed.forwarded += [_attached(each) for each in body.nested[: max(0, NESTED_LIMIT - len(parsed.forwarded))]]


def _attached(nested: MimePart) -> Forwarded:
    name, address = next(iter(headers.addresses(nested, "from")), ("", ""))
    return Forwarded(
        name=name[:500],
        address=address,
        date=headers.text_header(nested, "date")[:100],
        to=headers.text_header(nested, "to")[:500],
        subject=headers.text_header(nested, "subject")[:500],
        text=read_body(nested, with_files=False, most=FORWARDED_LIMIT).text,
    )


def _notice(root: MimePart, parsed: Parsed, around: Surroundings) -> Notice | None:
    """What may be a phone system's notice of a voicemail; None for all other mail."""
    system = voicemails.system_of(root, parsed.rfc_message_id, parsed.from_address)
    listed = voicemails.is_listed(parsed.from_address, around.voicemail_senders)
    if system is None and not listed and not around.voicemail_folder:
        return None
    parsed.headers |= voicemails.kept_headers(root)
    host = voicemails.is_trusted_host(voicemails.sending_host(root), around.voicemail_hosts)
    return Notice(system, folder=around.voicemail_folder, listed=listed, host=host)


def settle_voicemail(parsed: Parsed) -> None:
    """Once it is known who wrote: is it a voicemail, a look-alike, or an ordinary mail of a phone system?"""
    notice = parsed.notice
    if notice is None:
        return
    speaks = bool(parsed.voicemails) or voicemails.has_own_headers(notice.system)
    if not speaks and not (notice.listed and voicemails.link_in(parsed.text_full, parsed.html)):
        return
    parsed.voicemail = voicemails.judge(
        parsed.authentication, system=notice.system, folder=notice.folder, listed=notice.listed, host=notice.host
    )
    if not parsed.voicemail[voicemails.ADMITTED]:
        parsed.voicemails = set()


def _judge(root: MimePart, parsed: Parsed, body: Body, data: bytes, around: Surroundings) -> None:
    if parsed.notice is not None and (parsed.notice.folder or parsed.notice.listed):
        return  # a phone system writes these: named in the settings, and meant to be taken in
    if parsed.from_address in around.form_senders:
        _take_form(parsed)
        return
    found = reports.find_report(root, body) or bounces.find_bounce(
        root, body, data, from_address=parsed.from_address, subject=parsed.subject
    )
    if found is not None:
        parsed.machine, parsed.machine_evidence, parsed.bounce = found
        parsed.reply_token = parsed.reply_token or _token_of_original(body, around.own_addresses)
        return
    verdict = machines.recognise(
        root,
        from_address=parsed.from_address,
        subject=parsed.subject,
        own_addresses=around.own_addresses,
        secret=around.secret,
    )
    if verdict is not None:
        parsed.machine, parsed.machine_evidence = verdict.kind, verdict.evidence


def _take_form(parsed: Parsed) -> None:
    """A web form of ours passes on what a customer typed. Who it is stands in Reply-To, and nobody has proved it."""
    parsed.headers["form"] = parsed.from_address
    if parsed.reply_to:
        parsed.from_address, parsed.from_name = parsed.reply_to[0], ""
        parsed.authentication |= {"verdict": Verdict.UNKNOWN.value, "verified_by": None, "domain": None}


def _token_of_original(body: Body, own_addresses: frozenset[str]) -> str | None:
    """The reply token of our own mail that a report encloses: by it the ticket is found when the ids are gone."""
    for original in bounces.originals(body):
        token = _reply_token(original, own_addresses, ("reply-to", "from", "sender"))
        if token:
            return token
    return None
