"""Rows that tests begin with: each call makes one valid row and returns it."""

import itertools
import secrets
from datetime import date, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.models import (
    Assignment,
    AssignmentState,
    Certification,
    CertificationMode,
    Channel,
    Customer,
    CustomerIdentity,
    Entry,
    EntryKind,
    IdentityKind,
    Intent,
    Mailbox,
    Message,
    Person,
    Presence,
    PresenceLease,
    Role,
    Ticket,
    TicketState,
)
from shared.people import Actor

_count = itertools.count(1)


async def make_person(session: AsyncSession, role: Role = Role.CSR1, **values: Any) -> Person:
    number = next(_count)
    person = Person(**{"email": f"person{number}@center.example", "name": f"Person {number}", "role": role} | values)
    session.add(person)
    await session.flush()
    return person


def actor(person: Person) -> Actor:
    return Actor(id=person.id, name=person.name, email=person.email, role=person.role)


async def make_present(session: AsyncSession, person: Person, intent: Intent = Intent.AVAILABLE) -> None:
    """Available, with one browser tab open."""
    session.add(Presence(person_id=person.id, intent=intent))
    session.add(PresenceLease(person_id=person.id, tab_id="tab", expires_at=clock.now() + timedelta(seconds=150)))
    await session.flush()


async def certify(session: AsyncSession, person: Person, verifier: Person, language: str = "es") -> None:
    """Verified in speech and in writing, without an end."""
    for mode in CertificationMode:
        session.add(
            Certification(
                person_id=person.id,
                language=language,
                mode=mode,
                verified_by_id=verifier.id,
                verified_on=date(2026, 1, 5),
            )
        )
    await session.flush()


async def make_customer(session: AsyncSession, name: str = "Ana Ruiz", email: str | None = None) -> Customer:
    customer = Customer(name=name)
    session.add(customer)
    await session.flush()
    session.add(
        CustomerIdentity(
            kind=IdentityKind.EMAIL, value=email or f"customer{next(_count)}@example.com", customer_id=customer.id
        )
    )
    await session.flush()
    return customer


async def make_ticket(session: AsyncSession, **values: Any) -> Ticket:
    ticket = Ticket(
        **{
            "channel": Channel.EMAIL,
            "subject": "A question",
            "language": "en",
            "language_confidence": 0.99,
            "reply_token": secrets.token_hex(8),
            "queued_at": clock.now(),
        }
        | values
    )
    session.add(ticket)
    await session.flush()
    return ticket


async def make_assigned(session: AsyncSession, person: Person, **values: Any) -> Ticket:
    """A ticket that the person accepted."""
    ticket = await make_ticket(session, **{"state": TicketState.ASSIGNED, "assignee_id": person.id} | values)
    session.add(
        Assignment(ticket_id=ticket.id, person_id=person.id, state=AssignmentState.ACCEPTED, weight=ticket.weight)
    )
    await session.flush()
    return ticket


async def make_message(session: AsyncSession, text_new: str = "Hello", **values: Any) -> Message:
    mailbox = Mailbox(name=f"mailbox-{next(_count)}", address="help@center.example")
    session.add(mailbox)
    await session.flush()
    message = Message(
        **{
            "mailbox_id": mailbox.id,
            "blob": secrets.token_hex(32),
            "from_address": "ana@example.com",
            "subject": "A question",
            "received_at": clock.now(),
            "text_new": text_new,
            "text_full": text_new,
        }
        | values
    )
    session.add(message)
    await session.flush()
    return message


async def make_entry(session: AsyncSession, ticket: Ticket, kind: EntryKind, **values: Any) -> Entry:
    entry = Entry(ticket_id=ticket.id, kind=kind, **values)
    session.add(entry)
    await session.flush()
    return entry
