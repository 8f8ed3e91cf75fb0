"""The first mail a customer gets back: that we have theirs, or, in an emergency, what to do at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledged_repository as repository
from services.tickets import outgoing, reply_templates, safety_texts
from services.tickets.alerts import raise_alert
from services.tickets.letter import Letter
from shared import clock
from shared.language import MIXED, UNKNOWN
from shared.models import (
    Alert,
    AlertKind,
    Delivery,
    DeliveryKind,
    Entry,
    EntryKind,
    Message,
    SafetyKey,
    Ticket,
)
from shared.rows import insert_into, write
from shared.settings import Settings

# Mailboxes that nobody reads, or that answer by themselves.
_MACHINES = frozenset(
    ("mailer-daemon", "postmaster", "noreply", "no-reply", "no.reply", "no_reply", "donotreply", "do-not-reply",
     "do_not_reply", "noresponder", "no-responder", "autoreply",
     "auto-reply", "autoresponder", "bounce", "bounces", "notification", "notifications", "daemon", "root")
)  # fmt: skip
_OTHER_LANGUAGE_NOTE = "*Hablamos español: puede escribirnos en español.*"
MAX_EXCERPT = 500
_ANY_NUMBER = "90817263544536271809"  # stands for the ticket's until the words are made into a mail
ONCE_PER = timedelta(hours=1)  # sender, and address that is answered
ONCE_PER_THREAD = timedelta(days=1)  # also when every answer comes from another address
# «We have your mail» to somebody who wrote long ago only confuses, and the first start on a full mailbox would write to
# every sender in it and page the shift lead for emergencies that are over. A night's outage is shorter.
ANSWERED_WITHIN = timedelta(hours=24)


def answers_by_itself(address: str) -> bool:
    """Whether the local part says that a machine is behind the address."""
    local, _, domain = address.lower().rpartition("@")
    local = local.partition("+")[0]
    return (
        not local
        or not domain
        or local in _MACHINES
        or local.startswith(("noreply", "no-reply", "bounce-", "bounces-"))
    )


def is_old(since: datetime) -> bool:
    """Whether what came then is too long ago for anything automatic to be said about it."""
    return clock.now() - since > ANSWERED_WITHIN


def languages_for(language: str) -> tuple[str, ...]:
    """The languages of an acknowledgement: the customer's, or both when we cannot tell."""
    if language == "es":
        return ("es",)
    if language in (UNKNOWN, MIXED):
        return ("en", "es")
    return ("en",)


async def acknowledge(
    session: AsyncSession, settings: Settings, ticket: Ticket, *, message: Message, text: SafetyKey
) -> None:
    """Send it for a mail on a ticket that may have had one: once per ticket, else like `acknowledge_new`."""
    if not await _already(session, ticket.id, DeliveryKind.SAFETY):
        await acknowledge_new(session, settings, [(ticket, message)], {ticket.id: text}, emergency=True)


async def acknowledge_new(
    session: AsyncSession,
    settings: Settings,
    mails: Sequence[tuple[Ticket, Message]],
    texts: Mapping[int, SafetyKey],
    *,
    emergency: bool,
) -> None:
    """Send it for each of these mails of different customers: to nobody's machine, and to nobody who complained.

    `texts`: by ticket, which approved text says more than that we have their mail.

    At most once an hour for one customer and for one address, and once a day in one thread, which is a ticket with
    those that are linked to it: two machines that answer each other stop there, whatever addresses they use. Old mail
    gets none. The caller holds a lock on the senders, so that two of their mails at once get one acknowledgement.
    """
    kind = DeliveryKind.SAFETY if emergency else DeliveryKind.ACKNOWLEDGEMENT
    mails = [(ticket, message) for ticket, message in mails if _may_be_answered(message)]
    # Safety instructions do not wait for the hour of a plain acknowledgement; a plain one does wait for theirs.
    counted = [kind] if emergency else [DeliveryKind.ACKNOWLEDGEMENT, DeliveryKind.SAFETY]
    customers = {ticket.customer_id for ticket, _ in mails if ticket.customer_id is not None}
    if not emergency:
        unwanted = await repository.unwanted_by(session, {answer_to(message).lower() for _, message in mails})
        mails = [(ticket, message) for ticket, message in mails if answer_to(message).lower() not in unwanted]
    lately = await repository.acknowledged_since(session, customers, counted, clock.now() - ONCE_PER)
    mails = [(ticket, message) for ticket, message in mails if ticket.customer_id not in lately]
    # One mail for each address, also when several of these ask for answers to the same.
    mails = list({answer_to(message): (ticket, message) for ticket, message in reversed(mails)}.values())[::-1]
    spared = await repository.addresses_acknowledged_since(
        session, [answer_to(message) for _, message in mails], counted, clock.now() - ONCE_PER
    )
    threads = {ticket.linked_ticket_id for ticket, _ in mails if ticket.linked_ticket_id is not None}
    told = await repository.threads_acknowledged_since(session, threads, counted, clock.now() - ONCE_PER_THREAD)
    mails = [
        (ticket, message)
        for ticket, message in mails
        if answer_to(message) not in spared and ticket.linked_ticket_id not in told
    ]
    if not mails:
        return
    words = [await _words(session, texts.get(ticket.id)) for ticket, _ in mails]
    deliveries = [
        await _acknowledgement(session, settings, ticket, message, kind, said.texts)
        for (ticket, message), said in zip(mails, words, strict=True)
    ]
    ids = await outgoing.send_rows(session, deliveries)
    await write(
        session,
        insert_into(Entry),
        [
            {
                "ticket_id": ticket.id,
                "kind": EntryKind.ACKNOWLEDGEMENT,
                "delivery_id": delivery_id,
                "detail": {
                    "kind": kind.value,
                    "languages": list(languages_for(ticket.language)),
                    "to": [answer_to(message)],
                    **said.as_json(),
                },
            }
            for delivery_id, (ticket, message), said in zip(ids, mails, words, strict=True)
        ],
    )


@dataclass(frozen=True)
class _Words:
    """Which text, and in which version, goes out."""

    texts: Mapping[str, reply_templates.Text]
    text: SafetyKey | None = None
    version: int | None = None

    def as_json(self) -> dict[str, object]:
        return {} if self.text is None else {"text": self.text.value, "version": self.version}


async def _words(session: AsyncSession, key: SafetyKey | None) -> _Words:
    """The approved text; where none stands, that of any danger; else only that we have their mail."""
    if key is not None:
        instead = [SafetyKey.DANGER] if key in (SafetyKey.GAS, SafetyKey.WIRE) else []
        for each in (key, *instead):
            found = await safety_texts.approved(session, each)
            if found is not None:
                return _Words(found.texts, found.key, found.version)
    return _Words(await reply_templates.load(session, "acknowledgement"))


def answer_to(message: Message) -> str:
    return (next(iter(message.reply_to), "") or message.from_address).strip().lower()


def _may_be_answered(message: Message) -> bool:
    address = answer_to(message)
    return (
        message.machine is None and bool(address) and not answers_by_itself(address) and not is_old(message.received_at)
    )


async def _acknowledgement(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    message: Message,
    kind: DeliveryKind,
    texts: Mapping[str, reply_templates.Text],
) -> dict[str, Any]:
    languages = languages_for(ticket.language)
    parts, subjects = [], []
    for language in languages:
        values = reply_templates.usual_values(settings, language)
        parts.append(reply_templates.fill(texts[language].body, {**values, "number": _ANY_NUMBER}))
        subjects.append(reply_templates.fill(texts[language].subject, {**values, "number": str(ticket.id)}))
    if ticket.language not in ("en", "es", MIXED, UNKNOWN):
        parts.append(_OTHER_LANGUAGE_NOTE)
    subject = " / ".join(subjects)
    if kind is not DeliveryKind.SAFETY and message.subject.strip():
        subject = outgoing.reply_subject(message.subject, ticket.id)
    else:
        subject = f"{subject} [#{ticket.id}]"
    return await outgoing.delivery_values(
        session,
        settings,
        ticket,
        kind=kind,
        to=[answer_to(message)],
        subject=subject,
        language=languages[0] if len(languages) == 1 else MIXED,
        letter=_numbered(_letter("\n\n---\n\n".join(parts)), ticket.id),
        answers=message,
    )


@lru_cache(maxsize=64)
def _letter(markdown: str) -> Letter:
    """The same words go to everybody who writes: made into a mail once."""
    return outgoing.plain(markdown)


def _numbered(letter: Letter, ticket_id: int) -> Letter:
    number = str(ticket_id)
    return Letter(letter.text.replace(_ANY_NUMBER, number), letter.html.replace(_ANY_NUMBER, number))


async def raise_alarm(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    *,
    phrases: list[str],
    excerpt: str,
    said_at: datetime | None = None,
) -> bool:
    """Tell the shift lead of an emergency: an alert on the board until somebody takes it, and a mail, day and night.

    Once per ticket; False when it was raised before. `said_at` (none: now): long ago, it is on the board only.
    """
    if await was_alarmed(session, ticket.id):
        return False
    detail: dict[str, object] = {"phrases": phrases, "channel": ticket.channel.value, "language": ticket.language}
    if not (said_at is not None and is_old(said_at)):
        sent = await page(session, settings, ticket, "page", phrases=phrases, excerpt=excerpt)
        if sent is not None:
            detail["page_delivery_id"] = sent.id
    await raise_alert(session, AlertKind.EMERGENCY, ticket.id, detail)
    return True


async def page(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    template: str,
    *,
    phrases: Sequence[str],
    excerpt: str,
    what: str = "",
) -> Delivery | None:
    """Mail the shift lead about a ticket, day and night. None: no address of theirs is set."""
    if not settings.shift_lead_address:
        return None
    texts = await reply_templates.load(session, template)
    values = {
        **reply_templates.usual_values(settings, "en"),
        "number": str(ticket.id),
        "channel": ticket.channel.value,
        "what": what,
        "phrases": ", ".join(phrases),
        "link": f"{settings.public_url.rstrip('/')}/tickets/{ticket.id}",
        "callback": ticket.callback_number or "-",
        "excerpt": "\n".join(f"> {line}" for line in excerpt[:MAX_EXCERPT].splitlines()),
    }
    return await outgoing.send(
        session,
        settings,
        ticket,
        kind=DeliveryKind.PAGE,
        to=[settings.shift_lead_address],
        subject=reply_templates.fill(texts["en"].subject, values),
        language="en",
        markdown=reply_templates.fill(texts["en"].body, values),
    )


async def was_alarmed(session: AsyncSession, ticket_id: int) -> bool:
    """Whether the shift lead was told of an emergency on this ticket."""
    before = await session.scalar(
        select(Alert.id).where(Alert.kind == AlertKind.EMERGENCY, Alert.ticket_id == ticket_id).limit(1)
    )
    return before is not None


async def _already(session: AsyncSession, ticket_id: int, kind: DeliveryKind) -> bool:
    found = await session.scalar(
        select(Delivery.id).where(Delivery.ticket_id == ticket_id, Delivery.kind == kind).limit(1)
    )
    return found is not None
