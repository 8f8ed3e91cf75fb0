"""Customers of the demo: they write through real SMTP, and answer what they got."""

import html
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid
from importlib.resources import files

import aiosmtplib

from local.config import HELP_ADDRESS, PHONE_SYSTEM_ADDRESS
from local.mail import LocalMail
from local.mailboxes import StoredMail
from shared import clock


@dataclass(frozen=True)
class Letter:
    """A mail somebody writes. `picture` names a file shipped in local/data."""

    name: str
    address: str
    subject: str
    text: str
    headers: dict[str, str] = field(default_factory=dict)
    picture: str | None = None
    html: bool = False


def compose(letter: Letter, to: str = HELP_ADDRESS) -> EmailMessage:
    message = EmailMessage()
    message["From"] = formataddr((letter.name, letter.address))
    message["To"] = to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=letter.address.rpartition("@")[2])
    for name, value in letter.headers.items():
        message[name] = value
    message.set_content(letter.text + "\n")
    if letter.html:
        paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in letter.text.splitlines() if line)
        message.add_alternative(
            f'<div style="font-family:Georgia,serif;color:#24405c">{paragraphs}</div>', subtype="html"
        )
    if letter.picture:
        data = (files("local.data") / letter.picture).read_bytes()
        message.add_attachment(data, maintype="image", subtype="png", filename=letter.picture)
    return message


def answer_to(received: StoredMail, letter: Letter) -> EmailMessage:
    """The letter as an answer to a mail in the customer's mailbox, to where that asks for answers."""
    original = received.parsed()
    to = str(original["Reply-To"] or original["From"])
    subject = letter.subject or f"Re: {str(original['Subject']).removeprefix('Re: ')}"
    reply_id = str(original["Message-ID"] or "")
    references = " ".join(part for part in (str(original["References"] or ""), reply_id) if part)
    body = original.get_body(("plain",))
    quoted = "".join(f"> {line}\n" for line in str(body.get_content() if body else "").splitlines())
    headers = {**letter.headers, **({"In-Reply-To": reply_id, "References": references} if reply_id else {})}
    text = f"{letter.text}\n\nOn {original['Date']}, {original['From']} wrote:\n{quoted}"
    return compose(Letter(letter.name, letter.address, subject, text, headers), to)


def voicemail_notice(wav: bytes, *, caller: str, name: str, mailbox: str, number: int) -> EmailMessage:
    """What a phone system mails when a mailbox is set to send its messages on."""
    message = EmailMessage()
    message["From"] = formataddr(("Asterisk PBX", PHONE_SYSTEM_ADDRESS))
    message["To"] = HELP_ADDRESS
    message["Subject"] = f"[PBX]: New message {number} in mailbox {mailbox}"
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(f"Asterisk-{number}", domain="pbx.valleluz.example")
    message["X-Asterisk-CallerID"] = caller or "unknown"
    message["X-Asterisk-CallerIDName"] = name
    message.set_content(
        f"You were just left a message (number {number}) in mailbox {mailbox} from {name} <{caller}>.\n"
    )
    message.add_attachment(wav, maintype="audio", subtype="x-wav", filename=f"msg{number:04d}.wav")
    return message


async def send(mail: LocalMail, message: EmailMessage) -> None:
    """Hand a mail to the local SMTP server. Raises aiosmtplib.SMTPException when it is refused."""
    await aiosmtplib.send(message, hostname=mail.host, port=mail.smtp_port, start_tls=False)
