"""Seeded stories of customers: what each writes, whether a CSR answers, and what comes back to that answer.

The same seed and size give the same bytes, so that two runs can be compared. Nothing in a mail depends on the run but
the number, the token and the Message-ID that follow-ups quote.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from local.config import HELP_ADDRESS

BILLING_ADDRESS = "facturas@valleluz.example"
ADDRESSES = (HELP_ADDRESS, BILLING_ADDRESS)
# Table that takes no row with this in its subject, as long as the defect is there.
DEFECTS = {"message": "(defect one)", "ticket": "(defect two)"}
BEGAN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BIG = 5_000_000  # bytes of the one large attachment

# language, subject, text
QUESTIONS = (
    ("en", "Generation charge on my bill", "I got my bill and do not understand the generation charge. Could somebody "
     "from your office explain it to me, please?"),
    ("es", "Cargo de generación en mi factura", "Me llegó la factura y no entiendo el cargo de generación. ¿Me lo "
     "pueden explicar, por favor?"),
    ("en", "Moving next month", "We are moving to another house next month. How do we stop the service at the old "
     "address and start it at the new one?"),
    ("es", "Mudanza el próximo mes", "Nos mudamos el próximo mes a otra casa. ¿Cómo cancelamos el servicio en la "
     "dirección anterior?"),
    ("en", "Rebate for a heat pump", "Is there a rebate for a heat pump water heater this year, and how do I apply "
     "for it?"),
    ("es", "Plan de pagos", "Este mes no puedo pagar la factura completa. ¿Puedo pagarla en varios plazos, por favor?"),
    ("en", "Solar panels", "We had solar panels installed last week. What do we have to do so that you count what "
     "we send to the grid?"),
    ("es", "Horario de la oficina", "Quisiera pasar por la oficina esta semana. ¿Cuál es su horario de atención?"),
)  # fmt: skip
EMERGENCIES = (
    ("en", "Gas smell in the kitchen", "There is a strong smell of gas in our kitchen. What should we do?"),
    ("es", "Olor a gas en la cocina", "Hay un fuerte olor a gas en nuestra cocina. ¿Qué debemos hacer?"),
)
THANKS = {
    "en": "Thank you for the answer. One more question: does that also hold for the second meter in the garage?",
    "es": "Gracias por la respuesta. Una pregunta más: ¿eso vale también para el segundo medidor del garaje?",
}
AWAY = {
    "en": ("Automatic reply: ", "I am out of the office until Monday and will read your mail then."),
    "es": ("Respuesta automática: ", "Estoy fuera de la oficina hasta el lunes y leeré su correo entonces."),
}


@dataclass(frozen=True)
class Letter:
    """Raw bytes on their way to some of our addresses. `straight`: laid into the mailbox, since SMTP would mend it."""

    sender: str
    to: tuple[str, ...]
    raw: bytes
    straight: bool = False


@dataclass(frozen=True)
class Known:
    """What a follow-up can quote once the CSR has answered."""

    ticket: int
    token: str
    reply_id: str


@dataclass(frozen=True)
class Story:
    """One matter. `answer`: what the CSR lets become of the ticket, "" for no answer; `after`: what then comes back."""

    number: int
    shape: str
    language: str
    customer: str
    address: str
    subject: str
    mail_id: str
    opening: tuple[Letter, ...] = field(repr=False)
    answer: str = ""
    after: str = ""

    @property
    def mails(self) -> int:
        return sum(len(letter.to) for letter in self.opening) + bool(self.after)

    def follow_up(self, known: Known) -> Letter:
        """What comes back to the answer of the CSR."""
        return FOLLOW_UPS[self.after](self, known)


def stories(seed: int, size: int) -> list[Story]:
    """Stories with together at least `size` mails in our mailboxes, among them one with a large attachment."""
    rng = random.Random(seed)
    told: list[Story] = []
    count = 0
    for number, shape in enumerate(_shapes(rng)):
        if count >= size:
            return told
        story = _story(rng, seed, number, shape)
        told.append(story)
        count += story.mails
    raise AssertionError("the shapes ended")


def _shapes(rng: random.Random) -> Iterator[str]:
    yield from SHAPES  # each at least once
    names = [name for name in SHAPES if name not in RARE]
    weights = [SHAPES[name][0] for name in names]
    while True:
        yield rng.choices(names, weights)[0]


def _story(rng: random.Random, seed: int, number: int, shape: str) -> Story:
    language, subject, text = rng.choice(EMERGENCIES if shape == "emergency" else QUESTIONS)
    domain = f"town{rng.randrange(40)}.example"
    story = Story(
        number=number,
        shape=shape,
        language=language,
        customer=f"customer{number}@{domain}",
        address=rng.choice(ADDRESSES),
        subject=f"{subject} K{number:05d}",
        mail_id=f"<{seed}.{number}@{domain}>",
        opening=(),
    )
    _, make, answerable = SHAPES[shape]
    opening = make(story, text, rng)
    answer = rng.choice(("closed", "closed", "waiting")) if answerable and rng.random() < 0.4 else ""
    after = rng.choice((*FOLLOW_UPS, "")) if answer else ""
    return replace(story, opening=opening, answer=answer, after=after)


def _mail(story: Story, text: str, *, mail_id: str | None = None, subject: str | None = None) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = formataddr((f"Customer {story.number}", story.customer))
    mail["To"] = story.address
    mail["Subject"] = subject or story.subject
    mail["Date"] = format_datetime(BEGAN + timedelta(seconds=story.number))
    mail["Message-ID"] = mail_id or story.mail_id
    mail.set_content(f"{text}\n\nCustomer {story.number}\n")
    return mail


def _letter(story: Story, mail: EmailMessage, *, sender: str | None = None) -> Letter:
    return Letter(story.customer if sender is None else sender, (story.address,), mail.as_bytes())


# How matters begin


def _plain(story: Story, text: str, _rng: random.Random) -> tuple[Letter, ...]:
    return (_letter(story, _mail(story, text)),)


def _html_only(story: Story, text: str, _rng: random.Random) -> tuple[Letter, ...]:
    mail = _mail(story, text)
    mail.set_content(f"<html><body><p>{text}</p><p>Customer {story.number}</p></body></html>", subtype="html")
    return (_letter(story, mail),)


def _with_files(story: Story, text: str, rng: random.Random) -> tuple[Letter, ...]:
    mail = _mail(story, text)
    for name in ("meter.png", "factura número 7.pdf"):
        mail.add_attachment(rng.randbytes(20_000), maintype="application", subtype="octet-stream", filename=name)
    return (_letter(story, mail),)


def _big(story: Story, text: str, rng: random.Random) -> tuple[Letter, ...]:
    mail = _mail(story, text)
    mail.add_attachment(rng.randbytes(BIG), maintype="application", subtype="octet-stream", filename="video.bin")
    return (_letter(story, mail),)


def _to_both(story: Story, text: str, _rng: random.Random) -> tuple[Letter, ...]:
    """One mail to both of our addresses: one matter."""
    return (Letter(story.customer, ADDRESSES, _mail(story, text).as_bytes()),)


def _came_twice(story: Story, text: str, _rng: random.Random) -> tuple[Letter, ...]:
    """A relay that lost our 250 sends the same mail again."""
    letter = _letter(story, _mail(story, text))
    return (letter, letter)


def _forgot_something(story: Story, text: str, _rng: random.Random) -> tuple[Letter, ...]:
    """A second mail right behind the first, answering it: the same matter."""
    second = _mail(story, "I forgot to say: the meter is in the garage.", mail_id=_second_id(story))
    del second["Subject"]
    second["Subject"] = f"Re: {story.subject}"
    second["In-Reply-To"] = second["References"] = story.mail_id
    return (_letter(story, _mail(story, text)), _letter(story, second))


def _two_matters(story: Story, text: str, _rng: random.Random) -> tuple[Letter, ...]:
    """Two mails at once that have nothing to do with each other: two tickets and one acknowledgement."""
    other = _mail(story, text, mail_id=_second_id(story), subject=f"{story.subject} bis")
    return (_letter(story, _mail(story, text)), _letter(story, other))


def _second_id(story: Story) -> str:
    return story.mail_id.replace("@", ".2@")


def _machine(story: Story, text: str, _rng: random.Random) -> tuple[Letter, ...]:
    mail = _mail(story, text, subject=AWAY[story.language][0] + story.subject)
    mail["Auto-Submitted"] = "auto-replied"
    return (_letter(story, mail),)


def _list(story: Story, text: str, _rng: random.Random) -> tuple[Letter, ...]:
    mail = _mail(story, text)
    mail["List-Id"] = "<news.utilities.example>"
    mail["List-Unsubscribe"] = "<mailto:leave@utilities.example>"
    mail["Precedence"] = "bulk"
    return (_letter(story, mail),)


def _damaged(story: Story, text: str, rng: random.Random) -> tuple[Letter, ...]:
    """What real servers hold: raw 8-bit text without a charset, parts that never end, no Message-ID."""
    head = f"From: {story.customer}\r\nTo: {story.address}\r\nSubject: {story.subject}\r\n"
    body = text.encode("cp1252")
    kind = rng.randrange(3)
    if kind == 0:
        raw = f"{head}Message-ID: {story.mail_id}\r\n\r\n".encode() + body
    elif kind == 1:
        raw = f"{head}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n".encode() + body
    else:
        raw = f"{head}Content-Type: text/plain; charset=nonesuch\r\nDate: yesterday\r\n\r\n".encode() + body
    return (Letter(story.customer, (story.address,), raw, straight=True),)


def _refused(part: str) -> Callable[[Story, str, random.Random], tuple[Letter, ...]]:
    """A mail on which a defect of ours sits (center.py): dead until it is repaired, a ticket like any other then."""

    def make(story: Story, text: str, _rng: random.Random) -> tuple[Letter, ...]:
        return (_letter(story, _mail(story, text, subject=f"{story.subject} {DEFECTS[part]}")),)

    return make


RARE = {"big"}
# name -> (weight, what is written, whether a CSR may answer)
SHAPES: dict[str, tuple[int, Callable[[Story, str, random.Random], tuple[Letter, ...]], bool]] = {
    "big": (0, _big, False),
    "plain": (30, _plain, True),
    "html_only": (8, _html_only, True),
    "with_files": (8, _with_files, True),
    "to_both": (6, _to_both, True),
    "came_twice": (6, _came_twice, True),
    "forgot_something": (6, _forgot_something, False),
    "two_matters": (4, _two_matters, False),
    "machine": (5, _machine, False),
    "list": (5, _list, False),
    "damaged": (6, _damaged, True),
    "emergency": (3, _plain, False),
    "refused_by_inbox": (1, _refused("message"), False),
    "refused_by_desk": (1, _refused("ticket"), False),
}


# What comes back to an answer


def _answer(story: Story, known: Known, text: str, to: str) -> EmailMessage:
    mail = _mail(story, text, mail_id=story.mail_id.replace("@", ".answer@"))
    for name, value in (("Subject", f"Re: {story.subject} [#{known.ticket}]"), ("To", to)):
        del mail[name]
        mail[name] = value
    return mail


def _by_token(story: Story, known: Known) -> Letter:
    """A mail program that drops all threading headers; the address is all that is left."""
    to = story.address.replace("@", f"+{known.token}@")
    return Letter(story.customer, (to,), _answer(story, known, THANKS[story.language], to).as_bytes())


def _by_header(story: Story, known: Known) -> Letter:
    mail = _answer(story, known, THANKS[story.language], story.address)
    mail["In-Reply-To"] = known.reply_id
    mail["References"] = f"{story.mail_id} {known.reply_id}"
    return _letter(story, mail)


def _by_own_mail(story: Story, known: Known) -> Letter:
    """The customer answers what they wrote themselves, without our number."""
    mail = _answer(story, known, THANKS[story.language], story.address)
    del mail["Subject"]
    mail["Subject"] = f"Re: {story.subject}"
    mail["In-Reply-To"] = story.mail_id
    return _letter(story, mail)


def _by_stranger(story: Story, known: Known) -> Letter:
    """Somebody else who quotes everything there is to quote: a ticket of their own, linked to the other."""
    mail = _by_header_of(story, known, f"stranger{story.number}@elsewhere.example")
    return _letter(story, mail, sender=f"stranger{story.number}@elsewhere.example")


def _by_header_of(story: Story, known: Known, sender: str) -> EmailMessage:
    mail = _answer(story, known, THANKS[story.language], story.address)
    del mail["From"]
    mail["From"] = sender
    mail["In-Reply-To"] = known.reply_id
    return mail


def _by_machine(story: Story, known: Known) -> Letter:
    prefix, text = AWAY[story.language]
    mail = _answer(story, known, text, story.address)
    del mail["Subject"]
    mail["Subject"] = f"{prefix}{story.subject}"
    mail["Auto-Submitted"] = "auto-replied"
    mail["In-Reply-To"] = known.reply_id
    return _letter(story, mail)


def _by_bounce(story: Story, known: Known) -> Letter:
    """Our answer could not be delivered (RFC 3464)."""
    domain = story.customer.rpartition("@")[2]
    raw = (
        f"From: Mail Delivery System <mailer-daemon@{domain}>\r\nTo: {story.address}\r\n"
        f"Subject: Undelivered Mail Returned to Sender\r\n"
        f"Date: {format_datetime(BEGAN + timedelta(seconds=story.number))}\r\n"
        f"Message-ID: {story.mail_id.replace('@', '.bounce@')}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.{domain}\r\n\r\n"
        f"Final-Recipient: rfc822; {story.customer}\r\nAction: failed\r\nStatus: 5.2.2\r\n"
        f"Diagnostic-Code: smtp; 552 5.2.2 Mailbox full\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {known.reply_id}\r\nTo: {story.customer}\r\nSubject: Re: {story.subject}\r\n\r\n--b--\r\n"
    )
    return Letter("", (story.address,), raw.encode())


FOLLOW_UPS: dict[str, Callable[[Story, Known], Letter]] = {
    "by_token": _by_token,
    "by_header": _by_header,
    "by_own_mail": _by_own_mail,
    "by_stranger": _by_stranger,
    "by_machine": _by_machine,
    "by_bounce": _by_bounce,
}
